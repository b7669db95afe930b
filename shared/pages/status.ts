import { type AccessRequest, missingApprovals, otherWays, stageOf } from '../domain/access-request.ts';
import { assertNever } from '../domain/errors.ts';
import type { OtherWay } from '../domain/events.ts';
import { isAwaitingApproval, isEnded } from '../domain/states.ts';
import { oneLine } from '../domain/text.ts';
import { describeDuration, type Instant } from '../domain/time.ts';
import { count, describeUpcoming, describeWait, nameOf, sentenceOf } from './words.ts';
import { describeInstant } from './zones.ts';

export interface Status {
  readonly tone: 'waiting' | 'good' | 'over' | 'bad';
  readonly heading: string;
  readonly sentences: readonly string[];
}

export function canBeAnswered({ state, approveBy }: AccessRequest, now: Instant): boolean {
  return isAwaitingApproval(state) && now < approveBy;
}

/** A broken glass is looked at once all of it is known. */
export function canBeReviewed({ state, review }: AccessRequest): boolean {
  return review === 'owed' && isEnded(state);
}

/**
 * Where a request stands, truthfully: what is known, and no more. Times are the reader's. A forged projection may lack what its state
 * has, and is shown without.
 */
export function statusOf(request: AccessRequest, now: Instant, timeZone?: string): Status {
  const { state, terms, approveBy, deadline, calledOff, cause, failure, delay } = request;
  const at = (instant: Instant) => describeInstant(instant, timeZone);
  const upcoming = (instant: Instant) => describeUpcoming(now, instant, timeZone);
  const isExtension = request.extends !== undefined;
  switch (state) {
    case 'waiting-for-approval':
      return canBeAnswered(request, now)
        ? {
            tone: 'waiting',
            heading: 'Waiting for an answer',
            sentences: [...progressOf(request), `Answer by ${upcoming(approveBy)}.`],
          }
        : { tone: 'over', heading: 'The time to answer is over', sentences: [`It ended on ${at(approveBy)}.`] };
    case 'scheduled':
      return {
        tone: 'good',
        heading: 'Approved, and scheduled',
        sentences: terms.startsAt === undefined ? [] : [`The access starts on ${upcoming(terms.startsAt)}.`],
      };
    case 'approved':
      return { tone: 'waiting', heading: `${howApproved(request)}, and about to be granted`, sentences: [] };
    case 'extending':
      return {
        tone: 'waiting',
        heading: `${howApproved(request)}, and the deadline is being moved now`,
        sentences: [],
      };
    case 'granting':
      return {
        tone: 'waiting',
        heading: `${howApproved(request)}, and being granted now`,
        sentences: deadline === undefined ? [] : [`It will end on ${upcoming(deadline)}.`],
      };
    case 'granted':
      return {
        tone: terms.breakGlass ? 'bad' : 'good',
        heading: deadline === undefined ? 'Granted' : `Granted until ${at(deadline)}`,
        sentences: [
          ...remaining(now, deadline),
          ...moved(request, at),
          ...heldBefore(request),
          ...reviewed(request, at),
        ],
      };
    case 'extended':
      return {
        tone: 'good',
        heading: `Extended${request.movedTo === undefined ? '' : ` until ${at(request.movedTo)}`}`,
        sentences: ['The access that it extends goes on, unless somebody ends it early.'],
      };
    case 'revoking':
      return {
        tone: 'waiting',
        heading: 'Being taken away now',
        sentences: [...whyItEnds(request, at), ...reviewed(request, at)],
      };
    case 'overdue':
      return {
        tone: 'bad',
        heading: 'Overdue: the end of the access can’t be confirmed',
        sentences: [
          ...whyItEnds(request, at),
          ...(delay ? [`Attempt ${delay.attempt} on ${at(delay.at)}: ${sentenceOf(delay.code)}`] : []),
          'The access may still be standing. Curfew tries again until the target shows that it is gone.',
        ],
      };
    case 'denied':
      return { tone: 'over', heading: 'Denied', sentences: [nothing(request)] };
    case 'withdrawn':
      return {
        tone: 'over',
        heading: 'Withdrawn',
        sentences: [
          ...(calledOff ? [`${nameOf(calledOff.by)} took the request back on ${at(calledOff.at)}.`] : []),
          nothing(request),
        ],
      };
    case 'timed-out':
      return {
        tone: 'over',
        heading: request.approvals.length === 0 ? 'Nobody answered in time' : 'Too few approved in time',
        sentences: [...progressOf(request), `The time to answer ended on ${at(approveBy)}.`, nothing(request)],
      };
    case 'failed':
      return {
        tone: 'bad',
        heading: isExtension ? 'Could not be extended' : 'Could not be granted',
        sentences: [
          ...(failure ? [sentenceOf(failure)] : []),
          ...(request.revoked
            ? [`Whatever had been granted was taken back. ${gone(request, at)}`, ...stillHeld(request)]
            : [untouched(request)]),
          ...reviewed(request, at),
        ],
      };
    case 'expired':
      return {
        tone: 'over',
        heading: 'Ended at its deadline',
        sentences: [...whyItEnds(request, at), gone(request, at), ...stillHeld(request), ...reviewed(request, at)],
      };
    case 'revoked':
      return calledOff
        ? {
            tone: 'over',
            heading: 'Called off before it began',
            sentences: [
              `${nameOf(calledOff.by)} called it off on ${at(calledOff.at)}.`,
              nothing(request),
              ...reviewed(request, at),
            ],
          }
        : {
            tone: 'over',
            heading: cause?.kind === 'ended-early' ? `Ended early by ${nameOf(cause.by)}` : 'Ended early',
            sentences: [...whyItEnds(request, at), gone(request, at), ...stillHeld(request), ...reviewed(request, at)],
          };
    default:
      return assertNever(state);
  }
}

