import type { Log } from '../log.ts';
import { formatTimeSpan } from '../time-span.ts';
import { encodeResult, failureEvent } from './activity-result.ts';
import type { Counters } from './counters.ts';
import * as history from './history.ts';
import type { Steps } from './steps.ts';
import type { TaskRow } from './store.ts';
import type { DurableRuntime } from './turn.ts';
import type { HistoryEvent } from './wire.ts';

/** What activities need of the engine around them. */
export interface ActivityHost {
  readonly runtime: DurableRuntime;
  readonly log: Log;
  readonly steps: Steps;
  readonly counters: Counters;
  /** Milliseconds until an activity that has started counts as failed. */
  readonly functionTimeout: number | undefined;
  /** Milliseconds from its start until an activity whose host died starts again. */
  readonly redeliverAfter: number;
  now(): number;
  at(time: number, run: () => void): void;
  noteStart(task: TaskRow, started: number): void;
  deliver(task: TaskRow, event: HistoryEvent): void;
}

/** Activities from the commit that schedules them to the result. */
export class Activities {
  readonly #host: ActivityHost;
  readonly #watchdog: Watchdog | undefined;

  constructor(host: ActivityHost) {
    this.#host = host;
    this.#watchdog = host.functionTimeout === undefined ? undefined : new Watchdog(host.functionTimeout, host);
  }

  /** Schedules an activity. */
  run(task: TaskRow): void {
    this.#count();
    this.#queue(task);
  }

  /** Schedules an activity of an engine that was closed: its message shows up again when it is no longer reserved for that one. */
  resume(task: TaskRow): void {
    this.#count();
    const again = (task.started ?? Number.NEGATIVE_INFINITY) + this.#host.redeliverAfter;
    if (again > this.#host.now() && this.#host.redeliverAfter > 0) this.#host.at(again, () => this.#queue(task));
    else this.#queue(task);
  }

  #count(): void {
    const { counters } = this.#host;
    counters.outstanding++;
    counters.mostOutstanding = Math.max(counters.mostOutstanding, counters.outstanding);
  }

  #queue(task: TaskRow): void {
    const { runtime, log, steps } = this.#host;
    if (runtime.hasActivity(task.name)) {
      steps.activity((done) => this.#start(task, done));
      return;
    }
    const message = `Instance '${task.instance}' calls the activity '${task.name}', which does not exist: it waits for ever, as it does on Azure.`;
    log({ level: 'error', category: 'durable', message });
  }

  #start(task: TaskRow, done: () => void): void {
    const { runtime, steps, counters, redeliverAfter } = this.#host;
    if (redeliverAfter > 0) this.#host.noteStart(task, this.#host.now());
    let settled = false;
    const settle = (event: HistoryEvent) => {
      if (settled) return;
      settled = true;
      unwatch?.();
      counters.outstanding--;
      done();
      steps.result(() => this.#host.deliver(task, event));
    };
    const fail = (error: unknown) => settle(failureEvent(this.#host.now(), task.task, task.name, error));
    const unwatch = this.#watchdog?.watch((timeout) =>
      fail(new Error(`Timeout value of ${formatTimeSpan(timeout)} was exceeded by function: Functions.${task.name}`)),
    );
    runtime
      .act(task.name, task.input)
      .then((value) => settle(history.taskCompleted(this.#host.now(), task.task, encodeResult(value))))
      .catch(fail);
  }
}

interface Watched {
  readonly until: number;
  readonly expire: (timeout: number) => void;
}

/** One alarm for all activities: they have the same time, so the first to start is the first to run out of it. */
class Watchdog {
  readonly #timeout: number;
  readonly #host: Pick<ActivityHost, 'now' | 'at'>;
  readonly #watched = new Set<Watched>();
  #armed = false;

  constructor(timeout: number, host: Pick<ActivityHost, 'now' | 'at'>) {
    this.#timeout = timeout;
    this.#host = host;
  }

  /** Returns the end of the watch. */
  watch(expire: Watched['expire']): () => void {
    const item = { until: this.#host.now() + this.#timeout, expire };
    this.#watched.add(item);
    this.#arm();
    return () => this.#watched.delete(item);
  }

  #arm(): void {
    const [first] = this.#watched;
    if (!first || this.#armed) return;
    this.#armed = true;
    this.#host.at(first.until, () => this.#ring());
  }

  #ring(): void {
    this.#armed = false;
    for (const item of this.#watched) {
      if (item.until > this.#host.now()) break;
      this.#watched.delete(item);
      item.expire(this.#timeout);
    }
    this.#arm();
  }
}
