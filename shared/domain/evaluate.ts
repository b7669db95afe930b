import { whatIsAgainst } from './automatic-approval.ts';
import type { ErrorCode, Refusal } from './errors.ts';
import type { PrincipalId } from './ids.ts';
import {
  type Authentication,
  type Demands,
  isInAudience,
  mayBreakGlass,
  type Person,
  type Policy,
  type Role,
  type Rule,
  type Target,
  type Terms,
  type TicketForm,
} from './policy.ts';
import { demandsOf, describeTightening, nothingDemanded, strictest } from './strictest.ts';
import { describeDuration, type Instant, latest, millisecondsOf, plus } from './time.ts';

export interface Question {
  readonly requester: Person;
  /** The groups, of those that `requesterGroups` names, in which the requester is; unknown while the directory is down. */
  readonly groups: readonly PrincipalId[] | 'unknown';
  readonly target: string;
  readonly role: string;
  /** Milliseconds; the role's default where it is left out. */
  readonly duration?: number | undefined;
  readonly startsAt?: Instant | undefined;
  readonly reason: string;
  readonly ticket?: string | undefined;
  readonly breakGlass?: boolean | undefined;
  /** Of an extension: how long the grant lasts without it, in milliseconds. Rules and conditions look at the whole. */
  readonly already?: number | undefined;
  /** How the caller has proven who they are. */
  readonly authentication: readonly Authentication[];
  readonly history: History;
}

/** What came before: whose grants of the role stand now, and when people approved it for this person. */
export interface History {
  readonly heldByPerson: number;
  readonly heldByAll: number;
  readonly approvedAt: readonly Instant[];
}

/** What one rule had to say. */
export interface Finding {
  readonly rule: string;
  readonly outcome: 'applies' | 'does not apply' | 'refuses';
  readonly sentence: string;
}

export type Evaluation = { readonly explanation: readonly Finding[] } & (
  | { readonly terms: Terms }
  | { readonly refusal: Refusal }
);

