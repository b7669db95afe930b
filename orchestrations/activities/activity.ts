import { asCurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { ActorId, RequestId } from '../../shared/domain/ids.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { remedyInLog } from '../../shared/pages/log-remedies.ts';
import type {
  Clock,
  Directory,
  Entropy,
  EventStore,
  HoldStore,
  LinkStore,
  Log,
  Notifier,
  RequestStore,
} from '../../shared/ports.ts';
import type { Providers, TargetRegistry } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { ActivityName, ActivityTypes, Failure, Message, Outcome } from '../contract.ts';
import type { DeadlineScheduler } from '../deadline/scheduler.ts';
import type { Attempts } from './attempts.ts';

export interface ActivityDependencies {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly events: EventStore;
  readonly requests: RequestStore;
  readonly links: LinkStore;
  readonly holds: HoldStore;
  readonly directory: Directory;
  readonly notifier: Notifier;
  readonly providers: Providers;
  readonly registry: TargetRegistry;
  readonly scheduler: DeadlineScheduler;
  /** This process. */
  readonly actor: ActorId;
  readonly attempts: Attempts;
  /** Where overdue access is reported, beside the people of the request. */
  readonly alertAddress?: string | undefined;
  /** Base of the links in mails, without a slash at its end. */
  readonly publicUrl: string;
}

/** Sends a message to another request's orchestration. */
export type Raise = (
  id: RequestId,
  message: Extract<Message, { kind: 'extend' | 'revocation-fired' }>,
) => Promise<void>;

export type Activity<Name extends ActivityName> = (
  dependencies: ActivityDependencies,
  input: ActivityTypes[Name]['input'],
  raise: Raise,
) => Promise<ActivityTypes[Name]['result']>;

export type Activities = {
  readonly [Name in ActivityName]: (
    input: ActivityTypes[Name]['input'],
    raise: Raise,
  ) => Promise<Outcome<ActivityTypes[Name]['result']>>;
};

/** What stands in a line of the log about a failure. */
export interface Context {
  readonly what: string;
  readonly requestId: RequestId;
  readonly kind?: string | undefined;
  readonly isAlarm?: boolean;
}

/** Returns what the work returns, or why it failed, which is logged. Never throws. */
export async function attempt<Result>(
  { log }: Pick<ActivityDependencies, 'log'>,
  { what, requestId, kind, isAlarm = false }: Context,
  work: () => Promise<Result>,
): Promise<{ readonly ok: true; readonly result: Result } | ({ readonly ok: false } & Failure)> {
  try {
    return { ok: true, result: await work() };
  } catch (error) {
    const { code, remedy, retryAfter } = asCurfewError(error).refusal;
    // The error's own text may hold SQL, addresses or tokens. Its class says enough, and the code is the rest.
    log(isAlarm ? 'error' : 'warning', `${what} failed: ${code}`, {
      ...(kind !== undefined && { kind }),
      requestId,
      error: error instanceof Error ? error.name : typeof error,
      ...(remedy && { remedy: remedyInLog(remedy) }),
    });
    return { ok: false, code, retryAfter };
  }
}

/** The work, which counts as failed after a few seconds: what hangs must not hold up the rest. */
export function limited<Result>(
  { clock }: Pick<ActivityDependencies, 'clock'>,
  code: ErrorCode,
  work: () => Promise<Result>,
  limit: Instant = plus(clock.now(), timeline.outboxLimitMs),
): Promise<Result> {
  return withTimeout(clock, limit, work(), code);
}
