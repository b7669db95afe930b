/**
 * Random lives of the service on a virtual clock, judged by a model that knows the promises alone (reference.ts). One failure
 * is shrunk, and printed with what replays it:
 *
 *   CURFEW_MODEL_RUNS=10000 npx vitest run test/model
 *   CURFEW_MODEL_SEED=… CURFEW_MODEL_PATH=… npx vitest run test/model
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brokenPromises } from './reference.ts';
import { story, tell } from './stories.ts';

const { CURFEW_MODEL_RUNS: wanted, CURFEW_MODEL_SEED: seed, CURFEW_MODEL_PATH: path } = process.env;
const runs = Number(wanted ?? 200);

test('whatever fails, dies or races, access is right when it is held, and gone when it is not', async () => {
  const property = fc.asyncProperty(story, async (told) => {
    expect(brokenPromises(await tell(told))).toEqual([]);
  });
  const details = await fc.check(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
  });
  if (details.failed) {
    const { counterexamplePath } = details;
    console.log(`CURFEW_MODEL_SEED=${details.seed} CURFEW_MODEL_PATH=${counterexamplePath} npx vitest run test/model`);
  }
  fc.asyncDefaultReportMessage;
  expect(details.failed, await fc.asyncDefaultReportMessage(details)).toBe(false);
}, 36_000_000);
