interface Timer {
  readonly at: number;
  /** Of several for one instant the first that was set runs first. */
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A binary heap: the timers of a thousand lifecycles are too many to be sorted for each. */
export class Timers {
  readonly #heap: Timer[] = [];
  #count = 0;

  /** Returns what cancels it. */
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

  /** When the next is due that is not cancelled. */
  get nextAt(): number | undefined {
    while (this.#heap[0]?.isCancelled) this.#removeFirst();
    return this.#heap[0]?.at;
  }

  /** Takes the next timer that is not cancelled. */
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
