import { canonicalJson } from './canonical-json.ts';
import { assertNever, CurfewError, type ErrorCode } from './errors.ts';
import { approveByOf } from './evaluate.ts';
import type {
  Capacity,
  Channel,
  CurfewEvent,
  GrantEvidence,
  OtherWay,
  RecordedEvent,
  RevocationCause,
  RevocationEvidence,
  RevocationPlan,
} from './events.ts';
import type { CommandId, PrincipalId, RequestId } from './ids.ts';
import type { Person, Stage, Terms } from './policy.ts';
import { earliest, type Instant, plus } from './time.ts';

export const openStates = ['waiting-for-approval', 'scheduled', 'granting', 'granted', 'revoking', 'overdue'] as const;
export const endedStates = ['denied', 'withdrawn', 'timed-out', 'failed', 'expired', 'revoked', 'extended'] as const;
export const states = [...openStates, ...endedStates] as const;
export type State = (typeof states)[number];

/** In these a grant of the role stands, may stand, or is booked: what limits count. */
export const holdingStates: readonly State[] = ['scheduled', 'granting', 'granted', 'revoking', 'overdue'];

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

/** The whole story of one asking, as its events tell it. */
export interface AccessRequest {
  readonly id: RequestId;
  readonly state: State;
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
  readonly submittedAt: Instant;
  readonly changedAt: Instant;
  readonly decision?: Decision | undefined;
  /** From when the duration is counted. */
  readonly beganAt?: Instant | undefined;
  /** When the access ends. Set before the target is touched, and moved by approved extensions alone. */
  readonly deadline?: Instant | undefined;
  readonly granted?: { readonly at: Instant; readonly evidence: readonly GrantEvidence[] } | undefined;
  /** The requests that moved the deadline, and to when. */
  readonly extensions: readonly { readonly extension: RequestId; readonly deadline: Instant; readonly at: Instant }[];
  /** Of an extension: to when it moved the other's deadline. */
  readonly movedTo?: Instant | undefined;
  /** Why it is ending, or ended, other than by a decision. */
  readonly cause?: RevocationCause | undefined;
  /** Who withdrew or cancelled it before anything was granted. */
  readonly calledOff?:
    | { readonly by: Person; readonly as: Capacity; readonly at: Instant; readonly commandId: CommandId }
    | undefined;
  /** Since when the access should be gone. */
  readonly endsSince?: Instant | undefined;
  readonly delay?: { readonly attempt: number; readonly code: ErrorCode; readonly at: Instant } | undefined;
  readonly revoked?:
    | { readonly at: Instant; readonly evidence: readonly RevocationEvidence[]; readonly lateness?: number | undefined }
    | undefined;
  readonly failure?: ErrorCode | undefined;
  /** Of a broken glass. */
  readonly review?:
    | 'owed'
    | { readonly by: Person; readonly comment: string; readonly at: Instant; readonly commandId: CommandId }
    | undefined;
}

export function isEnded(state: State): boolean {
  return (endedStates as readonly State[]).includes(state);
}

/** Whether its access is being taken away, or there is none any more. */
export function isOver(state: State): boolean {
  return state === 'revoking' || state === 'overdue' || isEnded(state);
}

/** Whether something is to come still, by which it has to be remembered. */
export function isUnfinished({ state, review }: AccessRequest): boolean {
  return !isEnded(state) || review === 'owed';
}

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

