import { stageOf } from '../../shared/domain/access-request.ts';
import { peopleIn } from '../../shared/eligibility.ts';
import type { Activity } from './index.ts';

/** Who is to be asked, as the directory has it at this moment. */
export const findApprovers: Activity<'findApprovers'> = async ({ directory }, { request, of }) => {
  const stage = stageOf(request);
  const approvers = of === 'stage' ? stage?.approvers : stage?.escalation?.to;
  return approvers ? peopleIn(directory, approvers, request.requester) : [];
};
