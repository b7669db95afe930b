/**
 * What passes between the Durable extension and `durable-functions` 3.5: history in, actions out. Numbers and spellings are
 * the extension's own (DurableTask.Core 2.17, out-of-process schema V3).
 */

export const Event = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventRaised: 15,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export interface HistoryEvent {
  readonly EventType: number;
  /** The sequence number of what this event schedules, -1 for all others. */
  readonly EventId: number;
  /** ISO 8601 with milliseconds; the extension writes seven digits, the SDK reads three. */
  readonly Timestamp: string;
  readonly Name?: string;
  readonly Input?: string | null;
  readonly FireAt?: string;
  readonly TimerId?: number;
  readonly TaskScheduledId?: number;
  readonly Result?: string | null;
  readonly Reason?: string;
  readonly Details?: string;
  readonly [field: string]: unknown;
}

export const ActionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  WhenAny: 11,
  WhenAll: 12,
} as const;

export interface RetryPolicy {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
  readonly retryTimeoutInMilliseconds?: number;
}

export interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly input?: unknown;
  readonly retryOptions?: RetryPolicy;
  readonly fireAt?: string;
  readonly isCanceled?: boolean;
  readonly externalEventName?: string;
  readonly compoundActions?: readonly Action[];
}

/** What an orchestrator turn answers. `error` is set where the orchestrator threw something with a message. */
export interface OrchestratorState {
  readonly isDone: boolean;
  /** One list: under schema V3 all actions since the start of the execution, in the order they were yielded. */
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
  readonly error?: string;
  readonly customStatus?: unknown;
}

/**
 * Limits of the Azure Storage backend, in milliseconds. A timer that lies further ahead than `longest` becomes a chain of timers,
 * each `leg` long but the last: the extension and the SDK build that chain independently of each other.
 */
export const LongTimer = { longest: 6 * 86_400_000, leg: 3 * 86_400_000 } as const;

export const iso = (epochMs: number): string => new Date(epochMs).toISOString();
