import { canonicalJson } from './canonical-json.ts';
import type { ErrorCode } from './errors.ts';
import type {
  Capacity,
  Channel,
  GrantEvidence,
  OtherWay,
  RevocationCause,
  RevocationEvidence,
  RevocationPlan,
} from './events.ts';
import type { CommandId, PrincipalId, RequestId } from './ids.ts';
import type { Person, Stage, Terms } from './policy.ts';
import type { State } from './states.ts';
import type { Instant } from './time.ts';

/** One approver's yes. */
export interface Approval {
  readonly stage: number;
  readonly by: Person;
  readonly through: Channel;
  readonly comment: string;
  readonly at: Instant;
  readonly commandId: CommandId;
}

/** How the approval ended: by the last approver that it needed, by one who denied, or by a rule of the policy. */
export interface Decision {
  readonly outcome: 'approved' | 'denied';
  readonly by?: Person | undefined;
  /** The automatic approval's name, where no person decided. */
  readonly rule?: string | undefined;
  readonly comment: string;
  readonly at: Instant;
  readonly commandId?: CommandId | undefined;
}

/** What somebody said who looked at what was done with broken glass. */
export interface Review {
  readonly by: Person;
  readonly comment: string;
  readonly at: Instant;
  readonly commandId: CommandId;
}

/** What is known of a request from its submission on, whatever becomes of it. */
interface Submitted {
  readonly id: RequestId;
  /** How many events this is made of. */
  readonly version: number;
  readonly requester: Person;
  readonly submittedBy?: Person | undefined;
  readonly reason: string;
  readonly ticket?: string | undefined;
  readonly terms: Terms;
  readonly revocation: RevocationPlan;
  /** The grant that this one is to extend. */
  readonly extends?: RequestId | undefined;
  /** Milliseconds: what was asked for, or less where an approver allowed less. */
  readonly duration: number;
  /** Of the terms' stages, the one that is being answered. */
  readonly stage: number;
  readonly stageBegan: Instant;
  /** When the stage's time is over. */
  readonly approveBy: Instant;
  /** Who is asked in this stage. */
  readonly approvers: readonly Person[];
  /** Everybody who was ever asked. */
  readonly asked: readonly PrincipalId[];
  readonly approvals: readonly Approval[];
  /** The requests that moved the deadline, and to when. */
  readonly extensions: readonly { readonly extension: RequestId; readonly deadline: Instant; readonly at: Instant }[];
  readonly submittedAt: Instant;
  readonly changedAt: Instant;
}

/** What a request comes to know as it goes on. Which phase has which of these is below. */
interface Facts {
  readonly decision: Decision;
  /** Of break-glass access, which nobody decided on. */
  readonly review: 'owed' | Review;
  /** From when the duration is counted. */
  readonly beganAt: Instant;
  /** When the access ends. Set before the target is touched, and moved by approved extensions alone. */
  readonly deadline: Instant;
  readonly granted: { readonly at: Instant; readonly evidence: readonly GrantEvidence[] };
  /** Why it is ending, or ended, other than by a decision. */
  readonly cause: RevocationCause;
  /** Since when the access should be gone. */
  readonly endsSince: Instant;
  /** The last try at taking it away that was recorded as failed. */
  readonly delay: { readonly attempt: number; readonly code: ErrorCode; readonly at: Instant };
  readonly revoked: {
    readonly at: Instant;
    readonly evidence: readonly RevocationEvidence[];
    readonly lateness?: number | undefined;
  };
  /** Who withdrew or cancelled it before anything was granted. */
  readonly calledOff: {
    readonly by: Person;
    readonly as: Capacity;
    readonly at: Instant;
    readonly commandId: CommandId;
  };
  readonly failure: ErrorCode;
  /** Of an extension: to when it moved the other's deadline. */
  readonly movedTo: Instant;
}

/** A request in one of these states: it has all facts of `Has`, may have those of `May`, and has no other. */
type Phase<Of extends State, Has extends keyof Facts, May extends keyof Facts = never> = Submitted & {
  readonly state: Of;
} & Pick<Facts, Has> & { readonly [Fact in May]?: Facts[Fact] | undefined } & {
    readonly [Fact in Exclude<keyof Facts, Has | May>]?: undefined;
  };

/** How it was approved: by a decision, or else by broken glass, which owes a review. */
type Approved = 'decision' | 'review';
type Bounded = 'beganAt' | 'deadline';
type Ending = Bounded | 'cause' | 'endsSince';

/**
 * One request for access, as its events tell it: who asks for what, and all that has become of it. By its state the compiler
 * knows which facts it has; `states.ts` says what the states mean.
 */
export type AccessRequest =
  | Phase<'waiting-for-approval', never>
  | Phase<'scheduled' | 'approved' | 'extending', never, Approved>
  | Phase<'granting', Bounded, Approved>
  | Phase<'granted', Bounded | 'granted', Approved>
  | Phase<'revoking', Ending, 'granted' | Approved>
  | Phase<'overdue', Ending | 'delay', 'granted' | Approved>
  // Nothing was granted.
  | Phase<'denied', 'decision'>
  | Phase<'timed-out', never>
  | Phase<'withdrawn' | 'revoked', 'calledOff', Approved>
  | Phase<'failed', 'failure', Approved>
  | Phase<'extended', 'movedTo', Approved>
  // The access is gone.
  | Phase<'expired' | 'revoked', Ending | 'revoked', 'granted' | 'delay' | Approved>
  | Phase<'failed', Ending | 'revoked' | 'failure', 'granted' | 'delay' | Approved>;

/** A request that is known to be in one of these states. */
export type RequestIn<Of extends State> = AccessRequest & { readonly state: Of };

/** The command that brought about what the request has become, or a part of it, if it was this one. */
export function isOutcomeOf(request: AccessRequest, commandId: CommandId): boolean {
  const { approvals, decision, calledOff, cause, review } = request;
  return [
    ...approvals.map((approval) => approval.commandId),
    decision?.commandId,
    calledOff?.commandId,
    cause?.kind === 'ended-early' ? cause.commandId : undefined,
    typeof review === 'object' ? review.commandId : undefined,
  ].includes(commandId);
}

/** How many more people have to approve the stage that is being answered. */
export function missingApprovals({ terms, stage, approvals }: AccessRequest): number {
  return (terms.stages[stage]?.quorum ?? 0) - approvals.filter((approval) => approval.stage === stage).length;
}

/** Who is asked and has not answered. */
export function awaitedApprovers({ approvers, approvals }: AccessRequest): Person[] {
  return approvers.filter(({ principalId }) => !approvals.some(({ by }) => by.principalId === principalId));
}

/** What still gives the same though Curfew ended its part. */
export function otherWays({ revoked }: AccessRequest): OtherWay[] {
  const ways = revoked?.evidence.flatMap(({ stillBy }) => stillBy ?? []) ?? [];
  return [...new Map(ways.map((way) => [canonicalJson({ ...way }), way])).values()];
}

export function stageOf({ terms, stage }: AccessRequest): Stage | undefined {
  return terms.stages[stage];
}
