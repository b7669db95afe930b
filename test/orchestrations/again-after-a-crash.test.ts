import { expect, test } from 'vitest';
import { plus } from '../../shared/domain/time.ts';
import { analysts, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;

test('a grant whose process dies once the intent is recorded, and whose requester has left by the time it runs again, is undone', async () => {
  const world = createWorld({
    around: async (name, run) => {
      if (name !== 'target.isHeld' || world.directory.groups.get(analysts)?.length === 0) return run();
      world.directory.groups.set(analysts, []);
      world.die();
      return new Promise(() => {});
    },
  });
  const id = await world.submit();
  await world.approve(id);
  await world.advanceTo(plus(start, 10 * minute));
  expect(world.types(id)).toEqual([
    'access-requested',
    'access-approved',
    'grant-intended',
    'revocation-began',
    'access-revoked',
  ]);
  expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
  await world.advanceTo(plus(start, 9 * hour));
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  expect([world.target.members.size, world.holds.all.size]).toEqual([0, 0]);
});
