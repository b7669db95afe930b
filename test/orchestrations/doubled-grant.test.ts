import { expect, test } from 'vitest';
import { plus } from '../../shared/domain/time.ts';
import { requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;

/** A queue delivers at least once: of two copies of the first grant the one that is heard finds the directory down, the other does not. */
function createDoubled(between: (world: World) => Promise<void> = async () => {}) {
  let isDoubled = false;
  const world: World = createWorld({
    around: async (name, run) => {
      if (name !== 'activities.grant' || isDoubled) return run();
      isDoubled = true;
      world.directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
      const heard = await run();
      world.directory.failure = undefined;
      await between(world);
      await run();
      return heard;
    },
  });
  return world;
}

test('a copy of the grant that records the intent, of which nothing is heard, does not keep the request from its end', async () => {
  const world = createDoubled();
  const id = await world.submit(requested({ duration: 30 * minute }));
  await world.approve(id);
  await world.advanceTo(plus(start, 2 * 60 * minute));
  expect(world.types(id)).toEqual([
    'access-requested',
    'access-approved',
    'grant-intended',
    'access-granted',
    'revocation-began',
    'access-revoked',
  ]);
  expect(world.request(id).state).toBe('expired');
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  expect(world.target.log.map(({ at, what }) => [what, at])).toEqual([
    ['granted', start],
    ['dropped', plus(start, 30 * minute)],
  ]);
  expect(world.holds.all.size).toBe(0);
});