/** What a request becomes by an event. It obeys: whether the event may happen was `decide`'s question. */
export function evolve(request: AccessRequest | undefined, id: RequestId, event: CurfewEvent): AccessRequest {
  if (event.type === 'access-requested') {
    const { type: _, at, bodyDigest: __, ...asked } = event;
    return {
      ...asked,
      id,
      state: 'waiting-for-approval',
      version: 1,
      duration: asked.terms.duration,
      stage: 0,
      stageBegan: at,
      approveBy: approveByOf(asked.terms, 0, at),
      asked: asked.approvers.map(({ principalId }) => principalId),
      approvals: [],
      extensions: [],
      submittedAt: at,
      changedAt: at,
    };
  }
  if (!request) throw new CurfewError('CURFEW_INTERNAL', { detail: 'A story begins with access-requested.' });
  const next = { ...request, version: request.version + 1, changedAt: event.at };
  switch (event.type) {
    case 'stage-began':
      return { ...next, ...asking(request, event.approvers) };
    case 'approval-escalated':
      return { ...next, ...asking(request, [...request.approvers, ...event.approvers]) };
    case 'access-approved':
      return approved(request, next, event);
    case 'access-approved-automatically': {
      const { at, rule } = event;
      return {
        ...next,
        state: stateOnceApproved(request, at),
        decision: { outcome: 'approved', rule, comment: '', at },
      };
    }
    case 'glass-broken':
      return { ...next, state: 'granting', review: 'owed' };
    case 'access-denied': {
      const { by, comment, at, commandId } = event;
      return { ...next, state: 'denied', decision: { outcome: 'denied', by, comment, at, commandId } };
    }
    case 'request-withdrawn':
      return {
        ...next,
        state: 'withdrawn',
        calledOff: { by: event.by, as: 'requester', at: event.at, commandId: event.commandId },
      };
    case 'approval-timed-out':
      return { ...next, state: 'timed-out' };
    case 'grant-cancelled':
      return {
        ...next,
        state: 'revoked',
        calledOff: { by: event.by, as: event.as, at: event.at, commandId: event.commandId },
      };
    case 'grant-refused':
      return { ...next, state: 'failed', failure: event.code };
    case 'grant-intended':
      return { ...next, state: 'granting', beganAt: plus(event.deadline, -request.duration), deadline: event.deadline };
    case 'access-granted':
      return { ...next, state: 'granted', granted: { at: event.at, evidence: event.evidence } };
    case 'deadline-moved': {
      const { extension, deadline, at } = event;
      return { ...next, deadline, extensions: [...request.extensions, { extension, deadline, at }] };
    }
    case 'extension-applied':
      return { ...next, state: 'extended', movedTo: event.deadline };
    case 'revocation-began':
      return {
        ...next,
        state: 'revoking',
        cause: event.cause,
        // A grant may be given up long after its deadline.
        endsSince: earliest(event.at, request.deadline),
      };
    case 'revocation-delayed':
      return { ...next, state: 'overdue', delay: { attempt: event.attempt, code: event.code, at: event.at } };
    case 'access-revoked': {
      const { at, evidence, lateness } = event;
      const { cause } = request;
      const revoked = { at, evidence, lateness };
      if (cause?.kind === 'grant-failed') return { ...next, state: 'failed', revoked, failure: cause.code };
      return { ...next, state: cause?.kind === 'ended-early' ? 'revoked' : 'expired', revoked };
    }
    case 'access-reviewed': {
      const { by, comment, at, commandId } = event;
      return { ...next, review: { by, comment, at, commandId } };
    }
    default:
      return assertNever(event);
  }
}

/** What a chain adds up to; undefined for an empty one. */
export function requestFrom(id: RequestId, chain: readonly RecordedEvent[]): AccessRequest | undefined {
  return chain.reduce<AccessRequest | undefined>((before, { event }) => evolve(before, id, event), undefined);
}

type Approved = Extract<CurfewEvent, { type: 'access-approved' }>;

/** One yes more: the next stage begins where the quorum is reached, and the approval is complete with the last one. */
function approved(request: AccessRequest, next: AccessRequest, event: Approved): AccessRequest {
  const { stage, by, through, comment, at, commandId } = event;
  const after = {
    ...next,
    approvals: [...request.approvals, { stage, by, through, comment, at, commandId }],
    duration: Math.min(request.duration, event.duration ?? request.duration),
  };
  if (missingApprovals(after) > 0) return after;
  const following = stage + 1;
  if (following < request.terms.stages.length) {
    const approveBy = approveByOf(request.terms, following, at);
    return { ...after, stage: following, stageBegan: at, approveBy, approvers: [] };
  }
  const decision: Decision = { outcome: 'approved', by, comment, at, commandId };
  return { ...after, state: stateOnceApproved(request, at), decision };
}

function stateOnceApproved({ terms: { startsAt } }: AccessRequest, at: Instant): State {
  return startsAt !== undefined && startsAt > at ? 'scheduled' : 'granting';
}

function asking({ asked }: AccessRequest, approvers: readonly Person[]): Pick<AccessRequest, 'approvers' | 'asked'> {
  return { approvers, asked: [...new Set([...asked, ...approvers.map(({ principalId }) => principalId)])] };
}
