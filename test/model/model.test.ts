/**
 * Random lives of the service on a virtual clock, judged (promises.ts) by a model that knows nothing of how it works (reference.ts). A failure is
 * shrunk, and printed with what plays it again:
 *
 *   CURFEW_MODEL_RUNS=10000 npx vitest run test/model
 *   CURFEW_MODEL_SEED=… CURFEW_MODEL_PATH=… npx vitest run test/model
 *
 * Without a number it plays what it can in half a minute.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brokenPromises } from './promises.ts';
import { story, tell } from './stories.ts';

const { CURFEW_MODEL_RUNS: wanted, CURFEW_MODEL_SEED: seed, CURFEW_MODEL_PATH: path } = process.env;
const isBounded = wanted === undefined && path === undefined;
const fewest = 15;

test('whatever fails, dies or races, access stands while it is right, and is gone when it is not', async () => {
  const life = fc.asyncProperty(story, async (told) => {
    const broken = brokenPromises(await tell(told));
    // Each in full: what a comparison prints is cut off.
    if (broken.length > 0) expect.fail(broken.join('\n'));
  });
  const found = await fc.check(life, {
    numRuns: Number(wanted ?? 300),
    includeErrorInReport: true,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
    ...(isBounded && { interruptAfterTimeLimit: 25_000 }),
  });
  const again = `CURFEW_MODEL_SEED=${found.seed} CURFEW_MODEL_PATH=${found.counterexamplePath} npx vitest run test/model`;
  console.log(
    `${found.numRuns} lives, seed ${found.seed}${found.counterexamplePath === null ? '' : `; again: ${again}`}`,
  );
  if (found.counterexample) expect.fail(`${again}\n${await fc.asyncDefaultReportMessage(found)}`);
  if (isBounded) expect(found.numRuns).toBeGreaterThanOrEqual(fewest);
}, 86_400_000);
