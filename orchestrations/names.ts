import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { ErrorCode } from '../shared/domain/errors.ts';
import type { DropEvidence, GrantEvidence, RecordedEvent, RevocationEvidence } from '../shared/domain/events.ts';
import type { PrincipalId, RequestId } from '../shared/domain/ids.ts';
import type { Person } from '../shared/domain/policy.ts';
import type { Instant } from '../shared/domain/time.ts';

/** Names are part of every history on record: never rename one, never give one another meaning. */
export const orchestratorName = 'accessRequest';
export const commandEvent = 'command';
export const activityNames = {
  record: 'recordEvents',
  notify: 'notify',
  findApprovers: 'findApprovers',
  checkEligibility: 'checkEligibility',
  grant: 'grantAccess',
  extendHolds: 'extendHolds',
  applyExtension: 'applyExtension',
  arm: 'armRevocation',
  revoke: 'revokeAccess',
  release: 'releaseHolds',
} as const;

/**
 * Activities answer with a code instead of throwing, since a thrown error comes back as text and nothing may match on
 * text. `at` is the activity's clock when it ended.
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

/**
 * The W3C `traceparent` of the call that submitted the request. It comes with the input, so that each replay hands on the same; what
 * began without telemetry, or before there was any, has none.
 */
export interface Traced {
  readonly trace?: string | undefined;
}

export interface OrchestratorInput extends Traced {
  readonly first: RecordedEvent;
  /** Where a story goes on that was begun by another instance, or by this one in a history that has become too long. */
  readonly resumed?: Snapshot | undefined;
}

/** All that a story has to know to go on. What it may have told before is told again where nobody knows. */
export interface Snapshot {
  readonly request: AccessRequest;
  /** The newest event, written or not. */
  readonly last: RecordedEvent;
  readonly unwritten: readonly RecordedEvent[];
  readonly notices: readonly Notice[];
  readonly releaseDue?: Instant | undefined;
  /** Tries at taking the access away. */
  readonly attempts: number;
  /** When it is tried again, and why the last try failed. */
  readonly retry?: { readonly at: Instant; readonly code: ErrorCode } | undefined;
  /** What the alarm says that it did. */
  readonly rung?: readonly DropEvidence[] | undefined;
}

export interface Notice {
  readonly input: NotifyInput;
  readonly attempts: number;
  readonly due: Instant;
}

export interface RecordInput {
  readonly events: readonly RecordedEvent[];
  /** The request as it is after them. */
  readonly request: AccessRequest;
}

export type NoticeKind =
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

/** Somebody must hear these: they are tried for as long as it takes, and the log says so where nobody can be told. */
export const alarmKinds: readonly NoticeKind[] = ['glass-broken', 'review-owed', 'overdue', 'still-held'];

/** These tell what has happened, and are as true later on. All others are of use for as long as the request is as they say. */
export const pastKinds: readonly NoticeKind[] = ['decided', 'ended'];

/** Somebody known, or somebody the policy names, who is looked up when the notice is sent; or whoever looks after Curfew. */
export type Recipient =
  | Person
  | { readonly user: string }
  | { readonly group: PrincipalId }
  | { readonly engineers: true };

export interface NotifyInput {
  readonly kind: NoticeKind;
  readonly to: Recipient;
  readonly request: AccessRequest;
}

export interface RequestInput {
  readonly request: AccessRequest;
}

export interface RevokeInput extends RequestInput {
  /** Nothing is taken away before this instant. */
  readonly notBefore: Instant;
  /** What could not be done by then has failed, so that somebody can be told in time. */
  readonly giveUp: Instant;
  /** What the alarm says that it did, where it has rung. */
  readonly rung?: readonly DropEvidence[] | undefined;
}

export interface FindApproversInput extends RequestInput {
  /** Who is asked when the stage begins, or when nobody has answered for long. */
  readonly of: 'stage' | 'escalation';
}

export interface ExtendHoldsInput extends RequestInput {
  /** The approved request for the extension. */
  readonly extension: RequestId;
}

export interface ActivityTypes {
  readonly record: { input: RecordInput; result: null };
  readonly notify: { input: NotifyInput; result: null };
  readonly findApprovers: { input: FindApproversInput; result: readonly Person[] };
  readonly checkEligibility: { input: RequestInput; result: null };
  readonly grant: { input: RequestInput; result: readonly GrantEvidence[] };
  /** Gives by how many milliseconds the deadline may be moved. */
  readonly extendHolds: { input: ExtendHoldsInput; result: number };
  /** Gives the moved deadline, or null while it isn't known whether it was moved. */
  readonly applyExtension: { input: RequestInput; result: Instant | null };
  /** Sets the alarm in this process. It raises `alarm-rang` when it has done its work. */
  readonly arm: { input: RequestInput; result: null };
  readonly revoke: { input: RevokeInput; result: readonly RevocationEvidence[] };
  readonly release: { input: RequestInput; result: null };
}
export type ActivityName = keyof ActivityTypes;
