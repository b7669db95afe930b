import { whyNotApplied } from './demands.ts';
import type { ErrorCode, Refusal } from './errors.ts';
import type { BreakGlass, Demands, Policy, Role, Target, TicketForm } from './policy.ts';
import type { History, Question } from './question.ts';
import type { Remedy } from './remedies.ts';

/** What the checks look at. Durations in milliseconds. */
export interface Facts {
  readonly policy: Policy;
  readonly target: Target;
  readonly role: Role;
  readonly question: Question;
  /** What the role and the rules that apply ask for together. */
  readonly demands: Demands;
  /** The role's break-glass access, where it is what is asked for. */
  readonly emergency: BreakGlass | undefined;
  /** What was asked for, or the default. */
  readonly duration: number;
  /** From now to the start that was asked for; negative where it lies in the past. */
  readonly ahead: number;
}

/** A refusal by the policy, which always says what it is about and what to do. */
export interface PolicyRefusal extends Refusal {
  readonly path: string;
  readonly remedy: Remedy;
}

/** A refusal, and the rule that refuses where it is another than the role itself. */
export interface Objection {
  readonly rule?: string;
  readonly refusal: PolicyRefusal;
}

/** Says why a question is refused, or nothing. Pure. */
export type Check = (facts: Facts) => Objection | undefined;

/** Returns the objection of the first check that has one. */
export function firstObjection(facts: Facts): Objection | undefined {
  for (const check of checks) {
    const objection = check(facts);
    if (objection) return objection;
  }
  return undefined;
}

export function objectionOf(code: ErrorCode, path: string, remedy: Remedy, rule?: string): Objection {
  return { refusal: { code, path, remedy }, ...(rule !== undefined && { rule }) };
}

/** How late a start that was meant to be now may be asked for. Milliseconds. */
const startTolerance = 60_000;
/** The shortest grant. Milliseconds. */
const shortestDuration = 1000;
/** What a page shows as nothing: white space, what Unicode leaves to be ignored, and the empty Braille pattern. */
const invisible = /[\s\p{Default_Ignorable_Code_Point}\u2800]/gu;

const breakGlassIsAllowed: Check = ({ policy, target, role, question, demands, duration }) => {
  if (!question.breakGlass || demands.breakGlass) return undefined;
  const forbidding = policy.rules.find(
    (rule) => rule.demands.breakGlass === false && !whyNotApplied(rule, target, role, { ...question, duration }),
  );
  return objectionOf('CURFEW_BREAK_GLASS_REFUSED', '/breakGlass', { kind: 'leave-out-break-glass' }, forbidding?.name);
};

const durationIsLongEnough: Check = ({ duration }) =>
  duration < shortestDuration
    ? objectionOf('CURFEW_DURATION_INVALID', '/duration', { kind: 'ask-for-at-least', duration: shortestDuration })
    : undefined;

const durationIsWithinMaximum: Check = ({ duration, demands, emergency }) => {
  const maximum = Math.min(demands.maximum, emergency?.maximum ?? demands.maximum);
  return duration > maximum
    ? objectionOf('CURFEW_DURATION_TOO_LONG', '/duration', { kind: 'ask-for-at-most', duration: maximum })
    : undefined;
};

const durationIsInSteps: Check = ({
  duration,
  role: {
    duration: { step },
  },
}) =>
  duration % step === 0
    ? undefined
    : objectionOf('CURFEW_DURATION_INVALID', '/duration', { kind: 'ask-for-multiple-of', duration: step });

const startIsNotPast: Check = ({ ahead }) =>
  ahead < -startTolerance ? objectionOf('CURFEW_START_INVALID', '/startsAt', { kind: 'leave-out-start' }) : undefined;

/** Break-glass access starts at once. */
const startIsWithinHorizon: Check = ({ ahead, demands, emergency }) => {
  const horizon = emergency ? 0 : demands.startHorizon;
  if (ahead <= 0 || ahead <= horizon) return undefined;
  const remedy: Remedy = horizon === 0 ? { kind: 'leave-out-start' } : { kind: 'start-within', duration: horizon };
  return objectionOf('CURFEW_START_INVALID', '/startsAt', remedy);
};

const reasonIsGiven: Check = ({ question: { reason }, demands: { reasonLength }, emergency }) => {
  const length = emergency ? Math.max(1, reasonLength) : reasonLength;
  return [...reason.replace(invisible, '')].length < length
    ? objectionOf('CURFEW_REASON_REQUIRED', '/reason', { kind: 'give-reason', length })
    : undefined;
};

/** Whoever breaks the glass at night may have no ticket yet. */
const ticketFits: Check = ({ question: { ticket }, demands, emergency }) => {
  const missing = emergency ? undefined : demands.tickets.find((form) => !isTicket(form, ticket));
  return missing && objectionOf('CURFEW_TICKET_INVALID', '/ticket', { kind: 'give-ticket', example: missing.example });
};

const signInIsStrongEnough: Check = ({ question: { authentication }, demands }) => {
  const need = demands.askingNeeds.find((each) => !authentication.includes(each));
  return need && objectionOf('CURFEW_AUTHENTICATION_INSUFFICIENT', '/authentication', { kind: 'sign-in-with', need });
};

/** An extension holds no more than is held already. */
const limitsLeaveRoom: Check = ({ question: { already, history }, demands: { limits }, emergency }) => {
  const remedy = emergency || already !== undefined ? undefined : whatIsFull(limits, history);
  return remedy && objectionOf('CURFEW_LIMIT_REACHED', '/role', remedy);
};

/** In the order in which they are made: the first that objects is what the requester is told. */
export const checks: readonly Check[] = [
  breakGlassIsAllowed,
  durationIsLongEnough,
  durationIsWithinMaximum,
  durationIsInSteps,
  startIsNotPast,
  startIsWithinHorizon,
  reasonIsGiven,
  ticketFits,
  signInIsStrongEnough,
  limitsLeaveRoom,
];

/** Returns what to do about the limit that leaves no room, or undefined where there is room. */
export function whatIsFull(
  { perPerson, perRole }: Demands['limits'],
  held: Pick<History, 'heldByPerson' | 'heldByAll'>,
): Remedy | undefined {
  if (perPerson !== null && held.heldByPerson >= perPerson) return { kind: 'end-own-grant' };
  if (perRole !== null && held.heldByAll >= perRole) return { kind: 'wait-for-grant-to-end' };
  return undefined;
}

function isTicket({ pattern }: TicketForm, ticket: string | undefined): boolean {
  return ticket !== undefined && new RegExp(`^(?:${pattern})$`, 'u').test(ticket);
}
