import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { requestFrom } from '../../shared/domain/evolve.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { isEnded } from '../../shared/domain/states.ts';
import type { NotificationGroup, NotificationKind, OrchestratorInput, Recipient } from '../contract.ts';
import { readersIn, recipientsIn } from './recipients.ts';

/**
 * Returns what to start an orchestration with, so that the lifecycle goes on where the events end; undefined where they can't be
 * trusted. `version` is how many there are, as the projection says: a chain can't show that its end was cut off.
 */
export function inputFrom(
  id: RequestId,
  events: readonly RecordedEvent[],
  version: number,
): OrchestratorInput | undefined {
  const [first] = events;
  const last = events.at(-1);
  if (!first || !last || verifyChain(id, events) || events.length < version) return undefined;
  if (first.event.type !== 'access-requested') return undefined;
  // Every later event was recorded by its orchestration: so there never was one.
  if (events.length === 1) return { first };
  const request = requestFrom(id, events);
  if (!request) return undefined;
  const isHeld = isEnded(request) && request.deadline !== undefined;
  const outbox = {
    // Recorded once more, which changes nothing but a projection that was left behind.
    events: [last],
    groups: [notificationsOf(request)],
    cleanUp: isHeld ? {} : undefined,
  };
  return { first, resumed: { request, last, outbox, attempts: request.delay?.attempt ?? 0 } };
}

/** What must have been sent by now, and nobody knows whether it was. Approvers are asked anew by the lifecycle itself. */
function notificationsOf(request: AccessRequest): NotificationGroup {
  const { state, review, requester, terms } = request;
  const group = (kind: NotificationKind, recipients: readonly Recipient[]) => ({
    request,
    notifications: readersIn(recipients).map((to) => ({ kind, to })),
  });
  const { breakGlass } = terms;
  const isOwed = breakGlass && review === 'owed';
  if (isEnded(state)) {
    if (isOwed) return group('review-owed', recipientsIn(breakGlass.review.by));
    return group('ended', state === 'denied' || state === 'withdrawn' ? [] : [requester]);
  }
  if (!breakGlass || review === undefined) return group('glass-broken', []);
  return group('glass-broken', [...recipientsIn(breakGlass.tell), ...recipientsIn(breakGlass.review.by)]);
}
