import { type AccessRequest, awaitedApprovers, type RequestIn } from './access-request.ts';
import { assertNever, type ErrorCode, type Refusal } from './errors.ts';
import type { Capacity, Channel, CurfewEvent, GrantEvidence, RevocationEvidence } from './events.ts';
import { extensionRefusal } from './extension.ts';
import type { CommandId, RequestId } from './ids.ts';
import type { Person } from './policy.ts';
import type { Remedy } from './remedies.ts';
import {
  isAwaitingApproval,
  isAwaitingGrant,
  isEnded,
  isEnding,
  isExtending,
  isGranting,
  isRevocable,
  mayBeRefused,
  mayBeWithdrawn,
} from './states.ts';
import { type Instant, latest, millisecondsOf, plus } from './time.ts';

/** An approver's answer to one stage. */
export interface AnswerCommand {
  readonly kind: 'approve' | 'deny';
  readonly commandId: CommandId;
  readonly by: Person;
  readonly stage: number;
  readonly through: Channel;
  readonly comment: string;
  /** Milliseconds, where less is approved than was asked for. */
  readonly duration?: number | undefined;
}

/** What people may want of a request that exists. */
export type PersonCommand =
  | AnswerCommand
  | { readonly kind: 'withdraw'; readonly commandId: CommandId; readonly by: Person }
  | { readonly kind: 'review'; readonly commandId: CommandId; readonly by: Person; readonly comment: string }
  | {
      readonly kind: 'end';
      readonly commandId: CommandId;
      readonly by: Person;
      readonly as: Capacity;
      readonly reason: string;
    };

/** What the orchestration finds out as it goes. */
export type LifecycleCommand =
  | { readonly kind: 'begin-stage' | 'escalate'; readonly approvers: readonly Person[] }
  | { readonly kind: 'approve-automatically' }
  | { readonly kind: 'break-glass' }
  | { readonly kind: 'time-out' }
  | { readonly kind: 'begin-grant' }
  | { readonly kind: 'refuse-grant'; readonly code: ErrorCode }
  | { readonly kind: 'confirm-grant'; readonly evidence: readonly GrantEvidence[] }
  | { readonly kind: 'abandon-grant'; readonly code: ErrorCode }
  | { readonly kind: 'move-deadline'; readonly extension: RequestId; readonly duration: number }
  | { readonly kind: 'confirm-extension'; readonly deadline: Instant }
  | { readonly kind: 'expire' }
  | { readonly kind: 'delay-revocation'; readonly attempt: number; readonly code: ErrorCode }
  | { readonly kind: 'confirm-revocation'; readonly evidence: readonly RevocationEvidence[] };

export type Command = PersonCommand | LifecycleCommand;
export type Decision = { readonly event: CurfewEvent } | { readonly refusal: Refusal };

/**
 * The only place where a transition is chosen: what happens to `request` by `command` at the instant `now`, or why
 * nothing does. Pure. That `by` is who they say, and is still allowed by the directory, was found out before.
 */
