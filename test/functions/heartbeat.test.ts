import { describe, expect, test } from 'vitest';
import { createHeartbeat } from '../../functions/heartbeat.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

const minute = 60_000;

describe('the reconciler’s health', () => {
  const world = createWorld();
  const { clock } = world.time;
  let stored: Instant | undefined;
  let isDown = false;
  const store = {
    save: async (at: Instant) => {
      stored = at;
    },
    find: async () => {
      if (isDown) throw new Error('down');
      return stored;
    },
    beat: async () => {},
    pulse: async () => undefined,
  };
  test('lasts for five minutes after a success, on every instance, and for the first five without one', async () => {
    const here = createHeartbeat(store, clock);
    const there = createHeartbeat(store, clock);
    await world.advanceTo(plus(start, 5 * minute));
    await expect(here.check()).resolves.toBeUndefined();
    await world.advanceTo(plus(start, 5 * minute + 1));
    await expect(here.check()).rejects.toThrow();
    await here.beat();
    await expect(there.check()).resolves.toBeUndefined();
    isDown = true;
    await expect(here.check()).resolves.toBeUndefined();
    await expect(there.check()).rejects.toThrow();
    isDown = false;
    await world.advanceTo(plus(start, 10 * minute + 2));
    await expect(here.check()).rejects.toThrow();
    await expect(there.check()).rejects.toThrow();
  });
});
