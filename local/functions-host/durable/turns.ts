import { randomUUID } from 'node:crypto';
import type { Log } from '../log.ts';
import type { Counters } from './counters.ts';
import { Refusal } from './errors.ts';
import * as history from './history.ts';
import type { Live, Message } from './live.ts';
import { type Outcome, replay, type Scheduled } from './replay.ts';
import type { InstanceRow, RuntimeStatus, Store, TaskRow, TimerRow } from './store.ts';
import { type DurableRuntime, encodeTrigger, orchestrate } from './turn.ts';
import { isCurrentOrOlder } from './version.ts';
import { Event, type HistoryEvent } from './wire.ts';

/** What a turn needs of the engine around it. */
export interface TurnHost {
  readonly runtime: DurableRuntime;
  readonly version: string;
  readonly log: Log;
  readonly counters: Counters;
  now(): number;
  closed(): boolean;
  enqueue(live: Live): void;
  afterCommit(effect: () => void): void;
  runActivity(task: TaskRow): void;
  armTimer(timer: TimerRow): void;
  letGo(live: Live): void;
}

/** Turns of orchestrator functions: the history goes in, and what comes out is written down and set off. */
export class Turns {
  readonly #store: Store;
  readonly #host: TurnHost;

  constructor(store: Store, host: TurnHost) {
    this.#store = store;
    this.#host = host;
  }

  /** Works off what has arrived for an instance. */
  async run(live: Live): Promise<void> {
    const arrived = live.inbox.splice(0);
    const messages = arrived.filter(({ execution }) => execution === undefined || execution === live.row.execution);
    if (live.dead) return;
    if (messages.length === 0) {
      this.#consume(live, arrived);
      return;
    }
    if (!this.#host.runtime.hasOrchestrator(live.row.name)) {
      this.#log('error', `Instance '${live.row.id}' waits: there is no orchestrator '${live.row.name}' in this app.`);
      live.inbox.unshift(...arrived);
      return;
    }
    if (!isCurrentOrOlder(live.row.version, this.#host.version)) {
      this.#log('warning', `Instance '${live.row.id}' waits for a host of version ${live.row.version} or newer.`);
      live.inbox.unshift(...arrived);
      return;
    }
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
      const state = await orchestrate(this.#host.runtime, name, encodeTrigger(live.row, live.past, fresh));
      ({ outcome, scheduled } = replay(eventsOf(live.past, fresh), state));
      customStatus = state.customStatus === undefined ? null : JSON.stringify(state.customStatus);
      output = state.output === undefined ? null : JSON.stringify(state.output);
      if (!state.isDone && !state.error && state.actions.flat().length === 0) this.#warnOfSilence(live.row);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      outcome = { kind: 'failed', message, by: error instanceof Refusal ? 'host' : 'orchestrator' };
    }
    if (live.dead || this.#host.closed()) return;
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
        this.#host.counters.activities++;
        this.#host.afterCommit(() => this.#host.runActivity(row));
      } else {
        const row: TimerRow = { instance, execution, timer: item.id, fireAt: item.fireAt, created: now };
        fresh.push(new history.Entry(history.timerCreated(now, item.id, item.fireAt)));
        this.#store.putTimer(row);
        this.#host.counters.timers++;
        this.#host.afterCommit(() => this.#host.armTimer(row));
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
    this.#host.enqueue(live);
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
    this.#host.afterCommit(() => this.#host.letGo(live));
  }

  #record(live: Live, fresh: readonly history.Entry[]): void {
    const events = `[${fresh.map((entry) => entry.json).join(',')}]`;
    this.#store.appendTurn(live.row.id, live.turns++, events);
    this.#host.counters.turns++;
    this.#host.counters.historyBytes += events.length;
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

  #warnOfSilence(row: InstanceRow): void {
    this.#log(
      'error',
      `'${row.name}' threw something without a message: instance '${row.id}' stays Running for ever, as it does on Azure.`,
    );
  }

  #now(): number {
    return this.#host.now();
  }

  #log(level: 'warning' | 'error', message: string): void {
    this.#host.log({ level, category: 'durable', message });
  }
}

function* eventsOf(...lists: readonly (readonly history.Entry[])[]): Iterable<HistoryEvent> {
  for (const list of lists) for (const entry of list) yield entry.event;
}
