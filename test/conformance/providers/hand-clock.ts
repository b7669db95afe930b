import type { Instant } from '../../../shared/domain/time.ts';
import type { Clock } from '../../../shared/ports.ts';

/** A clock that jumps to wherever somebody sleeps to, until it is stopped; from then on it is moved by hand. */
export class HandClock implements Clock {
  #now: Instant;
  #stopped = false;
  #sleepers: { until: Instant; wake: () => void }[] = [];
  #watchers: { count: number; tell: () => void }[] = [];

  constructor(now: Instant) {
    this.#now = now;
  }

  now(): Instant {
    return this.#now;
  }

  sleepUntil(until: Instant): Promise<void> {
    if (until <= this.#now) return Promise.resolve();
    if (!this.#stopped) {
      this.#now = until;
      return Promise.resolve();
    }
    return new Promise((wake) => {
      this.#sleepers.push({ until, wake });
      this.#watchers = this.#watchers.filter((watcher) => {
        if (this.#sleepers.length < watcher.count) return true;
        watcher.tell();
        return false;
      });
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once so many sleep. */
  asleep(count = 1): Promise<void> {
    if (this.#sleepers.length >= count) return Promise.resolve();
    return new Promise((tell) => {
      this.#watchers.push({ count, tell });
    });
  }

  moveTo(now: Instant): void {
    this.#now = now;
    const awake = this.#sleepers.filter(({ until }) => until <= now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > now);
    for (const { wake } of awake) wake();
  }

  /** Lets everybody go and jumps again. */
  start(): void {
    this.#stopped = false;
    for (const { until } of [...this.#sleepers]) if (until > this.#now) this.#now = until;
    this.moveTo(this.#now);
  }
}