export function decide(request: AccessRequest, command: Command, now: Instant): Decision {
  switch (command.kind) {
    case 'approve':
    case 'deny':
      return answer(request, command, now);
    case 'begin-stage':
    case 'escalate': {
      if (!isAwaitingApproval(request)) return refuse('CURFEW_ALREADY_DECIDED');
      const approvers = command.approvers.filter(({ principalId }) => mayBeAsked(request, principalId));
      if (approvers.length === 0) return refuse('CURFEW_NO_APPROVER');
      const type = command.kind === 'escalate' ? 'approval-escalated' : 'stage-began';
      return happens({ type, at: now, stage: request.stage, approvers });
    }
    case 'approve-automatically':
      if (!isAwaitingApproval(request)) return refuse('CURFEW_ALREADY_DECIDED');
      if (!request.terms.automatic) return refuse('CURFEW_FORBIDDEN');
      return happens({ type: 'access-approved-automatically', at: now, rule: request.terms.automatic.name });
    case 'break-glass':
      if (!isAwaitingApproval(request)) return refuse('CURFEW_ALREADY_DECIDED');
      if (!request.terms.breakGlass) return refuse('CURFEW_FORBIDDEN');
      return happens({ type: 'glass-broken', at: now });
    case 'withdraw':
      if (!isAsker(request, command.by)) return refuse('CURFEW_FORBIDDEN');
      if (mayBeWithdrawn(request)) {
        return happens({ type: 'request-withdrawn', at: now, by: command.by, commandId: command.commandId });
      }
      if (isEnded(request)) return refuse('CURFEW_REQUEST_ENDED');
      return refuse('CURFEW_ALREADY_DECIDED', undefined, { kind: 'end-the-access' });
    case 'end':
      return end(request, command, now);
    case 'review':
      if (command.by.principalId === request.requester.principalId) return refuse('CURFEW_SELF_APPROVAL');
      if (request.review !== 'owed') return refuse('CURFEW_REVIEW_NOT_OWED');
      if (!isEnded(request)) return refuse('CURFEW_NOT_DUE', undefined, { kind: 'review-after-end' });
      return happens({
        type: 'access-reviewed',
        at: now,
        by: command.by,
        comment: command.comment,
        commandId: command.commandId,
      });
    case 'time-out':
      if (!isAwaitingApproval(request)) return refuse('CURFEW_ALREADY_DECIDED');
      if (now < request.approveBy) return refuse('CURFEW_NOT_DUE');
      return happens({ type: 'approval-timed-out', at: now });
    case 'begin-grant': {
      if (!isAwaitingGrant(request)) return refuse('CURFEW_REQUEST_ENDED');
      const { startsAt } = request.terms;
      if (startsAt !== undefined && now < startsAt) return refuse('CURFEW_NOT_DUE');
      // A booked window ends when it was booked to, however late its approval or its timer came.
      return happens({ type: 'grant-intended', at: now, deadline: plus(startsAt ?? now, request.duration) });
    }
    case 'refuse-grant': {
      // What waits for approval can't be granted once nobody is left to ask.
      const isAnswerable = isAwaitingApproval(request) && request.approvers.length > 0;
      if (!mayBeRefused(request) || isAnswerable) return refuse('CURFEW_REQUEST_ENDED');
      return happens({ type: 'grant-refused', at: now, code: command.code });
    }
    case 'confirm-grant':
      if (!isGranting(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'access-granted', at: now, evidence: command.evidence });
    case 'abandon-grant':
      if (!isGranting(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'revocation-began', at: now, cause: { kind: 'grant-failed', code: command.code } });
    case 'move-deadline': {
      const { extension, duration } = command;
      const refusal = extensionRefusal(request, duration, now);
      if (refusal || request.deadline === undefined) return { refusal: refusal ?? { code: 'CURFEW_NOT_GRANTED' } };
      return happens({ type: 'deadline-moved', at: now, deadline: plus(request.deadline, duration), extension });
    }
    case 'confirm-extension':
      if (!isExtending(request)) return refuse('CURFEW_REQUEST_ENDED');
      return happens({ type: 'extension-applied', at: now, deadline: command.deadline });
    case 'expire':
      if (!isRevocable(request)) return refuse('CURFEW_NOT_GRANTED');
      if (now < request.deadline) return refuse('CURFEW_NOT_DUE');
      return happens({ type: 'revocation-began', at: now, cause: { kind: 'deadline' } });
    case 'delay-revocation':
      if (!isEnding(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'revocation-delayed', at: now, attempt: command.attempt, code: command.code });
    case 'confirm-revocation':
      if (!isEnding(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({
        type: 'access-revoked',
        at: now,
        evidence: command.evidence,
        lateness: lateness(request, command.evidence),
      });
    default:
      return assertNever(command);
  }
}

/** Nobody decides for themselves, and one person counts once across all stages. */
function answer(request: AccessRequest, command: AnswerCommand, now: Instant): Decision {
  const { by, stage, through, comment, commandId, duration } = command;
  if (by.principalId === request.requester.principalId) return refuse('CURFEW_SELF_APPROVAL');
  if (!request.asked.includes(by.principalId)) return refuse('CURFEW_NOT_AN_APPROVER');
  if (!isAwaitingApproval(request)) {
    return refuse(request.decision ? 'CURFEW_ALREADY_DECIDED' : 'CURFEW_REQUEST_ENDED');
  }
  if (request.approvals.some((approval) => approval.by.principalId === by.principalId)) {
    return refuse('CURFEW_ALREADY_DECIDED', 'You have approved it already, and one person counts once.');
  }
  if (stage !== request.stage) return refuse('CURFEW_ALREADY_DECIDED', 'This stage of the approval is over.');
  if (!awaitedApprovers(request).some(({ principalId }) => principalId === by.principalId)) {
    return refuse('CURFEW_NOT_AN_APPROVER');
  }
  if (now >= request.approveBy) return refuse('CURFEW_REQUEST_ENDED', 'The time to decide is over.');
  if (command.kind === 'deny')
    return happens({ type: 'access-denied', at: now, stage, by, through, comment, commandId });
  if (duration !== undefined && duration > request.duration) {
    const remedy: Remedy = { kind: 'approve-for-at-most', duration: request.duration };
    return { refusal: { code: 'CURFEW_DURATION_TOO_LONG', path: '/duration', remedy } };
  }
  if (duration !== undefined && !(duration >= 1000 && Number.isSafeInteger(duration))) {
    const remedy: Remedy = { kind: 'approve-for-at-least', duration: 1000 };
    return { refusal: { code: 'CURFEW_DURATION_INVALID', path: '/duration', remedy } };
  }
  return happens({ type: 'access-approved', at: now, stage, by, through, comment, duration, commandId });
}

function end(request: AccessRequest, command: Extract<PersonCommand, { kind: 'end' }>, now: Instant): Decision {
  const { by, as, reason, commandId } = command;
  if (as === 'requester' && !isAsker(request, by)) return refuse('CURFEW_FORBIDDEN');
  if (isAwaitingGrant(request)) return happens({ type: 'grant-cancelled', at: now, by, as, reason, commandId });
  if (isRevocable(request)) {
    return happens({ type: 'revocation-began', at: now, cause: { kind: 'ended-early', by, as, reason, commandId } });
  }
  if (isEnding(request)) return refuse('CURFEW_ALREADY_ENDING');
  if (isEnded(request)) return refuse('CURFEW_REQUEST_ENDED');
  return refuse('CURFEW_NOT_GRANTED', undefined, { kind: 'withdraw-or-deny' });
}

/** The requester, or the application that asked for them. */
function isAsker({ requester, submittedBy }: AccessRequest, { principalId }: Person): boolean {
  return [requester.principalId, submittedBy?.principalId].includes(principalId);
}

/** Who has answered, is asked already, or asks themselves is not asked. */
function mayBeAsked({ requester, approvers, approvals }: AccessRequest, id: Person['principalId']): boolean {
  return ![requester, ...approvers, ...approvals.map(({ by }) => by)].some(({ principalId }) => principalId === id);
}

/** Milliseconds from the deadline to the last drop, by the targets' clocks; nothing where the deadline wasn't why. */
function lateness(
  { cause, deadline }: RequestIn<'revoking' | 'overdue'>,
  evidence: readonly RevocationEvidence[],
): number | undefined {
  const drops = evidence.flatMap(({ droppedAt }) => (droppedAt === undefined ? [] : [droppedAt]));
  const [first, ...others] = drops;
  if (cause.kind !== 'deadline' || first === undefined) return undefined;
  return millisecondsOf(latest(first, ...others)) - millisecondsOf(deadline);
}

function happens(event: CurfewEvent): Decision {
  return { event };
}

function refuse(code: ErrorCode, detail?: string, remedy?: Remedy): Decision {
  return { refusal: { code, detail, remedy } };
}
