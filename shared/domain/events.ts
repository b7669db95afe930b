import type { ErrorCode } from './errors.ts';
import type { CommandId, Digest, PrincipalId, RequestId } from './ids.ts';
import type { Entitlement, Person, Terms } from './policy.ts';
import type { Instant } from './time.ts';

/** In what capacity somebody acted. `revoker`: by the application role Access.Revoke. */
export type Capacity = 'requester' | 'approver' | 'revoker' | 'administrator';

/** How an approver answered: from the mailed link, with a sign-in or by holding it alone, or with their own token. */
export type Channel = 'link-and-sign-in' | 'link' | 'api';

/** What was done for one entitlement. `already-held`: the person was a member before, and stays one afterwards. */
export interface GrantEvidence {
  readonly entitlement: Entitlement;
  readonly outcome: 'granted' | 'already-held';
  /** The grant was read back from the target at this instant of Curfew's clock. */
  readonly verifiedAt: Instant;
}

/** What lets somebody in beside what Curfew gave: a role of theirs, by its name on the target; or a group that they are in. */
export type OtherWay =
  | { readonly kind: 'role'; readonly name: string }
  | { readonly kind: 'group'; readonly name: string; readonly groupId: PrincipalId };

/** What was undone for one entitlement. */
export interface RevocationEvidence {
  readonly entitlement: Entitlement;
  /**
   * `kept`: a standing membership, or another request still holds it. `absent`: it was gone already. `target-gone`: the target
   * was deleted, and what was on it.
   */
  readonly outcome: 'revoked' | 'absent' | 'kept' | 'target-gone';
  /** When the target carried out the drop, by the target's own clock. */
  readonly droppedAt?: Instant | undefined;
  /** Live sessions that were ended. */
  readonly sessionsEnded: number;
  /**
   * The target was asked again at this instant of Curfew's clock, and showed neither entitlement nor session; or whoever
   * registers targets said that it is gone.
   */
  readonly verifiedAt: Instant;
  /** The hold document could not be read, so the entitlement was dropped without knowing of other holds: also of what is `kept`. */
  readonly holdsUnknown?: true | undefined;
  /** Curfew ended its part, and these still give the same. */
  readonly stillBy?: readonly OtherWay[] | undefined;
  /** Not all of what may still give the same could be found out. */
  readonly stillUnknown?: true | undefined;
}

/** What is known of a drop, whether or not it was verified. */
export type DropEvidence = Pick<RevocationEvidence, 'entitlement' | 'droppedAt' | 'sessionsEnded' | 'holdsUnknown'>;

/** How the end of a grant is prepared and insisted on: a setting of Curfew's, pinned to the request. Milliseconds. */
export interface RevocationPlan {
  /** Whether the deadline scheduler revokes at the instant; where not, durable timers alone do. */
  readonly isScheduled: boolean;
  /** The longest pause between two attempts. */
  readonly longestPause: number;
}

