export interface HostClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs once, at or after `at` (epoch milliseconds), never before it. Returns the cancellation. */
  schedule(at: number, run: () => void): () => void;
}

/** Node turns a longer delay into one of 1 ms. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

export const systemClock: HostClock = {
  now: Date.now,
  schedule(at, run) {
    let handle: NodeJS.Timeout;
    const arm = () => {
      // setTimeout counts on the monotonic clock and may ring up to a millisecond early by the wall clock.
      const wait = at - Date.now();
      handle = setTimeout(() => (Date.now() >= at ? run() : arm()), Math.min(Math.max(wait, 0), LONGEST_TIMEOUT));
    };
    arm();
    return () => clearTimeout(handle);
  },
};
