import { setTimeout as sleep } from 'node:timers/promises';
import { type HostClock, systemClock } from '../local/functions-host/index.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import type { Clock } from '../shared/ports.ts';
import { Timers } from '../test/support/timers.ts';

/** One clock for the engine and the service. */
export interface HubTime {
  readonly host: HostClock;
  readonly clock: Clock;
  /** Lets time pass until `isDone`. Fails after `limitMs` of it. `idle` resolves when nothing moves but the clock. */
  pass(isDone: () => boolean, limitMs: number, idle: () => Promise<void>): Promise<void>;
}

/** Time that moves on when all that can be done at an instant is done: computing takes none of it. */
export function virtualTime(): HubTime {
  let now = Date.parse('2026-11-21T09:00:00.000Z');
  const timers = new Timers();
  const schedule: HostClock['schedule'] = (at, run) => timers.add(at, run);
  return {
    host: { now: () => now, schedule },
    clock: clockOf(() => now, schedule),
    async pass(isDone, limitMs, idle) {
      const end = now + limitMs;
      for (await idle(); !isDone(); await idle()) {
        const next = timers.take();
        if (!next || next.at > end) throw new Error('The lifecycles did not end.');
        now = Math.max(now, next.at);
        next.run();
        // What comes at the same instant is done at once.
        while (timers.nextAt === next.at) timers.take()?.run();
      }
    },
  };
}

export function realTime(): HubTime {
  const { now, schedule } = systemClock;
  return {
    host: systemClock,
    clock: clockOf(now, schedule),
    async pass(isDone, limitMs) {
      for (const end = now() + limitMs; !isDone(); await sleep(20)) {
        if (now() > end) throw new Error('The lifecycles did not end.');
      }
    },
  };
}

function clockOf(now: () => number, schedule: HostClock['schedule']): Clock {
  return {
    now: () => instantOf(now()),
    sleepUntil: (instant) =>
      new Promise((resolve) => {
        const at = millisecondsOf(instant);
        if (at <= now()) resolve();
        else schedule(at, resolve);
      }),
  };
}
