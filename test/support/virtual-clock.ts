import { type Instant, instantOf, millisecondsOf } from '../../shared/domain/time.ts';
import type { Clock } from '../../shared/ports.ts';
import { Timers } from './timers.ts';

/** Time that moves only when a test moves it. The same timers serve the service (`clock`) and the host (`host`). */
export class VirtualClock {
  #now: number;
  readonly #timers = new Timers();

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
    schedule: (at: number, run: () => void): (() => void) => this.#timers.add(at, run),
  };

  get now(): Instant {
    return instantOf(this.#now);
  }

  /** Moves to the instant, stopping at each timer on the way until everything it set off has come to rest. */
  async advanceTo(instant: Instant, settle: () => Promise<void>): Promise<void> {
    const end = millisecondsOf(instant);
    for (;;) {
      await settle();
      const due = (this.#timers.nextAt ?? Number.POSITIVE_INFINITY) <= end ? this.#timers.take() : undefined;
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = Math.max(this.#now, end);
    await settle();
  }
}
