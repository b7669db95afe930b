import type { AccessRequest } from './domain/access-request.ts';
import type { Person, Terms } from './domain/policy.ts';
import type { History } from './domain/question.ts';
import { holdingStates } from './domain/states.ts';
import type { RequestFilter, RequestStore } from './ports.ts';

type Subject = Pick<Terms, 'targetId' | 'roleId'>;

/** How many grants of the role stand or are booked, of those that `counts` counts. */
export async function countHeld(
  requests: RequestStore,
  { targetId: target, roleId: role }: Subject,
  { principalId }: Person,
  counts: (request: AccessRequest) => boolean = () => true,
): Promise<Pick<History, 'heldByPerson' | 'heldByAll'>> {
  const found = await everyOne(requests, { target, role, states: holdingStates });
  const held = found.filter(counts);
  const own = held.filter(({ requester }) => requester.principalId === principalId);
  return { heldByPerson: own.length, heldByAll: held.length };
}

/** When people approved the role for this person; what a rule approved doesn't count, or it would feed itself. */
export async function approvedAt(
  requests: RequestStore,
  { targetId: target, roleId: role }: Subject,
  { principalId: requester }: Person,
): Promise<History['approvedAt']> {
  const found = await everyOne(requests, { target, role, requester });
  return found.flatMap(({ decision }) => (decision?.outcome === 'approved' && decision.by ? [decision.at] : []));
}

async function everyOne(requests: RequestStore, filter: RequestFilter): Promise<AccessRequest[]> {
  const all: AccessRequest[] = [];
  let after: string | undefined;
  do {
    const page = await requests.list(filter, 100, after);
    all.push(...page.requests);
    after = page.next;
  } while (after !== undefined);
  return all;
}