function howApproved({ terms }: AccessRequest): string {
  return terms.breakGlass ? 'Taken without approval' : 'Approved';
}

/** `Stage 2 of 3.` `1 of 2 approvals.` Where one answer is all that is asked for, there is nothing to say. */
export function progressOf(request: AccessRequest): string[] {
  const { terms, stage } = request;
  const { quorum = 1 } = stageOf(request) ?? {};
  return [
    ...(terms.stages.length > 1 ? [`Stage ${stage + 1} of ${terms.stages.length}.`] : []),
    ...(quorum > 1 ? [`${quorum - missingApprovals(request)} of ${count(quorum, 'approval')} given.`] : []),
  ];
}

/** A membership from before the request is not Curfew's to end, and the requester is told so. */
export function heldBefore({ granted, requester }: AccessRequest): string[] {
  const kept = granted?.evidence.some(({ outcome }) => outcome === 'already-held') ?? false;
  return kept ? [`${nameOf(requester)} had some or all of it before, and keeps that afterwards.`] : [];
}

export function sessionsEnded({ revoked }: AccessRequest): number {
  return revoked?.evidence.reduce((sum, { sessionsEnded: ended }) => sum + ended, 0) ?? 0;
}

/** `the role orders_writer` */
export function sayWay(way: OtherWay): string {
  const name = oneLine(way.name);
  return way.kind === 'role' ? `the role ${name}` : `the group ${name} (${way.groupId})`;
}

/** Curfew ended its part; what else lets them in is not its own. */
function stillHeld(request: AccessRequest): string[] {
  const ways = otherWays(request).map(sayWay);
  const isUnsure = request.revoked?.evidence.some(({ stillUnknown }) => stillUnknown) ?? false;
  return [
    ...(ways.length > 0 ? [`${nameOf(request.requester)} is still let in, by ${ways.join(', ')}.`] : []),
    ...(isUnsure ? ['Whether anything else still gives the same could not be found out.'] : []),
  ];
}

type Describe = (instant: Instant) => string;

function remaining(now: Instant, deadline: Instant | undefined): string[] {
  const wait = deadline && describeWait(now, deadline);
  return wait === undefined ? [] : [`${wait} left.`];
}

function moved({ extensions }: AccessRequest, at: Describe): string[] {
  const last = extensions.at(-1);
  return last ? [`Extended ${count(extensions.length, 'time')}, last on ${at(last.at)}.`] : [];
}

function reviewed({ review }: AccessRequest, at: Describe): string[] {
  if (review === undefined) return [];
  const taken = 'Nobody approved it: the glass was broken.';
  return [taken, review === 'owed' ? 'A review is owed.' : `${nameOf(review.by)} reviewed it on ${at(review.at)}.`];
}

function nothing(request: AccessRequest): string {
  return request.extends === undefined ? 'Nothing was granted.' : 'Nothing was extended: the old deadline stands.';
}

function untouched(request: AccessRequest): string {
  return request.extends === undefined ? 'The target was not touched.' : nothing(request);
}

function whyItEnds({ cause, deadline }: AccessRequest, at: Describe): string[] {
  const due = deadline === undefined ? [] : [`The deadline was ${at(deadline)}.`];
  if (cause?.kind === 'ended-early') {
    const reason = oneLine(cause.reason, 1000);
    return [`${nameOf(cause.by)} ended the access before its deadline${reason === '' ? '.' : `: ${reason}`}`];
  }
  if (cause?.kind === 'grant-failed') return [`The grant failed, so that it is undone. ${sentenceOf(cause.code)}`];
  return due;
}

/** What the targets showed when they were asked again. */
function gone(request: AccessRequest, at: Describe): string {
  const { revoked } = request;
  if (!revoked) return '';
  const { evidence, lateness } = revoked;
  const sessions = sessionsEnded(request);
  const late = lateness === undefined ? '' : ` ${describeLateness(lateness)}.`;
  if (evidence.some(({ outcome }) => outcome === 'target-gone')) {
    return `The database was deleted, and the access with it: Azure said so on ${at(revoked.at)}.`;
  }
  const kept = evidence.some(({ outcome }) => outcome === 'kept')
    ? ' What another request or an older membership gives stays.'
    : '';
  const ended = sessions === 0 ? '' : ` ${count(sessions, 'live session')} ended with it.`;
  return `Seen gone on ${at(revoked.at)}.${late}${ended}${kept}`;
}

function describeLateness(milliseconds: number): string {
  if (milliseconds <= 0) return 'It went at the deadline';
  return `It went ${milliseconds < 1000 ? `${milliseconds} ms` : describeDuration(milliseconds)} after the deadline`;
}
