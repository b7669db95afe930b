import { notRepeated, otherKind, otherName } from './non-determinism.ts';
import { type Action, ActionType, Event, type HistoryEvent, LongTimer, type OrchestratorState } from './wire.ts';

/** A piece of work that the turn asks for, under the sequence number both sides gave it. */
export type Scheduled =
  | { readonly kind: 'activity'; readonly id: number; readonly name: string; readonly input: string | null }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number };

export type Outcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'suspended'; readonly reason: string }
  | { readonly kind: 'completed' }
  | { readonly kind: 'continued'; readonly input: string | null }
  | { readonly kind: 'failed'; readonly message: string; readonly by: 'orchestrator' | 'host' }
  | { readonly kind: 'terminated'; readonly reason: string };

export interface Verdict {
  readonly outcome: Outcome;
  readonly scheduled: readonly Scheduled[];
}

/** The program can't be carried out: other code than before, or something this host does not do. */
class ReplayFailure extends Error {}

/** A promise that settles synchronously: sequence numbers depend on continuations running inside the event that settles. */
class Wait {
  settled = false;
  failed = false;
  #continuations: (() => void)[] = [];

  settle(failed = false): void {
    if (this.settled) return;
    this.settled = true;
    this.failed = failed;
    for (const continuation of this.#continuations.splice(0)) continuation();
  }

  whenSettled(continuation: () => void): void {
    if (this.settled) continuation();
    else this.#continuations.push(continuation);
  }
}

/**
 * The host's half of a turn. The SDK has answered with every action since the start; here they are carried out again as a
 * program of sequential awaits against the same history, exactly as the extension's out-of-process shim does on top of
 * DurableTask. SDK and host number tasks independently, so what was already scheduled is found by repeating, not by comparing lists.
 */
class Replay {
  readonly #actions: readonly Action[];
  readonly #unconfirmed = new Map<number, Scheduled>();
  readonly #open = new Map<number, Wait>();
  readonly #waiters = new Map<string, Wait[]>();
  readonly #buffered = new Map<string, number>();
  readonly #heldBack: HistoryEvent[] = [];
  #nextId = 0;
  #now = 0;
  #suspended: string | undefined;
  #terminated: string | undefined;
  #continued: { input: string | null } | undefined;
  #reachedEnd = false;

  constructor(actions: readonly Action[]) {
    this.#actions = actions;
  }

