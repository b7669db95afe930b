import { setImmediate as nextLoop } from 'node:timers/promises';
import type { Store } from './store.ts';

/** How many items share a transaction. More delay what waits for the commit, fewer wait for the disk more often. */
const BATCH = 128;

/**
 * Works items off in batches with one commit each. Effects and promises wait for the commit: nobody is told anything, and nothing
 * is set off, that a crash could take back.
 */
export class Pump<Item> {
  readonly #store: Store;
  readonly #work: (item: Item) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #ready: Item[] = [];
  #effects: (() => void)[] = [];
  #promised: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = false;
  #closed = false;

  constructor(store: Store, work: (item: Item) => Promise<void>, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#work = work;
    this.#onFailure = onFailure;
  }

  get running(): boolean {
    return this.#running;
  }

  get closed(): boolean {
    return this.#closed;
  }

  add(item: Item): void {
    this.#ready.push(item);
    this.#start();
  }

  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
    this.#start();
  }

  /** Has what was written outside of a turn committed, which nobody waits for. */
  commitSoon(): void {
    this.#start();
  }

  committed(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#promised.push({ resolve, reject });
    this.#start();
    return promise;
  }

  close(error: unknown): void {
    this.#closed = true;
    this.#running = false;
    for (const { reject } of this.#promised.splice(0)) reject(error);
  }

  #start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    setImmediate(() => {
      this.#run().catch((error: unknown) => {
        // Nothing that was promised since the last commit holds, so nothing may go on as if it did.
        this.close(error);
        this.#onFailure(error);
      });
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await Promise.all(this.#ready.splice(0, BATCH).map((item) => this.#work(item)));
      if (this.#closed) return;
      this.#store.commit();
      for (const { resolve } of this.#promised.splice(0)) resolve();
      for (const effect of this.#effects.splice(0)) effect();
      if (this.#ready.length + this.#effects.length + this.#promised.length === 0 && !this.#store.dirty) break;
      await nextLoop();
    }
    this.#running = false;
  }
}
