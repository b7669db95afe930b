import type { HostClock } from '../clock.ts';

interface Armed {
  readonly at: number;
  /** Of several for one instant the first that was added fires first. */
  readonly order: number;
  readonly fire: () => void;
}

/** Any number of timers on one clock alarm. A binary heap, since a crowd of instances may share few deadlines or none. */
export class TimerQueue {
  readonly #clock: HostClock;
  readonly #heap: Armed[] = [];
  #added = 0;
  #closed = false;
  #alarm: { at: number; cancel: () => void } | undefined;

  constructor(clock: HostClock) {
    this.#clock = clock;
  }

  add(at: number, fire: () => void): void {
    if (this.#closed) return;
    this.#push({ at, order: this.#added++, fire });
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#heap.length = 0;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (!next || (this.#alarm && this.#alarm.at <= next.at)) return;
    this.#alarm?.cancel();
    this.#alarm = { at: next.at, cancel: this.#clock.schedule(next.at, () => this.#ring()) };
  }

  #ring(): void {
    this.#alarm = undefined;
    const now = this.#clock.now();
    for (let next = this.#heap[0]; next && next.at <= now; next = this.#heap[0]) {
      this.#pop();
      next.fire();
    }
    this.#arm();
  }

  #push(item: Armed): void {
    const heap = this.#heap;
    let index = heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, item)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (!a) break;
      const [child, at] = b && isBefore(b, a) ? [b, left + 1] : [a, left];
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = at;
    }
    heap[index] = last;
  }
}

const isBefore = (one: Armed, other: Armed) => one.at < other.at || (one.at === other.at && one.order < other.order);

export type FireTime = (fireAt: number, created: number) => number;

/** By name; `random` is the lateness of the Azure Storage backend. */
export function fireTimeOf(timers: 'exact' | 'azure-storage' | FireTime, random: () => number): FireTime {
  if (typeof timers === 'function') return timers;
  return timers === 'exact' ? (fireAt) => fireAt : (fireAt, created) => azureStorageFireTime(fireAt, created, random);
}

/** Lateness in milliseconds at points of the distribution that was measured with default polling; linear between them. */
const measured: readonly (readonly [share: number, late: number])[] = [
  [0, -900],
  [0.1, -369],
  [0.5, 1_296],
  [0.9, 19_226],
  [1, 25_521],
];

/** Milliseconds from the creation of a timer that is due to its event, as measured. */
const ROUND_TRIP = 10;

/** When a timer of the Azure Storage backend fires: the queue counts whole seconds, rounded down, and is polled with a back-off. */
function azureStorageFireTime(fireAt: number, created: number, random: () => number): number {
  // At once, but not in no time: the last leg of a long timer that fired early is repeated until its instant has come.
  if (fireAt - created <= 1_000) return Math.min(fireAt, created + ROUND_TRIP);
  const share = random();
  const upper = measured.findIndex(([edge]) => share <= edge);
  const [toShare, toLate] = measured[Math.max(upper, 1)] ?? [1, 0];
  const [fromShare, fromLate] = measured[Math.max(upper, 1) - 1] ?? [0, 0];
  const late = fromLate + ((share - fromShare) / (toShare - fromShare)) * (toLate - fromLate);
  return Math.max(created, Math.round(fireAt + late));
}

/** Mulberry32: the same lateness in every run of a test. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
