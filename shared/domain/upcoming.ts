import type { AccessRequest } from './access-request.ts';
import type { RequestId } from './ids.ts';
import type { Entitlement, Person } from './policy.ts';
import { type Instant, plus } from './time.ts';
import { timeline } from './timeline.ts';

/** What the deadline scheduler has to know of a request that begins or ends soon. */
export interface Upcoming {
  readonly id: RequestId;
  /** `start`: a booked grant begins. `end`: a grant has its deadline. */
  readonly kind: 'start' | 'end';
  readonly at: Instant;
  /** The grant is intended and perhaps under way: a claim now would be in its way. */
  readonly isIntended?: true | undefined;
  readonly principal: Pick<Person, 'principalId' | 'userPrincipalName' | 'clientId'>;
  readonly entitlements: readonly Entitlement[];
}

/** Returns what comes next for the request, or undefined where nothing is to be scheduled. */
export function upcomingOf(request: AccessRequest): Upcoming | undefined {
  const { id, state, deadline, terms, requester, revocation } = request;
  const { principalId, userPrincipalName, clientId } = requester;
  const { entitlements, startsAt } = terms;
  const common = { id, principal: { principalId, userPrincipalName, clientId }, entitlements };
  if (!revocation.isScheduled) return undefined;
  if (state === 'scheduled' && startsAt !== undefined) return { ...common, kind: 'start', at: startsAt };
  if (state === 'granting') return { ...common, kind: 'end', at: deadline, isIntended: true };
  if (state === 'granted') return { ...common, kind: 'end', at: deadline };
  return undefined;
}

/** Whether it lies in what a scheduler keeps: what comes later is read from the store in time. */
export function isNear({ at }: Upcoming, now: Instant): boolean {
  return at <= plus(now, timeline.feedAheadMs) && at >= plus(now, -timeline.feedBehindMs);
}
