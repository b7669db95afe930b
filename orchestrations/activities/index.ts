import type { ExtendCommand, RingCommand } from '../../shared/domain/decide.ts';
import { asCurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { plus } from '../../shared/domain/time.ts';
import { remedyInLog } from '../../shared/pages/log-remedies.ts';
import type { Providers } from '../../shared/plans.ts';
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
  TargetRegistry,
} from '../../shared/ports.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { type ActivityName, type ActivityTypes, alarmKinds, type Outcome } from '../names.ts';
import type { Alarm } from './alarm.ts';
import { arm } from './arm.ts';
import { checkEligibility } from './check-eligibility.ts';
import { applyExtension, extendHolds } from './extend.ts';
import { findApprovers } from './find-approvers.ts';
import { grant } from './grant.ts';
import { notify } from './notify.ts';
import { record } from './record.ts';
import { release } from './release.ts';
import { revoke } from './revoke.ts';

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
  readonly alarm: Alarm;
  /** Who is told of an access that stands though it should have ended, whoever else is. */
  readonly alertAddress?: string | undefined;
  /** Base of the links in mails, without a slash at its end. */
  readonly publicUrl: string;
}

/** Hands a command to another request's orchestration. */
export type Raise = (id: RequestId, command: ExtendCommand | RingCommand) => Promise<void>;

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

/** How long writing and telling may take before it counts as failed: what hangs must not hold up the story. Milliseconds. */
const choreLimit = 5_000;

/** The activities, ready to be registered. None of them throws. */
export function createActivities(dependencies: ActivityDependencies): Activities {
  return {
    record: answer(dependencies, 'record', limited(record, 'CURFEW_STORE_UNAVAILABLE')),
    notify: answer(dependencies, 'notify', limited(notify, 'CURFEW_MAIL_UNAVAILABLE')),
    findApprovers: answer(dependencies, 'findApprovers', limited(findApprovers, 'CURFEW_DIRECTORY_UNAVAILABLE')),
    checkEligibility: answer(
      dependencies,
      'checkEligibility',
      limited(checkEligibility, 'CURFEW_DIRECTORY_UNAVAILABLE'),
    ),
    grant: answer(dependencies, 'grant', grant),
    extendHolds: answer(dependencies, 'extendHolds', limited(extendHolds, 'CURFEW_STORE_UNAVAILABLE')),
    applyExtension: answer(dependencies, 'applyExtension', limited(applyExtension, 'CURFEW_STORE_UNAVAILABLE')),
    arm: answer(dependencies, 'arm', arm),
    revoke: answer(dependencies, 'revoke', revoke),
    release: answer(dependencies, 'release', limited(release, 'CURFEW_STORE_UNAVAILABLE')),
  };
}

function limited<Name extends ActivityName>(activity: Activity<Name>, code: ErrorCode): Activity<Name> {
  return (dependencies, input, raise) => {
    const { clock } = dependencies;
    return withTimeout(clock, plus(clock.now(), choreLimit), activity(dependencies, input, raise), code);
  };
}

function answer<Name extends ActivityName>(
  dependencies: ActivityDependencies,
  name: Name,
  activity: Activity<Name>,
): Activities[Name] {
  const { clock, log } = dependencies;
  const run = async (
    input: ActivityTypes[Name]['input'],
    raise: Raise,
  ): Promise<Outcome<ActivityTypes[Name]['result']>> => {
    try {
      const result = await activity(dependencies, input, raise);
      return { ok: true, at: clock.now(), result };
    } catch (error) {
      const { code, remedy, retryAfter } = asCurfewError(error).refusal;
      // The error's own text may hold SQL, addresses or tokens. Its class says enough, and the code is the rest.
      const isAlarm = 'kind' in input && alarmKinds.includes(input.kind);
      log(isAlarm ? 'error' : 'warning', `${name} failed: ${code}`, {
        ...('kind' in input && { kind: input.kind }),
        requestId: input.request.id,
        error: error instanceof Error ? error.name : typeof error,
        // What Curfew itself says is to be done.
        ...(remedy && { remedy: remedyInLog(remedy) }),
      });
      return { ok: false, at: clock.now(), code, retryAfter };
    }
  };
  return run as Activities[Name];
}
