import type { AccessRequest, Decision } from '../domain/access-request.ts';
import type { Person } from '../domain/policy.ts';
import { oneLine } from '../domain/text.ts';
import { describeDuration, type Instant, plus } from '../domain/time.ts';
import { sessionsEnded } from './status.ts';
import { fullNameOf, linesOf, nameOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** `reader on orders` */
export function roleOf({ terms }: AccessRequest): string {
  return `${terms.roleId} on ${terms.targetId}`;
}

/** `reader on orders`, and of an extension `2h more of reader on orders` */
export function wishOf(request: AccessRequest): string {
  return request.extends === undefined
    ? roleOf(request)
    : `${describeDuration(request.duration)} more of ${roleOf(request)}`;
}

export interface Fact {
  readonly label: string;
  readonly value: string | readonly string[];
  /** What somebody wrote: it is shown as theirs, with its line breaks. */
  readonly quoted?: true;
}

/** A fact's lines as they may be shown: names of databases and roles come from outside as well. */
export function linesOfFact({ value, quoted }: Fact): string[] {
  return quoted ? linesOf(String(value)) : [value].flat().map((line) => oneLine(line, 1000));
}

/** What was asked, as mails and pages show it. */
export function factsOf(request: AccessRequest, plans: readonly string[], timeZone?: string): Fact[] {
  return [
    ...whoAndWhy(request),
    { label: 'For how long', value: [...howLong(request), ...whenItIs(request, timeZone)] },
    {
      label: 'What it does',
      value: request.extends === undefined ? plans : 'Moves the end of access that stands. Nothing else is granted.',
    },
    { label: 'Asked', value: describeInstant(request.submittedAt, timeZone) },
  ];
}

/** What a reviewer has to know of an access that was taken without approval. */
export function whatWasDone(request: AccessRequest, timeZone?: string): Fact[] {
  const { granted, revoked } = request;
  const at = (instant: Instant) => describeInstant(instant, timeZone);
  return [
    ...whoAndWhy(request),
    {
      label: 'Held',
      value: granted
        ? [`From ${at(granted.at)}`, revoked ? `Until ${at(revoked.at)}` : 'It has not ended yet']
        : 'The target never showed the access.',
    },
    ...(revoked ? [{ label: 'Sessions that ended with it', value: String(sessionsEnded(request)) }] : []),
  ];
}

function whoAndWhy(request: AccessRequest): Fact[] {
  const { requester, submittedBy, reason, ticket, terms } = request;
  return [
    { label: 'Who', value: fullNameOf(requester) },
    ...(submittedBy ? [{ label: 'Submitted for them by', value: `${nameOf(submittedBy)}, an application` }] : []),
    { label: 'Role', value: `${roleOf(request)} – ${oneLine(terms.roleDescription, 200)}` },
    reason.trim() === ''
      ? { label: 'Why', value: 'No reason was given.' }
      : { label: 'Why', value: reason, quoted: true },
    ...(ticket === undefined ? [] : [{ label: 'Ticket', value: oneLine(ticket) }]),
  ];
}

function howLong(request: AccessRequest): string[] {
  return [describeDuration(request.duration), ...shortened(request)];
}

/** An approver may allow less than was asked for. */
export function shortened({ terms, duration }: AccessRequest): string[] {
  return duration < terms.duration
    ? [`${describeDuration(terms.duration)} was asked for; an approver allowed less.`]
    : [];
}

function whenItIs(request: AccessRequest, timeZone?: string): string[] {
  const { terms, beganAt, deadline, duration } = request;
  if (request.extends !== undefined) return ['From the present deadline on'];
  const from = beganAt ?? terms.startsAt;
  if (from === undefined)
    return [terms.breakGlass ? 'From the moment it is granted' : 'From the moment it is approved'];
  const until = describeInstant(deadline ?? plus(from, duration), timeZone);
  return [`From ${describeInstant(from, timeZone)}`, `Until ${until}`];
}

/** Who said what. A rule of the policy stands in the place of people who weren't asked. */
export function answersOf({ approvals, decision }: AccessRequest, timeZone?: string): Fact[] {
  const automatic: Fact[] =
    decision?.rule === undefined
      ? []
      : [
          {
            label: `Approved automatically on ${describeInstant(decision.at, timeZone)}`,
            value: `By the rule ${oneLine(decision.rule)} of the policy. Nobody was asked.`,
          },
        ];
  const denials = decision?.outcome === 'denied' && decision.by ? [{ ...decision, by: decision.by }] : [];
  return [
    ...approvals.map((approval) => answer('Approved', approval)),
    ...denials.map((denial) => answer('Denied', denial)),
    ...automatic,
  ];

  function answer(verb: string, { by, at, comment }: Pick<Decision, 'at' | 'comment'> & { by: Person }): Fact {
    const label = `${verb} by ${fullNameOf(by)} on ${describeInstant(at, timeZone)}`;
    return comment.trim() === '' ? { label, value: 'Without a comment.' } : { label, value: comment, quoted: true };
  }
}

/** The person, or the rule that decided in the place of people. */
export function deciderOf({ by, rule = '' }: Decision): string {
  return by ? nameOf(by) : `The rule ${oneLine(rule)}`;
}
