import { type Demands, isInAudience, type Policy, type Role, type Rule, type Target } from './policy.ts';
import type { Question, RuleFinding } from './question.ts';
import { demandsOf, describeTightening, nothingDemanded, strictest } from './strictest.ts';

/** For whom and for how long the rules are asked. `duration` in milliseconds. */
type Asked = Pick<Question, 'requester' | 'groups'> & { readonly duration: number };

export interface JoinedDemands {
  readonly demands: Demands;
  /** What the role and each rule had to say, in the order of the policy. */
  readonly findings: readonly RuleFinding[];
}

/** Joins what the role asks with what each rule that applies asks beyond it. */
export function joinDemands(policy: Policy, target: Target, role: Role, asked: Asked): JoinedDemands {
  let demands = role.demands;
  const own = sentenceOf(describeTightening(nothingDemanded, demands));
  const findings: RuleFinding[] = [{ rule: nameOfRole(target, role), outcome: 'applies', sentence: own }];
  for (const rule of policy.rules) {
    const isNot = whyNotApplied(rule, target, role, asked);
    if (isNot !== undefined) {
      findings.push({ rule: rule.name, outcome: 'does not apply', sentence: `It is ${isNot}.` });
      continue;
    }
    const joined = strictest(demands, demandsOf(rule));
    const sentence = sentenceOf(describeTightening(demands, joined));
    findings.push({ rule: rule.name, outcome: 'applies', sentence });
    demands = joined;
  }
  return { demands, findings };
}

/** Returns what the role and the rules ask of this person; with the duration left out, for showing what may be asked for. */
export function offeredDemands(
  policy: Policy,
  target: Target,
  role: Role,
  asker: Pick<Question, 'requester' | 'groups'>,
  duration = 0,
): Demands {
  return joinDemands(policy, target, role, { ...asker, duration }).demands;
}

/** Returns the role's default, or the longest multiple of the step that the rules leave of it. Milliseconds. */
export function defaultDuration(policy: Policy, target: Target, role: Role, question: Question): number {
  const { default: wanted, step } = role.duration;
  const { maximum } = joinDemands(policy, target, role, { ...question, duration: wanted }).demands;
  const most = Math.min(wanted, maximum, (question.breakGlass && role.breakGlass?.maximum) || wanted);
  return most - (most % step);
}

/** `reader on orders`, as which the role itself stands in an explanation. */
export function nameOfRole(target: Target, role: Role): string {
  return `${role.id} on ${target.id}`;
}

/** Returns for what else the rule is, in words, or undefined where it applies. */
export function whyNotApplied(
  { when }: Rule,
  target: Target,
  role: Role,
  { requester, groups, duration }: Asked,
): string | undefined {
  if (when.targets && !when.targets.includes(target.id)) return 'for other targets';
  if (when.roles && !when.roles.includes(role.id)) return 'for other roles';
  if (when.longerThan !== undefined && duration <= when.longerThan) return 'for longer access';
  if (!when.requesters) return undefined;
  // While nobody can say in which groups they are, a rule for groups counts as one for them.
  const isMeant =
    groups === 'unknown'
      ? when.requesters.groups.length > 0 || isInAudience(when.requesters, requester, [])
      : isInAudience(when.requesters, requester, groups);
  return isMeant ? undefined : 'for other people';
}

function sentenceOf(demands: readonly string[]): string {
  return demands.length === 0 ? 'It asks for nothing more.' : `It asks for ${demands.join('; ')}.`;
}
