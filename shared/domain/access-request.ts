import { assertNever, CurfewError, type ErrorCode } from './errors.ts';
import type { Capacity, CurfewEvent, GrantEvidence, RevocationCause, RevocationEvidence } from './events.ts';
import type { CommandId, RequestId } from './ids.ts';
import type { Person, Terms } from './policy.ts';
import type { Instant } from './time.ts';

export const openStates = ['waiting-for-approval', 'scheduled', 'granting', 'granted', 'revoking', 'overdue'] as const;
export const endedStates = ['denied', 'withdrawn', 'timed-out', 'failed', 'expired', 'revoked'] as const;
export const states = [...openStates, ...endedStates] as const;
export type State = (typeof states)[number];

/** The whole story of one asking, as its events tell it. */
export interface AccessRequest {
  readonly id: RequestId;
  readonly state: State;
  /** How many events this is made of. */
  readonly version: number;
  readonly requester: Person;
  readonly reason: string;
  readonly terms: Terms;
  readonly approvers: readonly Person[];
  readonly submittedAt: Instant;
  readonly changedAt: Instant;
  readonly decision?:
    | {
        readonly outcome: 'approved' | 'denied';
        readonly by: Person;
        readonly comment: string;
        readonly at: Instant;
        readonly commandId: CommandId;
      }
    | undefined;
  /** When the access ends. Set before the target is touched, and never moved. */
  readonly deadline?: Instant | undefined;
  readonly granted?: { readonly at: Instant; readonly evidence: readonly GrantEvidence[] } | undefined;
  /** Why it is ending, or ended, other than by a decision. */
  readonly cause?: RevocationCause | undefined;
  /** Who withdrew or cancelled it before anything was granted. */
  readonly calledOff?:
    | { readonly by: Person; readonly as: Capacity; readonly at: Instant; readonly commandId: CommandId }
    | undefined;
  readonly delay?: { readonly attempt: number; readonly code: ErrorCode; readonly at: Instant } | undefined;
  readonly revoked?:
    | { readonly at: Instant; readonly evidence: readonly RevocationEvidence[]; readonly lateness?: number | undefined }
    | undefined;
  readonly failure?: ErrorCode | undefined;
}

export function isEnded(state: State): boolean {
  return (endedStates as readonly State[]).includes(state);
}

/** The command that brought about what the request has become, if it was this one. */
export function isOutcomeOf(request: AccessRequest, commandId: CommandId): boolean {
  const { decision, calledOff, cause } = request;
  return [
    decision?.commandId,
    calledOff?.commandId,
    cause?.kind === 'ended-early' ? cause.commandId : undefined,
  ].includes(commandId);
}

/** What a request becomes by an event. It obeys: whether the event may happen was `decide`'s question. */
export function evolve(request: AccessRequest | undefined, id: RequestId, event: CurfewEvent): AccessRequest {
  if (event.type === 'access-requested') {
    const { requester, reason, terms, approvers, at } = event;
    return {
      id,
      state: 'waiting-for-approval',
      version: 1,
      requester,
      reason,
      terms,
      approvers,
      submittedAt: at,
      changedAt: at,
    };
  }
  if (!request) throw new CurfewError('CURFEW_INTERNAL', { detail: 'A story begins with access-requested.' });
  const next = { ...request, version: request.version + 1, changedAt: event.at };
  switch (event.type) {
    case 'access-approved': {
      const { by, comment, at, commandId } = event;
      const { startsAt } = request.terms;
      const state = startsAt !== undefined && startsAt > at ? 'scheduled' : 'granting';
      return { ...next, state, decision: { outcome: 'approved', by, comment, at, commandId } };
    }
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
      return { ...next, state: 'granting', deadline: event.deadline };
    case 'access-granted':
      return { ...next, state: 'granted', granted: { at: event.at, evidence: event.evidence } };
    case 'revocation-began':
      return { ...next, state: 'revoking', cause: event.cause };
    case 'revocation-delayed':
      return { ...next, state: 'overdue', delay: { attempt: event.attempt, code: event.code, at: event.at } };
    case 'access-revoked': {
      const { at, evidence, lateness } = event;
      const { cause } = request;
      const revoked = { at, evidence, lateness };
      if (cause?.kind === 'grant-failed') return { ...next, state: 'failed', revoked, failure: cause.code };
      return { ...next, state: cause?.kind === 'ended-early' ? 'revoked' : 'expired', revoked };
    }
    default:
      return assertNever(event);
  }
}
