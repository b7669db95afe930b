import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { PersonCommand } from '../shared/domain/decide.ts';
import type { ErrorCode } from '../shared/domain/errors.ts';
import type { DropEvidence, GrantEvidence, RecordedEvent, RevocationEvidence } from '../shared/domain/events.ts';
import type { ActorId, PrincipalId, RequestId } from '../shared/domain/ids.ts';
import type { Person } from '../shared/domain/policy.ts';
import type { Instant } from '../shared/domain/time.ts';
import type { SchedulerReport } from './deadline/report.ts';

/** Names are part of every history: never rename one, never give one another meaning. */
export const orchestratorName = 'accessRequest';
export const commandEvent = 'command';
export const activityNames = {
  deliver: 'deliver',
  askApprovers: 'askApprovers',
  grant: 'grantAccess',
  extendHolds: 'extendHolds',
  applyExtension: 'applyExtension',
  revoke: 'revokeAccess',
} as const;

/**
 * The outcome of an activity. Activities answer with a code instead of throwing, since a thrown error comes back as text and
 * nothing may match on text. `at` is the activity's clock when it ended.
 */
export type Outcome<Result> =
  | { readonly ok: true; readonly at: Instant; readonly result: Result }
  | {
      readonly ok: false;
      readonly at: Instant;
      readonly code: ErrorCode;
      /** In how many seconds a server that is busy wants to be asked again. */
      readonly retryAfter?: number | undefined;
    };

/** Why a part of an activity's work failed. */
export type Failure = Pick<Extract<Outcome<never>, { ok: false }>, 'code' | 'retryAfter'>;

/**
 * The W3C `traceparent` of the call that submitted the request. It comes with the input, so that each replay hands on the same; what
 * began without telemetry, or before there was any, has none.
 */
export interface Traced {
  readonly trace?: string | undefined;
  /** Of an activity: when the orchestration asked for it, so that the time it waited in the task hub is known. */
  readonly askedAt?: Instant | undefined;
}

export interface OrchestratorInput extends Traced {
  readonly first: RecordedEvent;
  /** Where the lifecycle goes on that was begun by another instance, or by this one in a history that has become too long. */
  readonly resumed?: Snapshot | undefined;
}

/** All that a lifecycle needs to go on. A notification that may have been sent before is sent again where that is not known. */
export interface Snapshot {
  readonly request: AccessRequest;
  /** The newest event, recorded or not. */
  readonly last: RecordedEvent;
  readonly outbox: OutboxSnapshot;
  /** Attempts at revoking. */
  readonly attempts: number;
  /** When the next attempt is due, and why the last one failed. */
  readonly retry?: { readonly at: Instant; readonly code: ErrorCode } | undefined;
  readonly fired?: Fired | undefined;
}

export interface OutboxSnapshot {
  readonly events: readonly RecordedEvent[];
  readonly groups: readonly NotificationGroup[];
  readonly cleanUp?: CleanUp | undefined;
}

/** What the deadline scheduler, or an attempt that could not verify it, says was dropped. */
export interface Fired {
  /** The actor that is known to be done with it. */
  readonly actor?: ActorId | undefined;
  readonly evidence: readonly DropEvidence[];
}

/** A message from outside to a request's orchestration. */
export type Message =
  | PersonCommand
  /** An approved extension asks the grant that it extends to move its deadline. What it claims is looked up first. */
  | { readonly kind: 'extend'; readonly extension: RequestId }
  | SchedulerReport;

export type NotificationKind =
  | 'approval-wanted'
  | 'reminder'
  | 'waiting'
  | 'decided'
  | 'held-up'
  | 'granted'
  | 'ending-soon'
  | 'extended'
  | 'overdue'
  | 'ended'
  | 'still-held'
  | 'glass-broken'
  | 'review-owed';

/** These must reach a reader: they are tried for as long as it takes, and the log says so where nobody can be reached. */
export const alarmKinds: readonly NotificationKind[] = ['glass-broken', 'review-owed', 'overdue', 'still-held'];

/** These say what has happened, and are as true later on. All others are of use for as long as the request is as they say. */
export const pastKinds: readonly NotificationKind[] = ['decided', 'ended'];

/** A known person; one that the policy names, who is looked up when the notification is sent; or the engineers of Curfew. */
export type Recipient =
  | Person
  | { readonly user: string }
  | { readonly group: PrincipalId }
  | { readonly engineers: true };

export interface Notification {
  readonly kind: NotificationKind;
  readonly to: Recipient;
}

