import { CurfewError } from '../../shared/domain/errors.ts';
import { isStillIn } from '../../shared/eligibility.ts';
import type { Activity } from './index.ts';

/** Whether, at this moment, the requester may still ask and the approver may still decide. */
export const checkEligibility: Activity<'checkEligibility'> = async ({ directory }, { request }) => {
  const { requester, decision, terms } = request;
  if (!(await isStillIn(directory, terms.requesters, requester))) throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE');
  if (!decision || !(await isStillIn(directory, terms.approvers, decision.by)))
    throw new CurfewError('CURFEW_NOT_AN_APPROVER');
  return null;
};
