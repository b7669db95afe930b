import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { Audience } from '../../shared/domain/policy.ts';
import type { Recipient } from '../contract.ts';

/** Returns those who read mail: an application does not. */
export function readersIn(recipients: readonly Recipient[]): Recipient[] {
  return recipients.filter((to) => !('mail' in to) || to.mail !== '');
}

/** Returns everybody in it, to be looked up when they are notified: a named person is reached even while the directory is down. */
export function recipientsIn({ people, groups }: Audience): Recipient[] {
  return [...people.map((user) => ({ user })), ...groups.map((group) => ({ group }))];
}

/** Returns who answers for the role: the approvers that were asked, or those that would have been. */
export function ownersOf({ approvers, terms: { stages, breakGlass } }: AccessRequest): Recipient[] {
  const audience = stages.at(-1)?.approvers ?? breakGlass?.review.by;
  return approvers.length > 0 || !audience ? [...approvers] : recipientsIn(audience);
}

/** Returns everybody once who was asked or has answered, but for the one that is named. */
export function othersIn({ approvers, approvals }: AccessRequest, but: string | undefined): Recipient[] {
  const all = [...approvers, ...approvals.map(({ by }) => by)].map((each) => [each.principalId, each] as const);
  return [...new Map(all).values()].filter(({ principalId }) => principalId !== but);
}
