import { expect } from 'vitest';

/** No markup but Curfew's own, nothing that runs, nothing that is fetched. `link` is the one address that may be in it. */
export function expectSafeMarkup(markup: string, link = ''): void {
  const rest = link === '' ? markup : markup.replaceAll(link, '');
  expect(rest).not.toMatch(/<(?:script|img|iframe|object|embed|link|base|svg|video|audio|source|meta http-equiv)/i);
  expect(rest).not.toMatch(/<[^>]*\son\w+\s*=/i);
  expect(rest).not.toMatch(/\bsrc(?:set)?="|@import|url\(|https?:|javascript:|data:/i);
  expect(rest).not.toMatch(/\u202e/);
  const opened = [...rest.matchAll(/<(\w+)/g)]
    .map(([, tag]) => tag)
    .filter((tag) => !['meta', 'br'].includes(tag ?? ''));
  const closed = [...rest.matchAll(/<\/(\w+)/g)].map(([, tag]) => tag);
  expect(countOf(opened)).toEqual(countOf(closed));
}

function countOf(tags: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const tag of tags) counts[String(tag)] = (counts[String(tag)] ?? 0) + 1;
  return counts;
}
