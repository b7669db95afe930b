import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { plus } from '../../shared/domain/time.ts';
import { isStillIn, mayStillDecide } from '../../shared/eligibility.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Activity, ActivityDependencies } from './index.ts';

/** How long whoever broke the glass waits for a directory that does not answer. Milliseconds. */
const emergencyPatience = 2_000;

/** Whether, at this moment, the requester may still ask and everybody who approved may still decide. */
export const checkEligibility: Activity<'checkEligibility'> = async (dependencies, { request }) => {
  const { directory } = dependencies;
  const { requester, approvals, terms } = request;
  if (terms.breakGlass) return checkAccount(dependencies, request);
  if (!(await isStillIn(directory, terms.requesters, requester))) throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
  const { automatic } = terms;
  if (automatic?.requesters && !(await isStillIn(directory, automatic.requesters, requester))) {
    throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
  }
  for (const { by, stage } of approvals) {
    const isAllowed = await mayStillDecide(directory, terms.stages[stage], by, requester);
    if (!isAllowed) throw new CurfewError('CURFEW_NOT_AN_APPROVER');
  }
  return null;
};

/** The policy itself names them. A directory that answers may still say that the account is off; one that is down is not waited for. */
async function checkAccount({ directory, clock }: ActivityDependencies, { requester }: AccessRequest): Promise<null> {
  const asking = directory.person(requester.principalId);
  const account = await withTimeout(
    clock,
    plus(clock.now(), emergencyPatience),
    asking,
    'CURFEW_TARGET_UNAVAILABLE',
  ).catch(() => requester);
  if (!account) throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
  return null;
}