/** What happened, in the past tense. `at` is when, in UTC. */
export type CurfewEvent =
  /** Somebody asked, and the policy allows asking. Nothing has been touched. */
  | {
      readonly type: 'access-requested';
      readonly at: Instant;
      readonly requester: Person;
      /** The application that asked for the requester, where one did. */
      readonly submittedBy?: Person | undefined;
      readonly reason: string;
      readonly ticket?: string | undefined;
      readonly terms: Terms;
      readonly revocation: RevocationPlan;
      /** The grant whose deadline is to be moved by the duration; nothing else is granted then. */
      readonly extends?: RequestId | undefined;
      /** Who is asked in the first stage. */
      readonly approvers: readonly Person[];
      /** Of the request's body: the same Idempotency-Key with another body is refused. */
      readonly bodyDigest: Digest;
    }
  /** Who is asked in the next stage. */
  | {
      readonly type: 'stage-began';
      readonly at: Instant;
      readonly stage: number;
      readonly approvers: readonly Person[];
    }
  /** Nobody answered for long, so these are asked too. */
  | {
      readonly type: 'approval-escalated';
      readonly at: Instant;
      readonly stage: number;
      readonly approvers: readonly Person[];
    }
  /** An approver said yes. It completes the stage where the quorum is reached, and with the last stage the approval. */
  | {
      readonly type: 'access-approved';
      readonly at: Instant;
      readonly stage: number;
      readonly by: Person;
      readonly through: Channel;
      readonly comment: string;
      /** Milliseconds, where the approver allowed less than was asked for. */
      readonly duration?: number | undefined;
      readonly commandId: CommandId;
    }
  /** The named rule of the policy approved, in the place of people. */
  | { readonly type: 'access-approved-automatically'; readonly at: Instant; readonly rule: string }
  /** The requester took access without approval, as the policy lets them in an emergency. A review is owed. */
  | { readonly type: 'glass-broken'; readonly at: Instant }
  /** An approver said no. The request has ended. */
  | {
      readonly type: 'access-denied';
      readonly at: Instant;
      readonly stage: number;
      readonly by: Person;
      readonly through: Channel;
      readonly comment: string;
      readonly commandId: CommandId;
    }
  /** The requester took the request back before anything was granted. */
  | { readonly type: 'request-withdrawn'; readonly at: Instant; readonly by: Person; readonly commandId: CommandId }
  /** The stage's time was over before its quorum was reached. */
  | { readonly type: 'approval-timed-out'; readonly at: Instant }
  /** An approved request was called off by an approver or administrator before its start. */
  | {
      readonly type: 'grant-cancelled';
      readonly at: Instant;
      readonly by: Person;
      readonly as: Capacity;
      readonly reason: string;
      readonly commandId: CommandId;
    }
  /** At the moment of the grant the requester turned out not to be eligible any more. The target was not touched. */
  | { readonly type: 'grant-refused'; readonly at: Instant; readonly code: ErrorCode }
  /** From here on the target may show the entitlements, until `deadline`. Written before the target is touched. */
  | { readonly type: 'grant-intended'; readonly at: Instant; readonly deadline: Instant }
  /** The target shows the entitlements. */
  | { readonly type: 'access-granted'; readonly at: Instant; readonly evidence: readonly GrantEvidence[] }
  /** An approved extension moved the deadline. */
  | { readonly type: 'deadline-moved'; readonly at: Instant; readonly deadline: Instant; readonly extension: RequestId }
  /** This extension has moved the deadline of the grant that it extends. */
  | { readonly type: 'extension-applied'; readonly at: Instant; readonly deadline: Instant }
  /** Taking away was decided. A failed grant comes here too, since its outcome in the target is unknown. */
  | { readonly type: 'revocation-began'; readonly at: Instant; readonly cause: RevocationCause }
  /** The target would not let go, or would not say. It is tried again, without end; written at first, and with each alert. */
  | { readonly type: 'revocation-delayed'; readonly at: Instant; readonly attempt: number; readonly code: ErrorCode }
  /** The target, asked again, shows neither the entitlements nor a session. `lateness` is in milliseconds after the deadline. */
  | {
      readonly type: 'access-revoked';
      readonly at: Instant;
      readonly evidence: readonly RevocationEvidence[];
      readonly lateness?: number | undefined;
    }
  /** Somebody has looked at what was done with the broken glass. */
  | {
      readonly type: 'access-reviewed';
      readonly at: Instant;
      readonly by: Person;
      readonly comment: string;
      readonly commandId: CommandId;
    };

export type RevocationCause =
  | { readonly kind: 'deadline' }
  | {
      readonly kind: 'ended-early';
      readonly by: Person;
      readonly as: Capacity;
      readonly reason: string;
      readonly commandId: CommandId;
    }
  | { readonly kind: 'grant-failed'; readonly code: ErrorCode };

/** An event in its place in its chain. Hashes are SHA-256 over canonical JSON (RFC 8785), in hex. */
export interface Recorded<Chain, Event> {
  /** The chain's name, which is a request's id for all but drift. */
  readonly requestId: Chain;
  readonly sequence: number;
  readonly previousHash: Digest;
  readonly event: Event;
  readonly hash: Digest;
}
export type RecordedEvent = Recorded<RequestId, CurfewEvent>;
