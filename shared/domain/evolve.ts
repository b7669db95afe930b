import type { AccessRequest, Decision, RequestIn } from './access-request.ts';
import { missingApprovals } from './access-request.ts';
import { assertNever, CurfewError } from './errors.ts';
import { approveByOf } from './evaluate.ts';
import type { CurfewEvent, RecordedEvent } from './events.ts';
import type { RequestId } from './ids.ts';
import type { Person } from './policy.ts';
import {
  isAwaitingApproval,
  isAwaitingGrant,
  isEnded,
  isEnding,
  isExtending,
  isGranted,
  isGranting,
  isRevocable,
  mayBeRefused,
  mayBeWithdrawn,
  type State,
  type StatePredicate,
} from './states.ts';
import { earliest, type Instant, plus } from './time.ts';

/**
 * Returns what a request becomes by an event. Fails with CURFEW_INTERNAL where the event cannot follow the request's state. What
 * `decide` chooses always can, so only a chain that was tampered with fails here. Readers of chains from the store expect that: the
 * reconciler takes away what the request may hold and alerts, no extension is applied, and no card is posted.
 */
export function evolve(request: AccessRequest | undefined, id: RequestId, event: CurfewEvent): AccessRequest {
  const impossible = (): CurfewError =>
    new CurfewError('CURFEW_INTERNAL', { detail: `${event.type} does not follow ${request?.state ?? 'nothing'}.` });
  if (event.type === 'access-requested') {
    if (request) throw impossible();
    return submitted(id, event);
  }
  /** The request as it was, in one of the states that the event can follow. */
  const from = <Of extends State>(follows: StatePredicate<Of>): RequestIn<Of> => {
    if (!request || !follows(request)) throw impossible();
    return { ...request, version: request.version + 1, changedAt: event.at };
  };
  switch (event.type) {
    case 'stage-began': {
      const waiting = from(isAwaitingApproval);
      return { ...waiting, ...asking(waiting, event.approvers) };
    }
    case 'approval-escalated': {
      const waiting = from(isAwaitingApproval);
      return { ...waiting, ...asking(waiting, [...waiting.approvers, ...event.approvers]) };
    }
    case 'access-approved':
      return approved(from(isAwaitingApproval), event);
    case 'access-approved-automatically': {
      const { at, rule } = event;
      const waiting = from(isAwaitingApproval);
      const decision: Decision = { outcome: 'approved', rule, comment: '', at };
      return { ...waiting, state: stateOnceApproved(waiting, at), decision };
    }
    case 'glass-broken': {
      const waiting = from(isAwaitingApproval);
      return { ...waiting, state: stateOnceApproved(waiting, event.at), review: 'owed' };
    }
    case 'access-denied': {
      const { by, comment, at, commandId } = event;
      const decision: Decision = { outcome: 'denied', by, comment, at, commandId };
      return { ...from(isAwaitingApproval), state: 'denied', decision };
    }
    case 'request-withdrawn': {
      const { by, at, commandId } = event;
      return { ...from(mayBeWithdrawn), state: 'withdrawn', calledOff: { by, as: 'requester', at, commandId } };
    }
    case 'approval-timed-out':
      return { ...from(isAwaitingApproval), state: 'timed-out' };
    case 'grant-cancelled': {
      const { by, as, at, commandId } = event;
      return { ...from(isAwaitingGrant), state: 'revoked', calledOff: { by, as, at, commandId } };
    }
    case 'grant-refused':
      return { ...from(mayBeRefused), state: 'failed', failure: event.code };
    case 'grant-intended': {
      const awaiting = from(isAwaitingGrant);
      const { deadline } = event;
      return { ...awaiting, state: 'granting', beganAt: plus(deadline, -awaiting.duration), deadline };
    }
    case 'access-granted':
      return { ...from(isGranting), state: 'granted', granted: { at: event.at, evidence: event.evidence } };
    case 'deadline-moved': {
      const { extension, deadline, at } = event;
      const granted = from(isGranted);
      return { ...granted, deadline, extensions: [...granted.extensions, { extension, deadline, at }] };
    }
    case 'extension-applied':
      return { ...from(isExtending), state: 'extended', movedTo: event.deadline };
    case 'revocation-began': {
      const standing = from(isRevocable);
      // A grant may be given up long after its deadline.
      const endsSince = earliest(event.at, standing.deadline);
      return { ...standing, state: 'revoking', cause: event.cause, endsSince };
    }
    case 'revocation-delayed': {
      const { attempt, code, at } = event;
      return { ...from(isEnding), state: 'overdue', delay: { attempt, code, at } };
    }
    case 'access-revoked': {
      const { at, evidence, lateness } = event;
      const over = { ...from(isEnding), revoked: { at, evidence, lateness } };
      const { cause } = over;
      if (cause.kind === 'grant-failed') return { ...over, state: 'failed', failure: cause.code };
      return { ...over, state: cause.kind === 'ended-early' ? 'revoked' : 'expired' };
    }
    case 'access-reviewed': {
      const { by, comment, at, commandId } = event;
      const ended = from(isEnded);
      if (ended.review !== 'owed') throw impossible();
      return { ...ended, review: { by, comment, at, commandId } };
    }
    default:
      return assertNever(event);
  }
}

/** What a chain adds up to; undefined for an empty one. Fails as `evolve` does. */
export function requestFrom(id: RequestId, chain: readonly RecordedEvent[]): AccessRequest | undefined {
  return chain.reduce<AccessRequest | undefined>((before, { event }) => evolve(before, id, event), undefined);
}

type Event<Type extends CurfewEvent['type']> = Extract<CurfewEvent, { type: Type }>;
type Waiting = RequestIn<'waiting-for-approval'>;

function submitted(id: RequestId, event: Event<'access-requested'>): Waiting {
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

/** One yes more: the next stage begins where the quorum is reached, and the approval is complete with the last one. */
function approved(waiting: Waiting, event: Event<'access-approved'>): AccessRequest {
  const { stage, by, through, comment, at, commandId } = event;
  const after = {
    ...waiting,
    approvals: [...waiting.approvals, { stage, by, through, comment, at, commandId }],
    duration: Math.min(waiting.duration, event.duration ?? waiting.duration),
  };
  if (missingApprovals(after) > 0) return after;
  const following = stage + 1;
  if (following < waiting.terms.stages.length) {
    const approveBy = approveByOf(waiting.terms, following, at);
    return { ...after, stage: following, stageBegan: at, approveBy, approvers: [] };
  }
  const decision: Decision = { outcome: 'approved', by, comment, at, commandId };
  return { ...after, state: stateOnceApproved(waiting, at), decision };
}

/** An extension has no start of its own. */
function stateOnceApproved(waiting: Waiting, at: Instant): 'scheduled' | 'approved' | 'extending' {
  if (waiting.extends !== undefined) return 'extending';
  const { startsAt } = waiting.terms;
  return startsAt !== undefined && startsAt > at ? 'scheduled' : 'approved';
}

function asking({ asked }: Waiting, approvers: readonly Person[]): Pick<Waiting, 'approvers' | 'asked'> {
  return { approvers, asked: [...new Set([...asked, ...approvers.map(({ principalId }) => principalId)])] };
}
