import { type AccessRequest, isEnded } from './access-request.ts';
import { assertNever, type ErrorCode, type Refusal } from './errors.ts';
import type { Capacity, CurfewEvent, GrantEvidence, RevocationEvidence } from './events.ts';
import type { CommandId } from './ids.ts';
import type { Person } from './policy.ts';
import { type Instant, latest, millisecondsOf, plus } from './time.ts';

/** What people may want of a request that exists. */
export type PersonCommand =
  | { readonly kind: 'approve' | 'deny'; readonly commandId: CommandId; readonly by: Person; readonly comment: string }
  | { readonly kind: 'withdraw'; readonly commandId: CommandId; readonly by: Person }
  | {
      readonly kind: 'end';
      readonly commandId: CommandId;
      readonly by: Person;
      readonly as: Capacity;
      readonly reason: string;
    };

/**
 * Whether it has the form of a person's command. The orchestration gets them as events, as which anything may come: a
 * command of its own, that nobody may give from outside, or one that it can't read and that must not end it.
 */
export function isPersonCommand(value: unknown): value is PersonCommand {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, commandId, by, comment, as, reason } = value as { readonly [key: string]: unknown };
  const isPerson = typeof by === 'object' && by !== null && 'principalId' in by;
  if (!isPerson || typeof commandId !== 'string') return false;
  if (kind === 'end') return typeof as === 'string' && typeof reason === 'string';
  return kind === 'withdraw' || ((kind === 'approve' || kind === 'deny') && typeof comment === 'string');
}

/** What the orchestration finds out as it goes. */
export type StoryCommand =
  | { readonly kind: 'time-out' }
  | { readonly kind: 'begin-grant' }
  | { readonly kind: 'refuse-grant'; readonly code: ErrorCode }
  | { readonly kind: 'confirm-grant'; readonly evidence: readonly GrantEvidence[] }
  | { readonly kind: 'abandon-grant'; readonly code: ErrorCode }
  | { readonly kind: 'expire' }
  | { readonly kind: 'delay-revocation'; readonly attempt: number; readonly code: ErrorCode }
  | { readonly kind: 'confirm-revocation'; readonly evidence: readonly RevocationEvidence[] };

export type Command = PersonCommand | StoryCommand;
export type Decision = { readonly event: CurfewEvent } | { readonly refusal: Refusal };

/**
 * The only place where a transition is chosen: what happens to `request` by `command` at the instant `now`, or why
 * nothing does. Pure. That `by` is who they say, and is still allowed by the directory, was found out before.
 */
