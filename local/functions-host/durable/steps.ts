/** Milliseconds, drawn anew for each step. `random` returns numbers in [0, 1). */
export type Draw = (random: () => number) => number;

/** How work waits in a task hub. What is left out takes no time and has no limit. */
export interface StepTimes {
  /** From the commit that schedules an activity until a worker may take it from the work-item queue. */
  readonly activityWait?: Draw;
  /** From a message until the turn that it asks for may begin. Further messages join that turn. */
  readonly turnWait?: Draw;
  /** From an acknowledged raise, terminate, suspend or resume until it reaches its instance. Their order is kept. */
  readonly eventWait?: Draw;
  /** From the end of an activity until its result reaches its instance. */
  readonly resultWait?: Draw;
  readonly storage?: StorageTimes;
  /** Activities at once, as host.json calls it. Further ones wait in a FIFO queue. */
  readonly maxConcurrentActivityFunctions?: number | undefined;
  /** Turns at once. */
  readonly maxConcurrentOrchestratorFunctions?: number | undefined;
}

/** What keeps the storage behind the hub busy. It serves one step after another, in the order in which they begin. */
export interface StorageTimes {
  /** Milliseconds for each turn and each activity. */
  readonly step: number;
  /** Milliseconds for each event of the history that a turn reads. */
  readonly event: number;
}

export type StepPreset = 'none' | 'measured' | 'slow';

const between =
  (from: number, to: number): Draw =>
  (random) =>
    from + (to - from) * random();

/**
 * Fitted to `curfew-on-the-real-host.md`: a task hub in Azurite on two cores. More instances at once hardly raise its throughput, so
 * one server does all the work. Its time for an instance grows faster than the number of activities, so a turn costs more the
 * longer its history is. `step` and `event` are the pair that comes closest to six figures: bare instances of 5, 8 and
 * 15 activities a second, and a whole life with 1, 8 and 16 at once. The waits are what a life that is alone takes beyond that.
 * `test/local/functions-host/steps.test.ts` holds each figure to within a third. They can't all be met: the bare instances ran
 * on a mended Azurite, the whole lives on a stock one.
 */
const measured: StepTimes = {
  activityWait: between(2, 8),
  turnWait: between(2, 8),
  eventWait: between(2, 8),
  storage: { step: 4.6, event: 0.27 },
};

const presets: Readonly<Record<StepPreset, StepTimes>> = {
  none: {},
  measured,
  slow: { ...measured, activityWait: between(10_000, 60_000) },
};

/** Returns the times of a preset, as a base for others; times of one's own are returned as they are. */
export const stepTimes = (steps: StepPreset | StepTimes): StepTimes =>
  typeof steps === 'string' ? presets[steps] : steps;

export interface StepHost {
  now(): number;
  /** Runs once at an instant. Of several for one instant the first set runs first. */
  at(time: number, run: () => void): void;
  random(): number;
}

/** A step that has begun; it calls `done` when it has ended. */
type Begin = (done: () => void) => void;

/** Lets each step begin when its time has come. A step without a time begins at once, within the call. */
export class Steps {
  readonly #times: StepTimes;
  readonly #host: StepHost;
  readonly #activities: Slots;
  readonly #turns: Slots;
  /** When the storage has done what was asked of it so far. */
  #storageFree = 0;
  /** Instant of the last event on its way, by instance. */
  readonly #arrivals = new WeakMap<object, number>();

  constructor(times: StepTimes, host: StepHost) {
    this.#times = times;
    this.#host = host;
    this.#activities = new Slots(times.maxConcurrentActivityFunctions);
    this.#turns = new Slots(times.maxConcurrentOrchestratorFunctions);
  }

  /** `events` is asked for the length of the history when the storage gets to it. */
  turn(events: () => number, begin: Begin): void {
    const { turnWait, storage } = this.#times;
    this.#wait(turnWait, () =>
      this.#turns.take((done) => this.#store(storage && storage.step + storage.event * events(), () => begin(done))),
    );
  }

  activity(begin: Begin): void {
    const { activityWait, storage } = this.#times;
    this.#wait(activityWait, () => this.#activities.take((done) => this.#store(storage?.step, () => begin(done))));
  }

  result(run: () => void): void {
    this.#wait(this.#times.resultWait, run);
  }

  event(instance: object, run: () => void): void {
    const { eventWait } = this.#times;
    if (!eventWait) {
      run();
      return;
    }
    const arrival = Math.max(
      this.#host.now() + Math.ceil(eventWait(this.#host.random)),
      this.#arrivals.get(instance) ?? 0,
    );
    this.#arrivals.set(instance, arrival);
    this.#host.at(arrival, run);
  }

  #wait(draw: Draw | undefined, run: () => void): void {
    if (draw) this.#host.at(this.#host.now() + Math.ceil(draw(this.#host.random)), run);
    else run();
  }

  #store(cost: number | undefined, run: () => void): void {
    if (cost === undefined) {
      run();
      return;
    }
    this.#storageFree = Math.max(this.#storageFree, this.#host.now()) + cost;
    this.#host.at(Math.ceil(this.#storageFree), run);
  }
}

/** At most so many at once; the others wait in the order in which they came. */
class Slots {
  #free: number;
  #waiting: Begin[] = [];

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#free = limit;
  }

  take(begin: Begin): void {
    if (this.#free <= 0) {
      this.#waiting.push(begin);
      return;
    }
    this.#free--;
    begin(() => {
      this.#free++;
      const next = this.#waiting.shift();
      if (next) this.take(next);
    });
  }
}
