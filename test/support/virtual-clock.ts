import { type Instant, instantOf, millisecondsOf } from '../../shared/domain/time.ts';
import type { Clock } from '../../shared/ports.ts';

interface Timer {
  readonly at: number;
  /** Of several for one instant the first that was set runs first. */
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Time that moves only when a test moves it. The same timers serve the service (`clock`) and the host (`host`). */
export class VirtualClock {
  #now: number;
  #set = 0;
  /** A binary heap: a crowd of requests sets thousands of timers. */
  readonly #timers: Timer[] = [];

  constructor(start = '2026-11-21T09:00:00.000Z') {
    this.#now = Date.parse(start);
  }

  readonly clock: Clock = {
    now: () => instantOf(this.#now),
    sleepUntil: (instant) =>
      new Promise((resolve) => {
        if (instant <= this.now) resolve();
        else this.host.schedule(millisecondsOf(instant), resolve);
      }),
  };

  readonly host = {
    now: () => this.#now,
    schedule: (at: number, run: () => void): (() => void) => {
      const timer = { at, order: this.#set++, run, isCancelled: false };
      this.#push(timer);
      return () => {
        timer.isCancelled = true;
      };
    },
  };

  get now(): Instant {
    return instantOf(this.#now);
  }

  /** Moves to the instant, stopping at each timer on the way until everything it set off has come to rest. */
  async advanceTo(instant: Instant, settle: () => Promise<void>): Promise<void> {
    const end = millisecondsOf(instant);
    for (;;) {
      await settle();
      const due = this.#pop(end);
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = Math.max(this.#now, end);
    await settle();
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, timer)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
  }

  /** Takes the next timer that is due by `end`. */
  #pop(end: number): Timer | undefined {
    for (;;) {
      const [first] = this.#timers;
      if (!first || first.at > end) return undefined;
      this.#removeFirst();
      if (!first.isCancelled) return first;
    }
  }

  #removeFirst(): void {
    const heap = this.#timers;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (!left) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
