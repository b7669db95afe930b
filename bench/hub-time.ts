import { setTimeout as sleep } from 'node:timers/promises';
import { type HostClock, systemClock } from '../local/functions-host/index.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import type { Clock } from '../shared/ports.ts';

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

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A binary heap: the timers of a thousand lifecycles are too many to be sorted for each. */
class Timers {
  readonly #heap: Timer[] = [];
  #count = 0;

  add(at: number, run: () => void): () => void {
    const timer = { at, run, order: this.#count++, isCancelled: false };
    const heap = this.#heap;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, timer)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
    return () => {
      timer.isCancelled = true;
    };
  }

  get nextAt(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#removeFirst();
    return this.#heap[0]?.at;
  }

  take(): Timer | undefined {
    return this.nextAt === undefined ? undefined : this.#removeFirst();
  }

  #removeFirst(): Timer | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
      if (!left) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
    return first;
  }
}

const isBefore = (one: Timer, other: Timer) => one.at < other.at || (one.at === other.at && one.order < other.order);
