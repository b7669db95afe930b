import type { Fix } from '../../shared/providers/provider.ts';

/** All of them as text: what is to be run in one place together, each line once. */
export function describeFixes(fixes: readonly Fix[]): string {
  return [...Map.groupBy(fixes, ({ where }) => where)]
    .map(([where, some]) => {
      const ends = some.flatMap(({ end }) => end ?? []).slice(0, 1);
      return [where, ...new Set(some.flatMap(({ lines }) => lines)), ...ends].join('\n');
    })
    .join('\n\n');
}
