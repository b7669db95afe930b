import type { Caller } from '../shared/adapters/entra/tokens.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { evaluatePolicy } from '../shared/domain/evaluate.ts';
import type { PrincipalId, RoleId, TargetId } from '../shared/domain/ids.ts';
import { type Person, type Policy, requesterGroups, type Stage, type Terms } from '../shared/domain/policy.ts';
import type { History, Question, RuleFinding } from '../shared/domain/question.ts';
import { canBeFilled } from '../shared/domain/quorum.ts';
import { peopleIn } from '../shared/eligibility.ts';
import { approvedAt, countHeld } from '../shared/history.ts';
import type { Service } from './service.ts';

export type Asked = Pick<
  Question,
  'target' | 'role' | 'reason' | 'ticket' | 'duration' | 'startsAt' | 'breakGlass' | 'already'
>;

export interface Applied {
  readonly terms: Terms;
  /** Who is asked first. */
  readonly approvers: readonly Person[];
  readonly explanation: readonly RuleFinding[];
}

/** What the policy gives to this person at this moment, or its refusal. Previews and real requests both come through here. */
export async function applyPolicy(service: Service, caller: Caller, requester: Person, asked: Asked): Promise<Applied> {
  const policy = service.policy();
  const [groups, history] = await Promise.all([
    groupsOf(service, policy, requester, asked),
    historyOf(service, policy, requester, asked),
  ]);
  const { authentication } = caller;
  const evaluation = evaluatePolicy(
    policy,
    { ...asked, requester, groups, authentication, history },
    service.clock.now(),
  );
  if ('refusal' in evaluation) throw new CurfewError(evaluation.refusal.code, evaluation.refusal);
  const { terms, explanation } = evaluation;
  const isUnasked = terms.automatic !== undefined || terms.breakGlass !== undefined;
  return { terms, explanation, approvers: isUnasked ? [] : await findApprovers(service, terms.stages, requester) };
}

/** Whoever breaks the glass does so while the directory is down as well. */
async function groupsOf({ directory }: Service, policy: Policy, requester: Person, { breakGlass }: Asked) {
  const asking = directory.memberGroups(requester, requesterGroups(policy));
  return breakGlass ? asking.catch(() => 'unknown' as const) : asking;
}

/** Asked for only where the policy has limits, or approves by what was approved before. */
async function historyOf({ requests }: Service, policy: Policy, requester: Person, asked: Asked): Promise<History> {
  const role = policy.targets.find(({ id }) => id === asked.target)?.roles.find(({ id }) => id === asked.role);
  if (!role) return { heldByPerson: 0, heldByAll: 0, approvedAt: [] };
  const subject = { targetId: asked.target as TargetId, roleId: asked.role as RoleId };
  const hasLimits = [role, ...policy.rules].some(
    ({ demands: { limits } }) => limits !== undefined && (limits.perPerson ?? limits.perRole) !== null,
  );
  const looksBack = role.automaticApprovals.some(({ approvedBefore }) => approvedBefore !== undefined);
  const [held, approved] = await Promise.all([
    hasLimits ? countHeld(requests, subject, requester) : { heldByPerson: 0, heldByAll: 0 },
    looksBack ? approvedAt(requests, subject, requester) : [],
  ]);
  return { ...held, approvedAt: approved };
}

/** Who is asked first, if every stage can have its quorum of people who count once each. */
async function findApprovers({ directory }: Service, stages: readonly Stage[], requester: Person): Promise<Person[]> {
  const others = (people: readonly Person[]) =>
    people.filter(({ principalId }) => principalId !== requester.principalId);
  const found = await Promise.all(
    stages.map(async ({ approvers, quorum, escalation }) => {
      const first = others(await peopleIn(directory, approvers, requester));
      const later = escalation ? others(await peopleIn(directory, escalation.to, requester)) : [];
      const candidates: PrincipalId[] = [...new Set([...first, ...later].map(({ principalId }) => principalId))];
      return { first, quorum, candidates };
    }),
  );
  const [stage] = found;
  if (!stage || stage.first.length === 0 || !canBeFilled(found)) {
    throw new CurfewError('CURFEW_NO_APPROVER', { remedy: { kind: 'name-approvers' } });
  }
  return stage.first;
}
