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

/** One line of the table: what was measured, and what came out. */
export type Figure = readonly [what: string, value: string];
