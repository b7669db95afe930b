import { expect, test } from 'vitest';
import { type Instant, instantOf, millisecondsOf, plus } from '../../shared/domain/time.ts';
import { start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

test('a clock that is set back once the access is gone does not stop the story before its end', async () => {
  const world = createWorld();
  const { clock, host } = world.time;
  let ahead = 500;
  clock.now = () => instantOf(host.now() + ahead);
  clock.sleepUntil = (instant: Instant) =>
    new Promise((resolve) => void host.schedule(millisecondsOf(instant) - ahead, resolve));
  const endSessions = world.target.endSessions.bind(world.target);
  world.target.endSessions = async (...words) => {
    ahead = 0;
    return endSessions(...words);
  };
  const id = await world.submit();
  await world.approve(id);
  const deadline = plus(start, 8 * 3_600_000);
  await world.advanceTo(plus(deadline, 60_000));
  expect(world.request(id)).toMatchObject({ state: 'expired', cause: { kind: 'deadline' } });
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
});
