import { whatIsAgainst } from './automatic-approval.ts';
import { type Facts, firstObjection, type Objection, objectionOf, type PolicyRefusal } from './checks.ts';
import { defaultDuration, joinDemands, nameOfRole } from './demands.ts';
import {
  type AutomaticApproval,
  isInAudience,
  mayBreakGlass,
  type Policy,
  type Role,
  type Target,
  type Terms,
} from './policy.ts';
import type { Question, RuleFinding } from './question.ts';
import type { Remedy } from './remedies.ts';
import { type Instant, latest, millisecondsOf, plus } from './time.ts';

/** What one rule had to say: a sentence about itself, or the remedy for what it refuses. */
export type Finding = RuleFinding | { readonly rule: string; readonly outcome: 'refuses'; readonly remedy: Remedy };

export type Evaluation =
  | { readonly explanation: readonly RuleFinding[]; readonly terms: Terms }
  | { readonly explanation: readonly Finding[]; readonly refusal: PolicyRefusal };

interface Offer {
  readonly target: Target;
  readonly role: Role;
}

/**
 * The one place where a policy is applied: previews and real requests both come through here. An unknown role and one
 * that is not for this person are refused alike, so that nobody learns from the answer what exists.
 */
export function evaluatePolicy(policy: Policy, question: Question, now: Instant): Evaluation {
  const offer = findOffer(policy, question);
  if ('refusal' in offer) return refused([], offer, 'targets');
  const { target, role } = offer;
  const own = nameOfRole(target, role);
  const duration = question.duration ?? defaultDuration(policy, target, role, question);
  const whole = duration + (question.already ?? 0);
  const { demands, findings } = joinDemands(policy, target, role, { ...question, duration: whole });
  const ahead = question.startsAt === undefined ? 0 : millisecondsOf(question.startsAt) - millisecondsOf(now);
  const emergency = question.breakGlass ? role.breakGlass : undefined;
  const facts: Facts = { policy, target, role, question, demands, emergency, duration, ahead };

  const objection = firstObjection(facts);
  if (objection) return refused(findings, objection, own);

  const startsAt = ahead > 0 ? question.startsAt : undefined;
  const approval =
    demands.automaticApproval && !emergency
      ? findAutomatic(role, { ...question, duration: whole, startsAt }, now)
      : { automatic: undefined, findings: [] };
  const explanation = [...findings, ...approval.findings];
  // The role's own stages: a rule that adds one must not open what nobody could approve.
  if (role.demands.stages.length === 0 && !approval.automatic && !emergency) {
    return refused(explanation, objectionOf('CURFEW_NO_APPROVER', '/role', { kind: 'name-approvers' }), own);
  }
  return { explanation, terms: termsOf(facts, startsAt, approval.automatic, explanation) };
}

function refused(findings: readonly RuleFinding[], { rule, refusal }: Objection, own: string): Evaluation {
  const { remedy } = refusal;
  return { explanation: [...findings, { rule: rule ?? own, outcome: 'refuses', remedy }], refusal };
}

/** Finds the role, if it is for this person in the way that they ask. */
function findOffer(policy: Policy, question: Question): Offer | Objection {
  const target = policy.targets.find(
    ({ id, roles }) => id === question.target && roles.some((each) => isOpen(each, question)),
  );
  if (!target) return objectionOf('CURFEW_NO_SUCH_ROLE', '/target', { kind: 'see-targets' });
  const role = target.roles.find((each) => each.id === question.role && isOpen(each, question));
  if (!role) return objectionOf('CURFEW_NO_SUCH_ROLE', '/role', { kind: 'see-targets' });
  if (question.breakGlass && !mayBreakGlass(role, question.requester)) {
    const remedy: Remedy = { kind: 'leave-out-break-glass' };
    return objectionOf('CURFEW_BREAK_GLASS_REFUSED', '/breakGlass', remedy, nameOfRole(target, role));
  }
  return { target, role };
}

/** Who breaks the glass need not be among the requesters. */
function isOpen(role: Role, { requester, groups, breakGlass }: Question): boolean {
  if (breakGlass && mayBreakGlass(role, requester)) return true;
  return isInAudience(role.requesters, requester, groups === 'unknown' ? [] : groups);
}

/** Finds the first automatic approval whose conditions hold, and what was found of those up to it. */
function findAutomatic(
  role: Role,
  question: Question & { readonly duration: number },
  now: Instant,
): { readonly automatic: AutomaticApproval | undefined; readonly findings: readonly RuleFinding[] } {
  const { requester, duration, history } = question;
  const groups = question.groups === 'unknown' ? [] : question.groups;
  const start = latest(now, question.startsAt);
  const circumstances = { requester, groups, start, duration, approvedAt: history.approvedAt, now };
  const tried = role.automaticApprovals.map((approval) => ({
    approval,
    against: whatIsAgainst(approval, circumstances),
  }));
  const holding = tried.findIndex(({ against }) => against.length === 0);
  const findings = (holding < 0 ? tried : tried.slice(0, holding + 1)).map(
    ({ approval: { name: rule }, against }): RuleFinding =>
      against.length === 0
        ? { rule, outcome: 'applies', sentence: 'It approves without anybody asked.' }
        : { rule, outcome: 'does not apply', sentence: `Automatic approval is not given: ${against.join('; ')}.` },
  );
  return { automatic: tried[holding]?.approval, findings };
}

/** Pins what the policy says now, by which the request is judged from here on. */
function termsOf(
  { policy, target, role, demands, emergency, duration }: Facts,
  startsAt: Instant | undefined,
  automatic: AutomaticApproval | undefined,
  explanation: readonly RuleFinding[],
): Terms {
  return {
    policyDigest: policy.digest,
    targetId: target.id,
    roleId: role.id,
    roleDescription: role.description,
    entitlements: role.entitlements,
    resourceId: target.resourceId,
    requesters: role.requesters,
    duration,
    startsAt,
    stages: demands.stages,
    // A link alone says nothing about how its holder signed in.
    signIn: demands.signIn || demands.decidingNeeds.length > 0,
    decidingNeeds: demands.decidingNeeds,
    limits: demands.limits,
    extension: emergency ? { times: 0, total: 0 } : demands.extension,
    rules: explanation.flatMap(({ rule, outcome, sentence }) => (outcome === 'applies' ? [{ rule, sentence }] : [])),
    automatic: automatic && { name: automatic.name, requesters: automatic.requesters },
    breakGlass: emergency && { people: emergency.people, tell: emergency.tell, review: emergency.review },
  };
}

/** By when the stage that begins at `began` has to be decided: an answer after the window asked for would be of no use. */
export function approveByOf({ stages, startsAt, duration }: Terms, stage: number, began: Instant): Instant {
  const end = plus(began, stages[stage]?.timeOut ?? 0);
  const useless = startsAt === undefined ? end : plus(startsAt, duration);
  return useless < end ? useless : end;
}