/** How late a start that was meant to be now may be asked for. Milliseconds. */
const startTolerance = 60_000;
/** What a page shows as nothing: white space, what Unicode leaves to be ignored, and the empty Braille pattern. */
const invisible = /[\s\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * The one place where a policy is applied: previews and real requests both come through here. An unknown role and one
 * that is not for this person are refused alike, so that nobody learns from the answer what exists.
 */
export function evaluatePolicy(policy: Policy, question: Question, now: Instant): Evaluation {
  const explanation: Finding[] = [];
  const refuse = (rule: string, code: ErrorCode, path: string, wayOut: string): Evaluation => ({
    explanation: [...explanation, { rule, outcome: 'refuses', sentence: wayOut }],
    refusal: { code, path, wayOut },
  });
  const target = policy.targets.find(
    ({ id, roles }) => id === question.target && roles.some((r) => isOpen(r, question)),
  );
  if (!target) return refuse('targets', 'CURFEW_NO_SUCH_ROLE', '/target', seeTargets);
  const role = target.roles.find((each) => each.id === question.role && isOpen(each, question));
  if (!role) return refuse('targets', 'CURFEW_NO_SUCH_ROLE', '/role', seeTargets);
  const name = `${role.id} on ${target.id}`;

  const emergency = question.breakGlass ? role.breakGlass : undefined;
  if (question.breakGlass && !mayBreakGlass(role, question.requester)) {
    return refuse(name, 'CURFEW_BREAK_GLASS_REFUSED', '/breakGlass', 'Ask without breaking the glass.');
  }
  const duration = question.duration ?? defaultDuration(policy, target, role, question);
  const whole = duration + (question.already ?? 0);
  const demands = joinDemands(policy, target, role, { ...question, duration: whole }, explanation);
  if (question.breakGlass && !demands.breakGlass) {
    const forbidding = policy.rules.find(
      (rule) => rule.demands.breakGlass === false && !whyNot(rule, target, role, { ...question, duration }),
    );
    return refuse(
      forbidding?.name ?? name,
      'CURFEW_BREAK_GLASS_REFUSED',
      '/breakGlass',
      'Ask without breaking the glass.',
    );
  }
  const maximum = Math.min(demands.maximum, emergency?.maximum ?? demands.maximum);
  if (duration < 1000) return refuse(name, 'CURFEW_DURATION_INVALID', '/duration', 'Ask for at least one second.');
  if (duration > maximum) {
    return refuse(name, 'CURFEW_DURATION_TOO_LONG', '/duration', `Ask for ${describeDuration(maximum)} at most.`);
  }
  if (duration % role.duration.step !== 0) {
    const wayOut = `Ask for a multiple of ${describeDuration(role.duration.step)}.`;
    return refuse(name, 'CURFEW_DURATION_INVALID', '/duration', wayOut);
  }
  const ahead = question.startsAt === undefined ? 0 : millisecondsOf(question.startsAt) - millisecondsOf(now);
  if (ahead < -startTolerance) {
    return refuse(name, 'CURFEW_START_INVALID', '/startsAt', 'Leave it out to start at approval.');
  }
  const horizon = emergency ? 0 : demands.startHorizon;
  if (ahead > 0 && ahead > horizon) {
    const wayOut = horizon === 0 ? 'Leave it out to start at approval.' : `Start within ${describeDuration(horizon)}.`;
    return refuse(name, 'CURFEW_START_INVALID', '/startsAt', wayOut);
  }
  const shortest = emergency ? Math.max(1, demands.reasonLength) : demands.reasonLength;
  if ([...question.reason.replace(invisible, '')].length < shortest) {
    const wayOut = `Say what you need the access for${shortest > 1 ? `, in ${shortest} characters or more` : ''}.`;
    return refuse(name, 'CURFEW_REASON_REQUIRED', '/reason', wayOut);
  }
  // Whoever breaks the glass at night may have no ticket yet.
  const missing = emergency ? undefined : demands.tickets.find((form) => !isTicket(form, question.ticket));
  if (missing) return refuse(name, 'CURFEW_TICKET_INVALID', '/ticket', `Give a ticket such as ${missing.example}.`);
  const lacking = demands.askingNeeds.find((need) => !question.authentication.includes(need));
  if (lacking !== undefined) {
    return refuse(name, 'CURFEW_AUTHENTICATION_INSUFFICIENT', '/authentication', wayToProve(lacking));
  }
  const full = emergency || question.already !== undefined ? undefined : whatIsFull(demands.limits, question.history);
  if (full !== undefined) return refuse(name, 'CURFEW_LIMIT_REACHED', '/role', full);

  const startsAt = ahead > 0 ? question.startsAt : undefined;
  const automatic =
    demands.automaticApproval && !emergency
      ? findAutomatic(role, { ...question, duration: whole, startsAt }, now, explanation)
      : undefined;
  // The role's own stages: a rule that adds one must not open what nobody could approve.
  if (role.demands.stages.length === 0 && !automatic && !emergency) {
    return refuse(name, 'CURFEW_NO_APPROVER', '/role', 'Ask whoever writes the policy to say who approves this.');
  }
  return {
    explanation,
    terms: {
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
    },
  };
}

const seeTargets = 'GET /api/targets lists what you may ask for.';

/** What the role and the rules ask of this person; with the duration left out, for showing what may be asked for. */
export function offeredDemands(
  policy: Policy,
  target: Target,
  role: Role,
  asker: Pick<Question, 'requester' | 'groups'>,
  duration = 0,
): Demands {
  return joinDemands(policy, target, role, { ...asker, duration }, []);
}

export function wayToProve(need: Authentication): string {
  return need === 'mfa'
    ? 'Sign in with a second factor and try again.'
    : `Sign in so that the token carries the authentication context ${need}, and try again.`;
}

/** Who breaks the glass need not be among the requesters. */
function isOpen(role: Role, { requester, groups, breakGlass }: Question): boolean {
  if (breakGlass && mayBreakGlass(role, requester)) return true;
  return isInAudience(role.requesters, requester, groups === 'unknown' ? [] : groups);
}

function joinDemands(
  policy: Policy,
  target: Target,
  role: Role,
  asked: Pick<Question, 'requester' | 'groups'> & { readonly duration: number },
  explanation: Finding[],
): Demands {
  const own = `${role.id} on ${target.id}`;
  explanation.push({
    rule: own,
    outcome: 'applies',
    sentence: sentenceOf(describeTightening(nothingDemanded, role.demands)),
  });
  return policy.rules.reduce((before, rule) => {
    const isNot = whyNot(rule, target, role, asked);
    if (isNot !== undefined) {
      explanation.push({ rule: rule.name, outcome: 'does not apply', sentence: `It is ${isNot}.` });
      return before;
    }
    const after = strictest(before, demandsOf(rule));
    const tighter = describeTightening(before, after);
    explanation.push({ rule: rule.name, outcome: 'applies', sentence: sentenceOf(tighter) });
    return after;
  }, role.demands);
}

function sentenceOf(demands: readonly string[]): string {
  return demands.length === 0 ? 'It asks for nothing more.' : `It asks for ${demands.join('; ')}.`;
}

function whyNot(
  { when }: Rule,
  target: Target,
  role: Role,
  { requester, groups, duration }: Pick<Question, 'requester' | 'groups'> & { readonly duration: number },
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

/** The role's default, or the longest multiple of the step that the rules leave of it. */
function defaultDuration(policy: Policy, target: Target, role: Role, question: Question): number {
  const { default: wanted, step } = role.duration;
  const { maximum } = joinDemands(policy, target, role, { ...question, duration: wanted }, []);
  const most = Math.min(wanted, maximum, (question.breakGlass && role.breakGlass?.maximum) || wanted);
  return most - (most % step);
}

function isTicket({ pattern }: TicketForm, ticket: string | undefined): boolean {
  return ticket !== undefined && new RegExp(`^(?:${pattern})$`, 'u').test(ticket);
}

/** Which limit leaves no room, as a way out. */
export function whatIsFull(
  { perPerson, perRole }: Demands['limits'],
  held: Pick<History, 'heldByPerson' | 'heldByAll'>,
): string | undefined {
  if (perPerson !== null && held.heldByPerson >= perPerson) return 'End one of your grants of this role first.';
  if (perRole !== null && held.heldByAll >= perRole) return 'Wait until somebody’s grant of this role ends.';
  return undefined;
}

function findAutomatic(
  role: Role,
  question: Question & { readonly duration: number },
  now: Instant,
  explanation: Finding[],
) {
  const { requester, duration, history } = question;
  const groups = question.groups === 'unknown' ? [] : question.groups;
  const start = latest(now, question.startsAt);
  return role.automaticApprovals.find((approval) => {
    const against = whatIsAgainst(approval, {
      requester,
      groups,
      start,
      duration,
      approvedAt: history.approvedAt,
      now,
    });
    explanation.push({
      rule: approval.name,
      outcome: against.length === 0 ? 'applies' : 'does not apply',
      sentence:
        against.length === 0
          ? 'It approves without anybody asked.'
          : `Automatic approval is not given: ${against.join('; ')}.`,
    });
    return against.length === 0;
  });
}

/** By when the stage that begins at `began` has to be decided: an answer after the window asked for would be of no use. */
export function approveByOf({ stages, startsAt, duration }: Terms, stage: number, began: Instant): Instant {
  const end = plus(began, stages[stage]?.timeOut ?? 0);
  const useless = startsAt === undefined ? end : plus(startsAt, duration);
  return useless < end ? useless : end;
}