/** Notifications about the request as it was at one moment. */
export interface NotificationGroup {
  readonly request: AccessRequest;
  readonly notifications: readonly Notification[];
}

/** Removes the holds of a request that has ended, and what Curfew made for the requester on the targets. */
export interface CleanUp {
  /** The actor that is known to have revoked, so that nobody waits for it. */
  readonly done?: ActorId | undefined;
}

export interface RequestInput {
  readonly request: AccessRequest;
  /** Where the call is left to itself at some instant: an activity that starts later does nothing. */
  readonly giveUp?: Instant | undefined;
}

/** Events to record, with the request as it is after them. */
export interface RecordInput extends RequestInput {
  readonly events: readonly RecordedEvent[];
}

export interface DeliverInput extends RecordInput {
  readonly groups: readonly NotificationGroup[];
  readonly cleanUp?: CleanUp | undefined;
}

/** What failed; nothing where all succeeded, which keeps histories short. */
export interface Delivered {
  readonly recorded?: Failure | undefined;
  /** By the position of the notification in its groups. */
  readonly notified?: { readonly [position: number]: Failure } | undefined;
  /** An instant: not before then. */
  readonly cleanedUp?: Failure | { readonly notBefore: Instant } | undefined;
}

export interface AskApproversInput extends RecordInput {
  /** Who is asked: when the stage begins, or when it was silent for long. */
  readonly of: 'stage' | 'escalation';
  /** The newest event: what is recorded here follows it. */
  readonly last: RecordedEvent;
  /** When the event happens. */
  readonly at: Instant;
}

/** What failed, and how far the work had come. */
export type FailedStep<Step> = { readonly outcome: 'failed'; readonly step: Step } & Failure;

export type Asking =
  /** The approvers stand in the recorded event; `unsent` are the notifications that could not be sent. */
  | { readonly outcome: 'asked'; readonly event: RecordedEvent; readonly unsent: readonly Notification[] }
  /** There is nobody to ask. */
  | { readonly outcome: 'refused'; readonly code: ErrorCode }
  /** `find`: nothing was recorded. `record`: it may be. */
  | FailedStep<'find' | 'record'>;

export interface GrantInput extends RecordInput {
  /** The booked start, which the grant waits for. */
  readonly notBefore?: Instant | undefined;
}

/**
 * How far an attempt at granting came. `check`: nothing of the intent was recorded. `record`: it may be. `grant`: it is, and so
 * may be the grant.
 */
export type Granting =
  | { readonly outcome: 'granted'; readonly evidence: readonly GrantEvidence[] }
  | FailedStep<'check' | 'record' | 'grant'>;

export interface RevokeInput extends RequestInput {
  /** Nothing is dropped before this instant. */
  readonly notBefore: Instant;
  /** What is not done by then has failed, so that people can be alerted in time. */
  readonly giveUp: Instant;
  readonly fired?: Fired | undefined;
}

export interface Revoked {
  readonly evidence: readonly RevocationEvidence[];
  /** The actor that is known to be done. */
  readonly actor?: ActorId | undefined;
}

export interface ExtendHoldsInput extends RequestInput {
  /** The approved request for the extension. */
  readonly extension: RequestId;
}

export interface ApplyExtensionInput extends RecordInput {
  /** Whether the requester and the approvers are still to be checked. */
  readonly isUnchecked: boolean;
}

export type Extending =
  | { readonly outcome: 'applied'; readonly deadline: Instant }
  /** The lifecycle of the other grant has yet to say whether it moved its deadline. */
  | { readonly outcome: 'asked' }
  | FailedStep<'check' | 'record' | 'apply'>;

export interface ActivityTypes {
  /** Records events and projection, sends notifications and cleans up; each part is tried by itself. */
  readonly deliver: { input: DeliverInput; result: Delivered };
  /** Finds the approvers, records who is asked, and writes to them. */
  readonly askApprovers: { input: AskApproversInput; result: Asking };
  /** Checks the people, records the intent, and grants. */
  readonly grant: { input: GrantInput; result: Granting };
  /** Returns by how many milliseconds the deadline may be moved. */
  readonly extendHolds: { input: ExtendHoldsInput; result: number };
  /** Checks the people, records, and asks the other grant to move its deadline. */
  readonly applyExtension: { input: ApplyExtensionInput; result: Extending };
  readonly revoke: { input: RevokeInput; result: Revoked };
}
export type ActivityName = keyof ActivityTypes;
