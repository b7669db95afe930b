import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { requestFrom } from '../shared/domain/evolve.ts';
import { verifyChain } from '../shared/domain/hash-chain.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import { isEnded } from '../shared/domain/states.ts';
import type { Instant } from '../shared/domain/time.ts';
import type { Notice, OrchestratorInput, Recipient } from './names.ts';
import { readersIn, recipientsIn } from './story.ts';

/**
 * What to start an orchestration with, so that it goes on where the events end; or undefined where they can't be trusted.
 * `version` is how many there are, as the projection says: a chain can't show that its end was cut off.
 */
export function inputFrom(
  id: RequestId,
  events: readonly RecordedEvent[],
  version: number,
  now: Instant,
): OrchestratorInput | undefined {
  const [first] = events;
  const last = events.at(-1);
  if (!first || !last || verifyChain(id, events) || events.length < version) return undefined;
  if (first.event.type !== 'access-requested') return undefined;
  // Every later event was written by its orchestration: so there never was one.
  if (events.length === 1) return { first };
  const request = requestFrom(id, events);
  if (!request) return undefined;
  const resumed = {
    request,
    last,
    // Written once more, which changes nothing but a projection that was left behind.
    unwritten: [last],
    notices: noticesOf(request, now),
    releaseDue: isEnded(request.state) && request.deadline !== undefined ? now : undefined,
    attempts: request.delay?.attempt ?? 0,
  };
  return { first, resumed };
}

/** What must have been told by now, and nobody knows whether it was. Approvers are asked anew by the story itself. */
function noticesOf(request: AccessRequest, now: Instant): Notice[] {
  const { state, review, requester, terms } = request;
  const notice = (kind: Notice['input']['kind'], recipients: readonly Recipient[]) =>
    readersIn(recipients).map((to) => ({ input: { kind, to, request }, attempts: 0, due: now }));
  const { breakGlass } = terms;
  if (isEnded(state)) {
    if (breakGlass && review === 'owed') return notice('review-owed', recipientsIn(breakGlass.review.by));
    return state === 'denied' || state === 'withdrawn' ? [] : notice('ended', [requester]);
  }
  if (!breakGlass || review === undefined) return [];
  return [
    ...notice('glass-broken', recipientsIn(breakGlass.tell)),
    ...notice('glass-broken', recipientsIn(breakGlass.review.by)),
  ];
}
