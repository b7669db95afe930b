import type { AccessRequest } from '../domain/access-request.ts';
import { assertNever } from '../domain/errors.ts';
import { describeDuration, type Instant } from '../domain/time.ts';
import {
  count,
  describeInstant,
  describeUpcoming,
  describeWait,
  fullNameOf,
  nameOf,
  oneLine,
  sentenceOf,
} from './words.ts';

/** `reader on orders` */
export function roleOf({ terms }: AccessRequest): string {
  return `${terms.roleId} on ${terms.targetId}`;
}

export interface Fact {
  readonly label: string;
  readonly value: string | readonly string[];
  /** What somebody wrote: it is shown as theirs, with its line breaks. */
  readonly quoted?: true;
}

/** What was asked, as mails and pages show it. */
export function factsOf(request: AccessRequest, plans: readonly string[]): Fact[] {
  const { requester, reason, terms, submittedAt } = request;
  return [
    { label: 'Who', value: fullNameOf(requester) },
    { label: 'Role', value: `${roleOf(request)} – ${oneLine(terms.roleDescription, 200)}` },
    reason.trim() === ''
      ? { label: 'Why', value: 'No reason was given.' }
      : { label: 'Why', value: reason, quoted: true },
    { label: 'For how long', value: describeDuration(terms.duration) },
    {
      label: 'From',
      value: terms.startsAt === undefined ? 'The moment it is approved' : describeInstant(terms.startsAt),
    },
    { label: 'What it does', value: plans },
    { label: 'Asked', value: describeInstant(submittedAt) },
  ];
}

export function canBeAnswered({ state, terms }: AccessRequest, now: Instant): boolean {
  return state === 'waiting-for-approval' && now < terms.approveBy;
}

export interface Status {
  readonly tone: 'waiting' | 'good' | 'over' | 'bad';
  readonly heading: string;
  readonly sentences: readonly string[];
}

/** Where a request stands, truthfully: what is known, and no more. */
export function statusOf(request: AccessRequest, now: Instant): Status {
  const { state, terms, deadline, calledOff, cause, failure, delay } = request;
  switch (state) {
    case 'waiting-for-approval':
      return canBeAnswered(request, now)
        ? {
            tone: 'waiting',
            heading: 'Waiting for an answer',
            sentences: [`Answer by ${describeUpcoming(now, terms.approveBy)}.`],
          }
        : {
            tone: 'over',
            heading: 'The time to answer is over',
            sentences: [`It ended on ${describeInstant(terms.approveBy)}.`],
          };
    case 'scheduled':
      return {
        tone: 'good',
        heading: 'Approved, and scheduled',
        sentences:
          terms.startsAt === undefined ? [] : [`The access starts on ${describeUpcoming(now, terms.startsAt)}.`],
      };
    case 'granting':
      return {
        tone: 'waiting',
        heading: 'Approved, and being granted now',
        sentences: deadline === undefined ? [] : [`It will end on ${describeUpcoming(now, deadline)}.`],
      };
    case 'granted':
      return {
        tone: 'good',
        heading: deadline === undefined ? 'Granted' : `Granted until ${describeInstant(deadline)}`,
        sentences: [...remaining(now, deadline), ...heldBefore(request)],
      };
    case 'revoking':
      return { tone: 'waiting', heading: 'Being taken away now', sentences: whyItEnds(request) };
    case 'overdue':
      return {
        tone: 'bad',
        heading: 'Overdue: the end of the access can’t be confirmed',
        sentences: [
          ...whyItEnds(request),
          ...(delay ? [`Attempt ${delay.attempt} on ${describeInstant(delay.at)}: ${sentenceOf(delay.code)}`] : []),
          'The access may still be standing. Curfew tries again until the target shows that it is gone.',
        ],
      };
    case 'denied':
      return { tone: 'over', heading: 'Denied', sentences: ['Nothing was granted.'] };
    case 'withdrawn':
      return {
        tone: 'over',
        heading: 'Withdrawn',
        sentences: [
          ...(calledOff ? [`${nameOf(calledOff.by)} took the request back on ${describeInstant(calledOff.at)}.`] : []),
          'Nothing was granted.',
        ],
      };
    case 'timed-out':
      return {
        tone: 'over',
        heading: 'Nobody answered in time',
        sentences: [`The time to answer ended on ${describeInstant(terms.approveBy)}.`, 'Nothing was granted.'],
      };
    case 'failed':
      return {
        tone: 'bad',
        heading: 'Could not be granted',
        sentences: [
          ...(failure ? [sentenceOf(failure)] : []),
          ...(request.revoked
            ? [`Whatever had been granted was taken back. ${gone(request)}`]
            : ['The target was not touched.']),
        ],
      };
    case 'expired':
      return { tone: 'over', heading: 'Ended at its deadline', sentences: [...whyItEnds(request), gone(request)] };
    case 'revoked':
      return calledOff
        ? {
            tone: 'over',
            heading: 'Called off before it began',
            sentences: [
              `${nameOf(calledOff.by)} called it off on ${describeInstant(calledOff.at)}.`,
              'Nothing was granted.',
            ],
          }
        : {
            tone: 'over',
            heading: cause?.kind === 'ended-early' ? `Ended early by ${nameOf(cause.by)}` : 'Ended early',
            sentences: [...whyItEnds(request), gone(request)],
          };
    default:
      return assertNever(state);
  }
}

function remaining(now: Instant, deadline: Instant | undefined): string[] {
  const wait = deadline && describeWait(now, deadline);
  return wait === undefined ? [] : [`${wait} left.`];
}

/** A membership from before the request is not Curfew's to end, and the requester is told so. */
export function heldBefore({ granted, requester }: AccessRequest): string[] {
  const kept = granted?.evidence.some(({ outcome }) => outcome === 'already-held') ?? false;
  return kept ? [`${nameOf(requester)} had some or all of it before, and keeps that afterwards.`] : [];
}

function whyItEnds({ cause, deadline }: AccessRequest): string[] {
  const due = deadline === undefined ? [] : [`The deadline was ${describeInstant(deadline)}.`];
  if (cause?.kind === 'ended-early') {
    const reason = oneLine(cause.reason, 1000);
    return [`${nameOf(cause.by)} ended the access before its deadline${reason === '' ? '.' : `: ${reason}`}`];
  }
  if (cause?.kind === 'grant-failed') return [`The grant failed, so that it is undone. ${sentenceOf(cause.code)}`];
  return due;
}

/** What the targets showed when they were asked again. */
function gone({ revoked }: AccessRequest): string {
  if (!revoked) return '';
  const { at, evidence, lateness } = revoked;
  const sessions = evidence.reduce((sum, { sessionsEnded }) => sum + sessionsEnded, 0);
  const late = lateness === undefined ? '' : ` ${describeLateness(lateness)}.`;
  const kept = evidence.some(({ outcome }) => outcome === 'kept')
    ? ' What another request or an older membership gives stays.'
    : '';
  const ended = sessions === 0 ? '' : ` ${count(sessions, 'live session')} ended with it.`;
  return `Seen gone on ${describeInstant(at)}.${late}${ended}${kept}`;
}

function describeLateness(milliseconds: number): string {
  if (milliseconds <= 0) return 'It went at the deadline';
  return `It went ${milliseconds < 1000 ? `${milliseconds} ms` : describeDuration(milliseconds)} after the deadline`;
}
