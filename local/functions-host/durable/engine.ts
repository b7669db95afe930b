import { randomUUID } from 'node:crypto';
import { setImmediate as nextLoop } from 'node:timers/promises';
import type { HostClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { Activities } from './activities.ts';
import { type Counters, countHistory, type InstanceCounters, newCounters } from './counters.ts';
import { DurableError } from './errors.ts';
import * as history from './history.ts';
import { hasEnded, type Live, LiveInstances, type Message } from './live.ts';
import { Pump } from './pump.ts';
import { Steps, type StepTimes } from './steps.ts';
import { type InstanceFilter, type InstanceRow, type RuntimeStatus, Store, type TimerRow } from './store.ts';
import { type FireTime, TimerQueue } from './timers.ts';
import type { DurableRuntime } from './turn.ts';
import { Turns } from './turns.ts';
import type { HistoryEvent } from './wire.ts';

export interface EngineOptions {
  readonly statePath: string;
  readonly clock: HostClock;
  /** When a timer that was created at `created` for `fireAt` fires. */
  readonly fireTime: FireTime;
  readonly log: Log;
  readonly runtime: DurableRuntime;
  /** `defaultVersion` of host.json: new instances are of it, and instances of a newer one wait for a newer host. */
  readonly version?: string | undefined;
  /** How long work waits in the hub. */
  readonly steps?: StepTimes | undefined;
  /** Numbers in [0, 1) for those waits. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds after which a running activity counts as failed. */
  readonly functionTimeout?: number | undefined;
  /**
   * Milliseconds from its start until an activity that was running when the engine was closed starts again. 0 starts it as soon as the
   * next engine is created. The engine that is closed must have been given it too.
   */
  readonly redeliverAfter?: number | undefined;
}

/**
 * The Durable extension's part: messages in, turns of the orchestrator function, actions carried out. Everything happens in memory
 * first; a turn's writes, and whatever clients were told, count from the next commit, which many turns share. Activities
 * start, timers are armed and clients are answered only after it.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #store: Store;
  readonly #timers: TimerQueue;
  readonly #live: LiveInstances;
  readonly #pump: Pump<Live>;
  readonly #steps: Steps;
  readonly counters: Counters = newCounters();
  /** Ids whose start has not been acknowledged yet. */
  readonly #starting = new Set<string>();
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#store = new Store(options.statePath);
    this.#timers = new TimerQueue(options.clock);
    this.#live = new LiveInstances(this.#store);
    const at = (time: number, run: () => void) => this.#timers.add(time, run);
    this.#steps = new Steps(options.steps ?? {}, { now: () => this.#now(), at, random: options.random ?? Math.random });
    const activities = new Activities({
      runtime: options.runtime,
      log: options.log,
      steps: this.#steps,
      counters: this.counters,
      functionTimeout: options.functionTimeout,
      redeliverAfter: options.redeliverAfter ?? 0,
      now: () => this.#now(),
      at,
      noteStart: (task, started) => {
        if (this.#pump.closed) return;
        this.#store.noteStart(task, started);
        this.#pump.commitSoon();
      },
      deliver: ({ instance, execution }, event) => this.#deliver(instance, execution, event),
    });
    const turns = new Turns(this.#store, {
      runtime: options.runtime,
      version: options.version ?? '',
      log: options.log,
      counters: this.counters,
      now: () => this.#now(),
      closed: () => this.#pump.closed,
      enqueue: (live) => this.#enqueue(live),
      afterCommit: (effect) => this.#pump.afterCommit(effect),
      runActivity: (task) => activities.run(task),
      armTimer: (timer) => this.#arm(timer),
      letGo: (live) => this.#live.letGo(live),
    });
    this.#pump = new Pump(
      this.#store,
      async (live) => {
        const { turnDone } = live;
        live.queued = false;
        await turns.run(live);
        turnDone?.();
      },
      (error) => {
        this.#timers.close();
        this.#log('critical', `The durable engine stops: ${String(error)}`);
      },
    );
    for (const timer of this.#store.timers()) this.#arm(timer);
    for (const task of this.#store.tasks()) this.#pump.afterCommit(() => activities.resume(task));
    for (const id of this.#store.instancesWithMessages()) this.#enqueue(this.#live.find(id));
  }

  async start(
    name: string,
    instance: string | undefined,
    input: string | null,
    version = this.#options.version ?? '',
  ): Promise<string> {
    const id = instance ?? randomUUID().replaceAll('-', '');
    if (!this.#options.runtime.hasOrchestrator(name)) {
      throw new DurableError(
        'unknown-orchestrator',
        `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`,
      );
    }
    const existing = this.row(id);
    if (existing && !hasEnded(existing) && !this.#starting.has(id)) {
      throw new DurableError(
        'already-exists',
        `An Orchestration instance with the status ${existing.status} already exists.`,
      );
    }
    if (this.#starting.has(id)) {
      // The real extension accepts both of two simultaneous starts and runs one of them.
      this.#log('warning', `The second of two simultaneous starts of '${id}' is lost, as it is on Azure.`);
    } else {
      this.#begin(id, name, input, version, existing);
      this.#starting.add(id);
    }
    await this.#pump.committed();
    this.#starting.delete(id);
    return id;
  }

  async raise(instance: string, name: string, input: string | null): Promise<void> {
    await this.#tell(instance, history.eventRaised(this.#now(), name, input));
    this.counters.events++;
  }

  async terminate(instance: string, reason: string): Promise<void> {
    await this.#tell(instance, history.executionTerminated(this.#now(), reason));
  }

  async suspend(instance: string, reason: string): Promise<void> {
    this.#mustNotBe(instance, 'Suspended', 'suspend');
    await this.#tell(instance, history.executionSuspended(this.#now(), reason));
  }

  async resume(instance: string, reason: string): Promise<void> {
    this.#mustNotBe(instance, 'Running', 'resume');
    await this.#tell(instance, history.executionResumed(this.#now(), reason));
  }

  async purge(instances: readonly string[]): Promise<number> {
    const found = instances.filter((id) => this.row(id));
    for (const id of found) this.#live.delete(id);
    if (found.length > 0) await this.#pump.committed();
    return found.length;
  }

  row(instance: string): InstanceRow | undefined {
    return this.#live.row(instance);
  }

  /** Counts the history of an instance. Undefined where there is no such instance. */
  measure(instance: string): InstanceCounters | undefined {
    return this.row(instance) && countHistory(this.#store.turns(instance));
  }

  list(filter: InstanceFilter): InstanceRow[] {
    return this.#store.list(filter);
  }

  async idle(): Promise<void> {
    // Activities that settle without the clock do so within a round or two of the event loop.
    for (let calm = 0; calm < 3; calm = this.#pump.running ? 0 : calm + 1) await nextLoop();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timers.close();
    try {
      this.#store.close();
    } finally {
      this.#pump.close(new Error('The durable engine was closed.'));
    }
  }

  #begin(id: string, name: string, input: string | null, version: string, existing: InstanceRow | undefined): void {
    if (existing) this.#live.delete(id);
    const now = this.#now();
    const execution = randomUUID().replaceAll('-', '');
    const generation = existing ? existing.generation + 1 : 0;
    const row: InstanceRow = {
      ...{ id, execution, name, version, generation, input, output: null, customStatus: null },
      ...{ status: 'Pending', created: now, updated: now },
    };
    const live = this.#live.create(row);
    const event = history.executionStarted(now, { instance: id, execution, name, version, input, generation });
    this.#receive(live, { event, execution, seq: this.#post(live, { event, execution }) });
  }

  async #tell(instance: string, event: HistoryEvent): Promise<void> {
    const live = this.#live.find(instance);
    if (!live) {
      const row = this.row(instance);
      throw row
        ? new DurableError('ended', `The instance '${instance}' has ended: ${row.status}.`)
        : new DurableError('not-found', `No instance with ID '${instance}' found.`);
    }
    const seq = this.#post(live, { event });
    this.#steps.event(live, () => this.#receive(live, { event, seq }));
    await this.#pump.committed();
  }

  #mustNotBe(instance: string, status: RuntimeStatus, verb: string): void {
    if (this.row(instance)?.status !== status) return;
    throw new DurableError(
      'wrong-state',
      `Cannot ${verb} the orchestration instance ${instance} because instance is in the ${status} state.`,
    );
  }

  /** Writes a message down, so that it outlives the process before it is worked off. Returns its number. */
  #post(live: Live, message: Message): number {
    return this.#store.putMessage(live.row.id, JSON.stringify(message));
  }

  #receive(live: Live, message: Message): void {
    if (live.dead && message.seq !== undefined) {
      this.#store.takeMessage(message.seq);
      this.#pump.commitSoon();
      return;
    }
    live.inbox.push(message);
    this.#enqueue(live);
  }

  /** A message that the rows of tasks and timers would bring about again. */
  #deliver(instance: string, execution: string, event: HistoryEvent): void {
    const live = this.#pump.closed ? undefined : this.#live.find(instance);
    if (live?.row.execution !== execution) return;
    this.#receive(live, { event, execution });
  }

  #enqueue(live: Live | undefined): void {
    if (!live || live.queued) return;
    live.queued = true;
    this.#steps.turn(
      () => live.past.length,
      (done) => {
        live.turnDone = done;
        this.#pump.add(live);
      },
    );
  }

  #arm({ instance, execution, timer, fireAt, created }: TimerRow): void {
    this.#timers.add(this.#options.fireTime(fireAt, created), () =>
      this.#deliver(instance, execution, history.timerFired(this.#now(), timer, fireAt)),
    );
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #log(level: 'warning' | 'error' | 'critical', message: string): void {
    this.#options.log({ level, category: 'durable', message });
  }
}
