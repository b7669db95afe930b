import { Event, type HistoryEvent, iso } from './wire.ts';

/** An event with its place in the replay: `played` is what the SDK derives `isReplaying` from. */
export class Entry {
  readonly event: HistoryEvent;
  /** The event's JSON without its end, encoded once: a trigger repeats it every turn. */
  readonly #head: string;
  played = false;

  constructor(event: HistoryEvent) {
    this.event = event;
    this.#head = JSON.stringify(event).slice(0, -1);
  }

  get json(): string {
    return `${this.#head},"IsPlayed":${this.played}}`;
  }

  static read({ IsPlayed, ...event }: HistoryEvent & { readonly IsPlayed?: boolean }): Entry {
    const entry = new Entry(event);
    entry.played = IsPlayed === true;
    return entry;
  }
}

const plain = (type: number, at: number, fields: object = {}): HistoryEvent => ({
  EventType: type,
  ...fields,
  EventId: -1,
  Timestamp: iso(at),
});

export const orchestratorStarted = (at: number) => plain(Event.OrchestratorStarted, at);
export const orchestratorCompleted = (at: number) => plain(Event.OrchestratorCompleted, at);

export interface Start {
  readonly instance: string;
  readonly execution: string;
  readonly name: string;
  readonly version: string;
  readonly input: string | null;
  /** Null after `continueAsNew`. */
  readonly generation: number | null;
}

export const executionStarted = (at: number, start: Start) =>
  plain(Event.ExecutionStarted, at, {
    OrchestrationInstance: { InstanceId: start.instance, ExecutionId: start.execution },
    ParentInstance: null,
    Name: start.name,
    Version: start.version,
    Input: start.input,
    Tags: null,
    Correlation: null,
    ParentTraceContext: null,
    ScheduledStartTime: null,
    Generation: start.generation,
  });

export const eventRaised = (at: number, name: string, input: string | null) =>
  plain(Event.EventRaised, at, { Name: name, Input: input, ParentTraceContext: null });

export const executionTerminated = (at: number, reason: string) =>
  plain(Event.ExecutionTerminated, at, { Input: reason });
export const executionSuspended = (at: number, reason: string) =>
  plain(Event.ExecutionSuspended, at, { Reason: reason });
export const executionResumed = (at: number, reason: string) => plain(Event.ExecutionResumed, at, { Reason: reason });

export const executionCompleted = (at: number, status: string, result: string | null) =>
  plain(Event.ExecutionCompleted, at, { OrchestrationStatus: status, Result: result, FailureDetails: null });

/** The extension leaves the input out of what it shows the SDK, and so of what it keeps. */
export const taskScheduled = (at: number, id: number, name: string): HistoryEvent => ({
  ...plain(Event.TaskScheduled, at, { Name: name, Version: '', Input: null, ParentTraceContext: null }),
  EventId: id,
});

export const taskCompleted = (at: number, id: number, result: string | null) =>
  plain(Event.TaskCompleted, at, { TaskScheduledId: id, Result: result });

export const taskFailed = (at: number, id: number, reason: string, details: string) =>
  plain(Event.TaskFailed, at, { TaskScheduledId: id, Reason: reason, Details: details, FailureDetails: null });

export const timerCreated = (at: number, id: number, fireAt: number): HistoryEvent => ({
  ...plain(Event.TimerCreated, at, { FireAt: iso(fireAt) }),
  EventId: id,
});

export const timerFired = (at: number, id: number, fireAt: number) =>
  plain(Event.TimerFired, at, { TimerId: id, FireAt: iso(fireAt) });