export function decide(request: AccessRequest, command: Command, now: Instant): Decision {
  const { state } = request;
  switch (command.kind) {
    case 'approve':
    case 'deny': {
      const { by, comment, commandId } = command;
      if (by.principalId === request.requester.principalId) return refuse('CURFEW_SELF_APPROVAL');
      if (!request.approvers.some(({ principalId }) => principalId === by.principalId))
        return refuse('CURFEW_NOT_AN_APPROVER');
      if (state !== 'waiting-for-approval')
        return refuse(request.decision ? 'CURFEW_ALREADY_DECIDED' : 'CURFEW_REQUEST_ENDED');
      if (now >= request.terms.approveBy) return refuse('CURFEW_REQUEST_ENDED', 'The time to decide is over.');
      return happens({
        type: command.kind === 'approve' ? 'access-approved' : 'access-denied',
        at: now,
        by,
        comment,
        commandId,
      });
    }
    case 'withdraw':
      if (command.by.principalId !== request.requester.principalId) return refuse('CURFEW_FORBIDDEN');
      if (state === 'waiting-for-approval' || isAboutToBeGranted(request)) {
        return happens({ type: 'request-withdrawn', at: now, by: command.by, commandId: command.commandId });
      }
      if (isEnded(state)) return refuse('CURFEW_REQUEST_ENDED');
      return refuse('CURFEW_ALREADY_DECIDED', undefined, 'End the access with POST …/revoke.');
    case 'end': {
      const { by, as, reason, commandId } = command;
      if (as === 'requester' && by.principalId !== request.requester.principalId) return refuse('CURFEW_FORBIDDEN');
      if (isAboutToBeGranted(request)) return happens({ type: 'grant-cancelled', at: now, by, as, reason, commandId });
      if (state === 'granted' || isBeingGranted(request)) {
        return happens({
          type: 'revocation-began',
          at: now,
          cause: { kind: 'ended-early', by, as, reason, commandId },
        });
      }
      if (state === 'revoking' || state === 'overdue') return refuse('CURFEW_ALREADY_ENDING');
      if (isEnded(state)) return refuse('CURFEW_REQUEST_ENDED');
      return refuse('CURFEW_NOT_GRANTED', undefined, 'Withdraw or deny the request instead, or try again in a moment.');
    }
    case 'time-out':
      if (state !== 'waiting-for-approval') return refuse('CURFEW_ALREADY_DECIDED');
      if (now < request.terms.approveBy) return refuse('CURFEW_NOT_DUE');
      return happens({ type: 'approval-timed-out', at: now });
    case 'begin-grant': {
      if (!isAboutToBeGranted(request)) return refuse('CURFEW_REQUEST_ENDED');
      const { startsAt, duration } = request.terms;
      if (startsAt !== undefined && now < startsAt) return refuse('CURFEW_NOT_DUE');
      // A booked window ends when it was booked to, however late its approval or its timer came.
      return happens({ type: 'grant-intended', at: now, deadline: plus(startsAt ?? now, duration) });
    }
    case 'refuse-grant':
      if (!isAboutToBeGranted(request)) return refuse('CURFEW_REQUEST_ENDED');
      return happens({ type: 'grant-refused', at: now, code: command.code });
    case 'confirm-grant':
      if (!isBeingGranted(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'access-granted', at: now, evidence: command.evidence });
    case 'abandon-grant':
      if (!isBeingGranted(request)) return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'revocation-began', at: now, cause: { kind: 'grant-failed', code: command.code } });
    case 'expire':
      if (state !== 'granted' && !isBeingGranted(request)) return refuse('CURFEW_NOT_GRANTED');
      if (request.deadline === undefined || now < request.deadline) return refuse('CURFEW_NOT_DUE');
      return happens({ type: 'revocation-began', at: now, cause: { kind: 'deadline' } });
    case 'delay-revocation':
      if (state !== 'revoking' && state !== 'overdue') return refuse('CURFEW_NOT_GRANTED');
      return happens({ type: 'revocation-delayed', at: now, attempt: command.attempt, code: command.code });
    case 'confirm-revocation':
      if (state !== 'revoking' && state !== 'overdue') return refuse('CURFEW_NOT_GRANTED');
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

function isAboutToBeGranted({ state, deadline }: AccessRequest): boolean {
  return (state === 'scheduled' || state === 'granting') && deadline === undefined;
}

function isBeingGranted({ state, deadline }: AccessRequest): boolean {
  return state === 'granting' && deadline !== undefined;
}

/** Milliseconds from the deadline to the last drop, by the targets' clocks; nothing where the deadline wasn't why. */
function lateness(request: AccessRequest, evidence: readonly RevocationEvidence[]): number | undefined {
  const drops = evidence.flatMap(({ droppedAt }) => (droppedAt === undefined ? [] : [droppedAt]));
  const [first, ...others] = drops;
  if (request.cause?.kind !== 'deadline' || request.deadline === undefined || first === undefined) return undefined;
  return millisecondsOf(latest(first, ...others)) - millisecondsOf(request.deadline);
}

function happens(event: CurfewEvent): Decision {
  return { event };
}

function refuse(code: ErrorCode, detail?: string, wayOut?: string): Decision {
  return { refusal: { code, detail, wayOut } };
}
