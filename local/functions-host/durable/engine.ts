import { randomUUID } from 'node:crypto';
import { setImmediate as nextLoop } from 'node:timers/promises';
import type { HostClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { encodeResult, failureEvent } from './activity-result.ts';
import { DurableError, Refusal } from './errors.ts';
import * as history from './history.ts';
import { type Outcome, replay, type Scheduled } from './replay.ts';
import {
  type InstanceFilter,
  type InstanceRow,
  type RuntimeStatus,
  Store,
  type TaskRow,
  type TimerRow,
} from './store.ts';
import { type FireTime, TimerQueue } from './timers.ts';
import { type DurableRuntime, encodeTrigger, orchestrate } from './turn.ts';
import { Event, type HistoryEvent } from './wire.ts';

export interface EngineOptions {
  readonly statePath: string;
  readonly clock: HostClock;
  /** When a timer that was created at `created` for `fireAt` fires. */
  readonly fireTime: FireTime;
  readonly log: Log;
  readonly runtime: DurableRuntime;
}

interface Message {
  readonly event: HistoryEvent;
  /** Set where the message is of use to one life of the instance only. */
  readonly execution?: string;
  /** Its row in the store, if it has one: messages of clients do, results and timers are derived from other rows. */
  readonly seq?: number;
  readonly continued?: boolean;
}

/** An instance that may still run, with its history. Ended ones live in the store alone. */
interface Live {
  row: InstanceRow;
  past: history.Entry[];
  turns: number;
  inbox: Message[];
  queued: boolean;
  dead: boolean;
}

const ended: ReadonlySet<RuntimeStatus> = new Set(['Completed', 'Failed', 'Terminated']);

/** How many instances share a transaction. Larger ones delay what waits for the commit, smaller ones wait for the disk more often. */
const BATCH = 128;

/**
 * The Durable extension's part: messages in, turns of the orchestrator function, actions carried out. Everything happens in memory
 * first; a turn's writes, and whatever clients were told, count from the next commit, which many turns share. Activities
 * start, timers are armed and clients are answered only after it.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #store: Store;
  readonly #timers: TimerQueue;
  readonly #live = new Map<string, Live>();
  /** Ids whose start has not been acknowledged yet. */
  readonly #starting = new Set<string>();
  #ready: Live[] = [];
  #afterCommit: (() => void)[] = [];
  #refused: ((error: unknown) => void)[] = [];
  #pumping = false;
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#store = new Store(options.statePath);
    this.#timers = new TimerQueue(options.clock);
    for (const timer of this.#store.timers()) this.#arm(timer);
    for (const task of this.#store.tasks()) this.#afterCommit.push(() => this.#run(task));
    for (const id of this.#store.instancesWithMessages()) this.#enqueue(this.#find(id));
    this.#kick();
  }

  async start(name: string, instance: string | undefined, input: string | null, version = ''): Promise<string> {
    const id = instance ?? randomUUID().replaceAll('-', '');
    if (!this.#options.runtime.hasOrchestrator(name)) {
      throw new DurableError(
        'unknown-orchestrator',
        `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`,
      );
    }
    const existing = this.row(id);
    if (existing && !ended.has(existing.status) && !this.#starting.has(id)) {
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
    await this.#committed();
    this.#starting.delete(id);
    return id;
  }

  async raise(instance: string, name: string, input: string | null): Promise<void> {
    await this.#tell(instance, history.eventRaised(this.#now(), name, input));
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
    for (const id of found) {
      this.#forget(id);
      this.#store.deleteInstance(id);
    }
    if (found.length > 0) await this.#committed();
    return found.length;
  }

  row(instance: string): InstanceRow | undefined {
    return this.#live.get(instance)?.row ?? this.#store.instance(instance);
  }

  list(filter: InstanceFilter): InstanceRow[] {
    return this.#store.list(filter);
  }

  events(instance: string): HistoryEvent[] {
    return this.#store.turns(instance).flatMap((turn) => JSON.parse(turn) as HistoryEvent[]);
  }

  async idle(): Promise<void> {
    // Activities that settle without the clock do so within a round or two of the event loop.
    for (let calm = 0; calm < 3; calm = this.#pumping ? 0 : calm + 1) await nextLoop();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timers.close();
    this.#store.close();
    const error = new Error('The durable engine was closed.');
    for (const refuse of this.#refused.splice(0)) refuse(error);
  }

  #begin(id: string, name: string, input: string | null, version: string, existing: InstanceRow | undefined): void {
    if (existing) {
      this.#forget(id);
      this.#store.deleteInstance(id);
    }
    const now = this.#now();
    const execution = randomUUID().replaceAll('-', '');
    const generation = existing ? existing.generation + 1 : 0;
    const row: InstanceRow = {
      ...{ id, execution, name, version, generation, input, output: null, customStatus: null },
      ...{ status: 'Pending', created: now, updated: now },
    };
    const live: Live = { row, past: [], turns: 0, inbox: [], queued: false, dead: false };
    this.#live.set(id, live);
    this.#store.putInstance(row);
    const event = history.executionStarted(now, { instance: id, execution, name, version, input, generation });
    this.#post(live, { event, execution });
  }

  async #tell(instance: string, event: HistoryEvent): Promise<void> {
    const live = this.#find(instance);
    if (!live) {
      const row = this.row(instance);
      throw row
        ? new DurableError('ended', `The instance '${instance}' has ended: ${row.status}.`)
        : new DurableError('not-found', `No instance with ID '${instance}' found.`);
    }
    this.#post(live, { event });
    await this.#committed();
  }

  #mustNotBe(instance: string, status: RuntimeStatus, verb: string): void {
    if (this.row(instance)?.status !== status) return;
    throw new DurableError(
      'wrong-state',
      `Cannot ${verb} the orchestration instance ${instance} because instance is in the ${status} state.`,
    );
  }

  /** A message that outlives the process before it is worked off. */
  #post(live: Live, message: Message): void {
    const seq = this.#store.putMessage(live.row.id, JSON.stringify(message));
    live.inbox.push({ ...message, seq });
    this.#enqueue(live);
  }

  /** A message that the rows of tasks and timers would bring about again. */
  #deliver(instance: string, execution: string, event: HistoryEvent): void {
    const live = this.#closed ? undefined : this.#find(instance);
    if (live?.row.execution !== execution) return;
    live.inbox.push({ event, execution });
    this.#enqueue(live);
  }

  #find(id: string): Live | undefined {
    const known = this.#live.get(id);
    if (known) return ended.has(known.row.status) ? undefined : known;
    const row = this.#store.instance(id);
    if (!row || ended.has(row.status)) return undefined;
    const turns = this.#store.turns(id).map((turn) => JSON.parse(turn) as (HistoryEvent & { IsPlayed: boolean })[]);
    const inbox = this.#store.messages(id).map(({ seq, event }) => ({ ...(JSON.parse(event) as Message), seq }));
    const past = turns.flat().map((event) => history.Entry.read(event));
    const live: Live = { row, past, turns: turns.length, inbox, queued: false, dead: false };
    this.#live.set(id, live);
    return live;
  }

  #forget(id: string): void {
    const live = this.#live.get(id);
    if (!live) return;
    live.dead = true;
    this.#live.delete(id);
  }

  #enqueue(live: Live | undefined): void {
    if (!live || live.queued) return;
    live.queued = true;
    this.#ready.push(live);
    this.#kick();
  }

  #committed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#afterCommit.push(() => {
        this.#refused = this.#refused.filter((each) => each !== reject);
        resolve();
      });
      this.#refused.push(reject);
      this.#kick();
    });
  }

  #kick(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pump().catch((error: unknown) => {
        // Nothing that was promised since the last commit holds, so nothing may go on as if it did.
        this.#log('critical', `The durable engine stops: ${String(error)}`);
        for (const refuse of this.#refused.splice(0)) refuse(error);
        this.#closed = true;
      });
    });
  }

  async #pump(): Promise<void> {
    while (!this.#closed) {
      const batch = this.#ready.splice(0, BATCH);
      for (const live of batch) live.queued = false;
      await Promise.all(batch.map((live) => this.#turn(live)));
      if (this.#closed) break;
      this.#store.commit();
      for (const effect of this.#afterCommit.splice(0)) effect();
      if (this.#ready.length === 0 && this.#afterCommit.length === 0 && !this.#store.dirty) break;
      await nextLoop();
    }
    this.#pumping = false;
  }

  async #turn(live: Live): Promise<void> {
    const arrived = live.inbox.splice(0);
    const messages = arrived.filter(({ execution }) => execution === undefined || execution === live.row.execution);
    if (messages.length === 0 || live.dead) return this.#consume(live, arrived);
    const now = this.#now();
    const fresh = [history.orchestratorStarted(now), ...messages.map(({ event }) => event)].map(
      (event) => new history.Entry(event),
    );
    // A continued execution begins with the end of the turn that continued it.
    if (messages[0]?.continued) fresh.splice(2, 0, new history.Entry(history.orchestratorCompleted(now)));

    const { name } = live.row;
    let outcome: Outcome;
    let scheduled: readonly Scheduled[] = [];
    let customStatus: string | null = live.row.customStatus;
    let output: string | null = null;
    try {
      const state = await orchestrate(this.#options.runtime, name, encodeTrigger(live.row, live.past, fresh));
      ({ outcome, scheduled } = replay(eventsOf(live.past, fresh), state));
      customStatus = state.customStatus === undefined ? null : JSON.stringify(state.customStatus);
      output = state.output === undefined ? null : JSON.stringify(state.output);
      if (!state.isDone && !state.error && state.actions.flat().length === 0) this.#warnOfSilence(live.row);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      outcome = { kind: 'failed', message, by: error instanceof Refusal ? 'host' : 'orchestrator' };
    }
    if (live.dead || this.#closed) return;
    this.#consume(live, arrived);
    for (const entry of fresh.slice(1)) entry.played = true;
    live.row = { ...live.row, customStatus, updated: now };
    this.#carryOut(live, fresh, outcome, scheduled, output);
  }

  #carryOut(
    live: Live,
    fresh: history.Entry[],
    outcome: Outcome,
    scheduled: readonly Scheduled[],
    output: string | null,
  ): void {
    switch (outcome.kind) {
      case 'running':
        this.#goOn(live, fresh, scheduled, { status: 'Running', output: null });
        break;
      case 'suspended':
        this.#goOn(live, fresh, scheduled, { status: 'Suspended', output: JSON.stringify(outcome.reason) });
        break;
      case 'continued':
        this.#startOver(live, outcome.input);
        break;
      case 'completed':
        this.#end(live, fresh, 'Completed', output);
        break;
      case 'terminated':
        this.#end(live, fresh, 'Terminated', JSON.stringify(outcome.reason.trim()));
        break;
      case 'failed': {
        if (outcome.by === 'host')
          this.#log('error', `Instance '${live.row.id}' of '${live.row.name}': ${outcome.message}`);
        const message =
          outcome.by === 'host'
            ? outcome.message
            : `Orchestrator function '${live.row.name}' failed: ${outcome.message}`;
        this.#end(live, fresh, 'Failed', JSON.stringify(message));
        break;
      }
    }
  }

  #goOn(
    live: Live,
    fresh: history.Entry[],
    scheduled: readonly Scheduled[],
    change: Pick<InstanceRow, 'status' | 'output'>,
  ): void {
    const now = this.#now();
    const { id: instance, execution } = live.row;
    for (const item of scheduled) {
      if (item.kind === 'activity') {
        const row: TaskRow = { instance, execution, task: item.id, name: item.name, input: item.input };
        fresh.push(new history.Entry(history.taskScheduled(now, item.id, item.name)));
        this.#store.putTask(row);
        this.#afterCommit.push(() => this.#run(row));
      } else {
        const row: TimerRow = { instance, execution, timer: item.id, fireAt: item.fireAt, created: now };
        fresh.push(new history.Entry(history.timerCreated(now, item.id, item.fireAt)));
        this.#store.putTimer(row);
        this.#afterCommit.push(() => this.#arm(row));
      }
    }
    fresh.push(new history.Entry(history.orchestratorCompleted(now)));
    this.#record(live, fresh);
    live.row = { ...live.row, ...change };
    this.#store.putInstance(live.row);
  }

  #startOver(live: Live, input: string | null): void {
    const now = this.#now();
    const execution = randomUUID().replaceAll('-', '');
    const { id, name, version } = live.row;
    this.#store.forgetExecution(id);
    live.past = [];
    live.turns = 0;
    live.row = { ...live.row, execution, input, status: 'Running', created: now, updated: now };
    this.#store.putInstance(live.row);
    const event = history.executionStarted(now, { instance: id, execution, name, version, input, generation: null });
    const seq = this.#store.putMessage(id, JSON.stringify({ event, execution, continued: true }));
    // Ahead of events that came in since: they belong to the new execution.
    live.inbox.unshift({ event, execution, continued: true, seq });
    this.#enqueue(live);
  }

  #end(live: Live, fresh: history.Entry[], status: RuntimeStatus, output: string | null): void {
    const { id } = live.row;
    const now = this.#now();
    fresh.push(new history.Entry(history.executionCompleted(now, status, output)));
    fresh.push(new history.Entry(history.orchestratorCompleted(now)));
    this.#record(live, fresh);
    live.row = { ...live.row, status, output };
    this.#store.putInstance(live.row);
    this.#store.forgetWork(id);
    for (const { seq } of live.inbox) if (seq !== undefined) this.#store.takeMessage(seq);
    live.dead = true;
    this.#afterCommit.push(() => {
      if (this.#live.get(id) === live) this.#live.delete(id);
    });
  }

  #record(live: Live, fresh: readonly history.Entry[]): void {
    this.#store.appendTurn(live.row.id, live.turns++, `[${fresh.map((entry) => entry.json).join(',')}]`);
    live.past.push(...fresh);
  }

  #consume(live: Live, messages: readonly Message[]): void {
    for (const { seq, event } of messages) {
      if (seq !== undefined) this.#store.takeMessage(seq);
      if (event.EventType === Event.TimerFired && event.TimerId !== undefined)
        this.#store.deleteTimer(live.row.id, event.TimerId);
      if (event.TaskScheduledId !== undefined) this.#store.deleteTask(live.row.id, event.TaskScheduledId);
    }
  }

  #arm({ instance, execution, timer, fireAt, created }: TimerRow): void {
    this.#timers.add(this.#options.fireTime(fireAt, created), () =>
      this.#deliver(instance, execution, history.timerFired(this.#now(), timer, fireAt)),
    );
  }

  #run({ instance, execution, task, name, input }: TaskRow): void {
    const { runtime } = this.#options;
    if (!runtime.hasActivity(name)) {
      this.#log(
        'error',
        `Instance '${instance}' calls the activity '${name}', which does not exist: it waits for ever, as it does on Azure.`,
      );
      return;
    }
    const done = (event: HistoryEvent) => this.#deliver(instance, execution, event);
    runtime
      .act(name, input)
      .then((value) => done(history.taskCompleted(this.#now(), task, encodeResult(value))))
      .catch((error: unknown) => done(failureEvent(this.#now(), task, name, error)));
  }

  #warnOfSilence(row: InstanceRow): void {
    this.#log(
      'error',
      `'${row.name}' threw something without a message: instance '${row.id}' stays Running for ever, as it does on Azure.`,
    );
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #log(level: 'warning' | 'error' | 'critical', message: string): void {
    this.#options.log({ level, category: 'durable', message });
  }
}

function* eventsOf(...lists: readonly (readonly history.Entry[])[]): Iterable<HistoryEvent> {
  for (const list of lists) for (const entry of list) yield entry.event;
}