  feed(event: HistoryEvent): void {
    if (event.EventType === Event.OrchestratorStarted) {
      this.#now = Date.parse(event.Timestamp);
    } else if (event.EventType === Event.ExecutionTerminated) {
      this.#terminated = event.Input ?? '';
    } else if (event.EventType === Event.ExecutionResumed) {
      this.#suspended = undefined;
      for (const held of this.#heldBack.splice(0)) this.#apply(held);
    } else if (this.#suspended !== undefined) {
      this.#heldBack.push(event);
    } else {
      this.#apply(event);
    }
  }

  verdict(state: OrchestratorState): Verdict {
    const scheduled = [...this.#unconfirmed.values()];
    if (this.#terminated !== undefined) {
      return { outcome: { kind: 'terminated', reason: this.#terminated }, scheduled: [] };
    }
    if (this.#suspended !== undefined) {
      return { outcome: { kind: 'suspended', reason: this.#suspended }, scheduled: [] };
    }
    return { outcome: this.#outcome(state), scheduled };
  }

  #outcome(state: OrchestratorState): Outcome {
    // Open timers and activities hold the instance, even after its function returned or threw.
    if (!this.#reachedEnd || this.#open.size > 0) return { kind: 'running' };
    if (state.error) return { kind: 'failed', message: state.error, by: 'orchestrator' };
    if (!state.isDone) return { kind: 'running' };
    return this.#continued ? { kind: 'continued', input: this.#continued.input } : { kind: 'completed' };
  }

  #apply(event: HistoryEvent): void {
    switch (event.EventType) {
      case Event.ExecutionStarted:
        this.#run(0);
        break;
      case Event.TaskScheduled:
      case Event.TimerCreated:
        this.#confirm(event);
        break;
      case Event.TaskCompleted:
        this.#settle(event.TaskScheduledId, false);
        break;
      case Event.TaskFailed:
        this.#settle(event.TaskScheduledId, true);
        break;
      case Event.TimerFired:
        this.#settle(event.TimerId, false);
        break;
      case Event.EventRaised:
        this.#raise(event.Name ?? '');
        break;
      case Event.ExecutionSuspended:
        this.#suspended = event.Reason ?? '';
    }
  }

  #run(from: number): void {
    for (let index = from; index < this.#actions.length; index++) {
      const wait = this.#start(this.#actions[index] as Action);
      if (!wait.settled) {
        wait.whenSettled(() => this.#run(index + 1));
        return;
      }
    }
    this.#reachedEnd = true;
  }

  #start(action: Action): Wait {
    switch (action.actionType) {
      case ActionType.CallActivity:
        return this.#activity(action);
      case ActionType.CallActivityWithRetry:
        return this.#withRetry(action);
      case ActionType.CreateTimer:
        return this.#anyTimer(Date.parse(action.fireAt ?? ''), action.isCanceled === true);
      case ActionType.WaitForExternalEvent:
        return this.#event(action.externalEventName ?? '');
      case ActionType.WhenAny:
        return this.#first((action.compoundActions ?? []).map((inner) => this.#start(inner)));
      case ActionType.WhenAll:
        return this.#all((action.compoundActions ?? []).map((inner) => this.#start(inner)));
      case ActionType.ContinueAsNew:
        this.#continued = { input: action.input === undefined ? null : JSON.stringify(action.input) };
        return settled();
      default:
        throw new ReplayFailure(`This local host does not do action type ${action.actionType}; see its README.`);
    }
  }

  #schedule(build: (id: number) => Scheduled): { id: number; wait: Wait } {
    const id = this.#nextId++;
    const wait = new Wait();
    this.#unconfirmed.set(id, build(id));
    this.#open.set(id, wait);
    return { id, wait };
  }

  #activity(action: Action): Wait {
    const { functionName: name = '', input } = action;
    // The SDK has already encoded strings, and nothing but strings.
    const text =
      input === undefined || input === null ? null : typeof input === 'string' ? input : JSON.stringify(input);
    return this.#schedule((id) => ({ kind: 'activity', id, name, input: text })).wait;
  }

  /**
   * A long timer is a chain of legs. A cancelled one consists of its first leg alone: where further legs are in the history, repeating
   * the execution no longer schedules them, and the instance fails as non-deterministic. The extension does the same.
   */
  #anyTimer(fireAt: number, cancelled: boolean): Wait {
    if (fireAt - this.#now <= LongTimer.longest) return this.#timer(fireAt, cancelled);
    const whole = new Wait();
    const startLeg = (end: number) => {
      this.#timer(end, cancelled).whenSettled(() => {
        const left = fireAt - this.#now;
        if (cancelled || left <= 0) whole.settle();
        else startLeg(left < LongTimer.leg ? fireAt : this.#now + LongTimer.leg);
      });
    };
    startLeg(this.#now + LongTimer.leg);
    return whole;
  }

  #timer(fireAt: number, cancelled: boolean): Wait {
    const { id, wait } = this.#schedule((timerId) => ({ kind: 'timer', id: timerId, fireAt }));
    if (cancelled) {
      // It keeps its number and will still fire into the history; it only stops holding the instance open.
      this.#open.delete(id);
      wait.settle();
    }
    return wait;
  }

  #withRetry(action: Action): Wait {
    const retry = action.retryOptions;
    if (!retry) throw new ReplayFailure('A retry without retry options.');
    if (retry.retryTimeoutInMilliseconds !== undefined) {
      throw new ReplayFailure(
        'retryTimeoutInMilliseconds makes durable-functions 3.5 wait for ever: this local host refuses it.',
      );
    }
    const all = new Wait();
    const attempt = (number: number) => {
      const call = this.#activity(action);
      call.whenSettled(() => {
        if (!call.failed) {
          all.settle();
          return;
        }
        // The SDK counts on a timer even after the last failure; the extension fires that one at once.
        const last = number >= retry.maxNumberOfAttempts;
        const pause = this.#timer(this.#now + (last ? 0 : backoff(retry, number)), false);
        pause.whenSettled(() => (last ? all.settle(true) : attempt(number + 1)));
      });
    };
    attempt(1);
    return all;
  }

  #event(name: string): Wait {
    const key = name.toLowerCase();
    const wait = new Wait();
    const buffered = this.#buffered.get(key) ?? 0;
    if (buffered > 0) {
      this.#buffered.set(key, buffered - 1);
      wait.settle();
    } else {
      const waiters = this.#waiters.get(key) ?? [];
      waiters.push(wait);
      this.#waiters.set(key, waiters);
    }
    return wait;
  }

  /** Of several waits for one name the newest gets the event. */
  #raise(name: string): void {
    const key = name.toLowerCase();
    const waiter = this.#waiters.get(key)?.pop();
    if (waiter) waiter.settle();
    else this.#buffered.set(key, (this.#buffered.get(key) ?? 0) + 1);
  }

  #first(waits: readonly Wait[]): Wait {
    const any = new Wait();
    for (const wait of waits) wait.whenSettled(() => any.settle());
    return any;
  }

  #all(waits: readonly Wait[]): Wait {
    const all = new Wait();
    let left = waits.length;
    for (const wait of waits) wait.whenSettled(() => --left === 0 && all.settle(waits.some((each) => each.failed)));
    if (left === 0) all.settle();
    return all;
  }

  #settle(id: number | undefined, failed: boolean): void {
    const wait = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || !wait) return;
    this.#open.delete(id);
    wait.settle(failed);
  }

  #confirm(event: HistoryEvent): void {
    const before = event.EventType === Event.TaskScheduled ? 'activity' : 'timer';
    const now = this.#unconfirmed.get(event.EventId);
    if (!now) throw new ReplayFailure(notRepeated(before, event));
    if (now.kind !== before) throw new ReplayFailure(otherKind(before, event, now));
    if (now.kind === 'activity' && now.name !== event.Name) throw new ReplayFailure(otherName(event, now.name));
    this.#unconfirmed.delete(event.EventId);
  }
}

/** Repeats the whole execution; `history` ends with the events of the turn at hand. */
export function replay(history: Iterable<HistoryEvent>, state: OrchestratorState): Verdict {
  const run = new Replay(state.actions.flat());
  try {
    for (const event of history) run.feed(event);
  } catch (error) {
    if (!(error instanceof ReplayFailure)) throw error;
    return { outcome: { kind: 'failed', message: error.message, by: 'host' }, scheduled: [] };
  }
  return run.verdict(state);
}

function settled(): Wait {
  const wait = new Wait();
  wait.settle();
  return wait;
}

function backoff(retry: NonNullable<Action['retryOptions']>, attempt: number): number {
  const grown = retry.firstRetryIntervalInMilliseconds * (retry.backoffCoefficient ?? 1) ** (attempt - 1);
  return Math.min(grown, retry.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY);
}
