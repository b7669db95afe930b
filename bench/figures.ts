/** Runs `work` for 0 … count − 1, so many at a time. */
export async function inParallel<Answer>(
  count: number,
  atOnce: number,
  work: (number: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const worker = async () => {
    for (let number = next++; number < count; number = next++) answers[number] = await work(number);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return answers;
}

/** The value below which this part of them lies, nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export const round = (value: number, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
export const mebibytes = (bytes: number) => `${round(bytes / 2 ** 20, 1)} MiB`;

/** Milliseconds of latenesses: infinite where nothing had come by the limit. */
export function describeLateness(latenesses: readonly number[], limitMs: number): string {
  const format = (ms: number) => (Number.isFinite(ms) ? `${round(ms, 1)} ms` : `over ${limitMs / 1_000} s`);
  const missing = latenesses.filter((ms) => !Number.isFinite(ms)).length;
  return [
    `median ${format(quantile(latenesses, 0.5))}, p99 ${format(quantile(latenesses, 0.99))}, max ${format(Math.max(...latenesses))}`,
    `least ${format(Math.min(...latenesses))}, early ${latenesses.filter((ms) => ms < 0).length}`,
    ...(missing > 0 ? [`${round(missing)} not waited for`] : []),
  ].join('; ');
}

/** One line of the table: what was measured, and what came out. */
export type Figure = readonly [what: string, value: string];
