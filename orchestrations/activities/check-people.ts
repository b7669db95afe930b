import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { isStillIn, mayStillDecide } from '../../shared/eligibility.ts';
import { type ActivityDependencies, limited } from './activity.ts';

type Checking = Pick<ActivityDependencies, 'clock' | 'directory'>;

/**
 * Checks that, at this moment, the requester may still ask and every approver may still decide. Fails with
 * CURFEW_REQUESTER_INELIGIBLE, CURFEW_NOT_AN_APPROVER or CURFEW_DIRECTORY_UNAVAILABLE.
 */
export async function checkPeople(dependencies: Checking, request: AccessRequest): Promise<void> {
  const { requester, approvals, terms } = request;
  if (terms.breakGlass) return checkAccount(dependencies, request);
  const { directory } = dependencies;
  await limited(dependencies, 'CURFEW_DIRECTORY_UNAVAILABLE', async () => {
    for (const audience of [terms.requesters, terms.automatic?.requesters]) {
      if (audience && !(await isStillIn(directory, audience, requester))) {
        throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
      }
    }
    for (const { by, stage } of approvals) {
      const isAllowed = await mayStillDecide(directory, terms.stages[stage], by, requester);
      if (!isAllowed) throw new CurfewError('CURFEW_NOT_AN_APPROVER');
    }
  });
}

/** The policy itself names them. A directory that answers may still say that the account is off; one that is down is not waited for. */
async function checkAccount(dependencies: Checking, { requester }: AccessRequest): Promise<void> {
  const { directory, clock } = dependencies;
  const account = await limited(
    dependencies,
    'CURFEW_DIRECTORY_UNAVAILABLE',
    () => directory.person(requester.principalId),
    plus(clock.now(), timeline.emergencyLookupMs),
  ).catch(() => requester);
  if (!account) throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
}
