import type { OrchestrationContext, Task } from 'durable-functions';
import { type AccessRequest, isEnded, type State } from '../shared/domain/access-request.ts';
import { type ErrorCode, isRetryable } from '../shared/domain/errors.ts';
import { claimWindow } from '../shared/domain/holds.ts';
import { alertDue } from '../shared/domain/overdue.ts';
import { earliest, type Instant, latest, plus } from '../shared/domain/time.ts';
import { awaitApproval } from './approval.ts';
import { Mailbox } from './mailbox.ts';
import { backOff, jitter, patientPause, recipientsIn, Story } from './story.ts';
import { wait } from './wait.ts';

/** How often checking and granting are tried before the request fails; with the back-off about a minute. */
const grantAttempts = 6;
/** How long what was found out about the people may be relied on: after a pause they are checked again. Milliseconds. */
const eligibilityLasts = 1_000;
/** How long after the deadline the alarm may take to say what it did: a thousand that ring together all want to say so. Milliseconds. */
const alarmPatience = 5_000;
/** How long one try at taking the access away may take. Milliseconds. */
const revocationLimit = 15_000;
/** After so many turns a story goes on in a new history. */
const longestHistory = 64;
/** How long before the end the requester is warned. Milliseconds. */
const warningLead = 10 * 60_000;

/** The durable story of one request, from its submission to its end. Gives the state in which it ended. */
export function* accessRequest(context: OrchestrationContext): Generator<Task, State, unknown> {
  const story = new Story(context);
  const mailbox = new Mailbox(context);
  if (isEnded(story.request.state)) return yield* finish(story, mailbox);
  yield* awaitApproval(story, mailbox);
  yield* awaitStart(story, mailbox);
  const checkedAt = yield* checkPeople(story, mailbox);
  if (story.request.extends === undefined) {
    yield* grant(story, mailbox, checkedAt);
    yield* hold(story, mailbox);
    if (!(yield* revoke(story, mailbox))) return story.request.state;
  } else {
    yield* extend(story, mailbox);
  }
  tellEnd(story);
  return yield* finish(story, mailbox);
}

function* awaitStart(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const start = story.request.terms.startsAt ?? story.now();
  yield* wait(story, mailbox, start, () => story.request.state === 'scheduled');
}

/**
 * Goes on if the people are still who the policy wants, at this moment and not only when they asked and decided. Gives the
 * moment, where they are.
 */
function* checkPeople(story: Story, mailbox: Mailbox): Generator<Task, Instant | undefined, unknown> {
  for (let attempt = 1; isNext(story) && story.request.deadline === undefined; attempt++) {
    const eligible = yield* story.call('checkEligibility', { request: story.request });
    if (eligible.ok) return story.now();
    if (!isRetryable(eligible.code) || attempt >= grantAttempts)
      story.must({ kind: 'refuse-grant', code: eligible.code });
    else yield* wait(story, mailbox, plus(story.now(), backOff(attempt)), () => isNext(story));
  }
  return undefined;
}

/**
 * Grants, once the intent stands in the store, and for as long as the people are still who the policy wants. What hangs is
 * left to itself at the deadline: an earlier try may have given the access.
 */
function* grant(story: Story, mailbox: Mailbox, found: Instant | undefined): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  let checkedAt = found;
  if (isDue() && story.request.deadline === undefined) story.must({ kind: 'begin-grant' });
  yield* write(story, mailbox);
  for (let attempt = 1; isDue() && story.now() < end(story); attempt++) {
    const isStale = checkedAt === undefined || story.now() >= plus(checkedAt, eligibilityLasts);
    const { request } = story;
    const eligible = isStale ? yield* story.call('checkEligibility', { request }, end(story)) : undefined;
    if (eligible?.ok) checkedAt = story.now();
    const granted = eligible?.ok === false ? eligible : yield* story.call('grant', { request }, end(story));
    if (granted.ok) story.must({ kind: 'confirm-grant', evidence: granted.result });
    else if (!isRetryable(granted.code) || attempt >= grantAttempts)
      story.must({ kind: 'abandon-grant', code: granted.code });
    else yield* wait(story, mailbox, earliest(plus(story.now(), backOff(attempt)), end(story)), isDue);
  }
  if (isDue()) story.must({ kind: 'abandon-grant', code: 'CURFEW_DEADLINE_PASSED' });
}

/** Until everything that has happened stands in the store, and for as long as the request goes on. */
function* write(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  while (isDue() && !story.isWritten) {
    yield* story.write();
    if (!story.isWritten) yield* wait(story, mailbox, story.writeDue, isDue);
  }
}

/** While the access stands: until the deadline, or somebody ends it. An extension moves the deadline meanwhile. */
function* hold(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { requester, revocation } = story.request;
  const isGranted = () => story.request.state === 'granted';
  if (isGranted() && !story.isResumed) story.tell('granted', [requester]);
  while (isGranted()) {
    const deadline = end(story);
    const stands = () => isGranted() && story.request.deadline === deadline;
    const lead = plus(deadline, -revocation.lead);
    const warning = plus(deadline, -warningLead);
    if (story.now() < warning) {
      yield* wait(story, mailbox, warning, stands, lead);
      if (stands()) story.tell('ending-soon', [requester]);
    }
    yield* wait(story, mailbox, lead, stands, lead);
    if (stands()) return yield* awaitAlarm(story, mailbox, stands);
    if (isGranted()) story.tell('extended', [requester]);
  }
}

/** The alarm takes the access away at the instant. Where it doesn't say that it has, the story goes on soon afterwards and sees to it. */
function* awaitAlarm(story: Story, mailbox: Mailbox, stands: () => boolean): Generator<Task, void, unknown> {
  const deadline = end(story);
  const { lead } = story.request.revocation;
  const armed = lead > 0 && (yield* story.call('arm', { request: story.request }, deadline)).ok;
  const guard = armed ? plus(deadline, alarmPatience) : deadline;
  yield* wait(story, mailbox, guard, () => stands() && story.rung === undefined, guard);
}

/**
 * Takes the access away, and tries without end until the target shows that it is gone. Waits for nothing else. Gives whether
 * it is gone; if not, the story goes on in a new history.
 */
function* revoke(story: Story, mailbox: Mailbox): Generator<Task, boolean, unknown> {
  const isBegun = () => story.request.state === 'revoking' || story.request.state === 'overdue';
  const isDue = () => isBegun() || (!isEnded(story.request.state) && story.request.deadline !== undefined);
  for (let turn = 1; isDue(); turn++) {
    if (turn > longestHistory) {
      story.renew();
      return false;
    }
    const { request } = story;
    const notBefore = isBegun() ? story.now() : end(story);
    const begins = latest(story.now(), notBefore);
    const giveUp = latest(plus(begins, 2_000), earliest(plus(begins, revocationLimit), alertDue(request) ?? begins));
    const revoked = yield* story.call('revoke', { request, notBefore, giveUp, rung: story.rung });
    const now = latest(story.now(), revoked.at);
    story.apply({ kind: 'expire' }, now);
    if (revoked.ok) {
      story.must({ kind: 'confirm-revocation', evidence: revoked.result }, now);
    } else if (isBegun()) {
      story.attempts++;
      tellOverdue(story, revoked.code, now);
      const pause = backOff(story.attempts, request.revocation.longestPause) * jitter(request.id, story.attempts);
      const next = plus(story.now(), Math.ceil(pause));
      while (isBegun() && story.now() < next) {
        yield* wait(story, mailbox, earliest(next, alertDue(story.request)), isBegun, next);
        tellOverdue(story, revoked.code, story.now());
      }
    } else {
      // It failed in its preparations, before the deadline. There is time for another attempt.
      yield* mailbox.pause(200);
    }
  }
  return true;
}

/** Every attempt of months would swell the chain: it says so at first, and whenever somebody is alerted. */
function tellOverdue(story: Story, code: ErrorCode, now: Instant): void {
  if (isEnded(story.request.state)) return;
  const due = alertDue(story.request);
  const isDue = due !== undefined && now >= due;
  if (story.request.delay && !isDue) return;
  const { requester, approvers } = story.request;
  story.must({ kind: 'delay-revocation', attempt: story.attempts, code }, now);
  if (isDue) story.tell('overdue', [requester, ...approvers, { engineers: true }]);
}

/**
 * Has the deadline of the other grant moved. Only that grant's own story can tell whether it was, so that it is asked until
 * it has said so: what was moved must not be called failed.
 */
function* extend(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  yield* write(story, mailbox);
  for (let attempt = 1; isDue(); attempt++) {
    const applied = yield* story.call('applyExtension', { request: story.request });
    if (applied.ok && applied.result !== null) story.must({ kind: 'confirm-extension', deadline: applied.result });
    else if (!applied.ok && isAnswer(applied.code)) story.must({ kind: 'refuse-grant', code: applied.code });
    else yield* wait(story, mailbox, plus(story.now(), backOff(attempt, patientPause)), isDue);
  }
}

/** What went wrong inside Curfew says nothing of whether the deadline was moved. */
function isAnswer(code: ErrorCode): boolean {
  return !isRetryable(code) && code !== 'CURFEW_INTERNAL';
}

function tellEnd(story: Story): void {
  const { state, requester, deadline, terms } = story.request;
  if (deadline !== undefined) story.release(clearFrom(story.request, story.now()));
  if (state !== 'denied' && state !== 'withdrawn') story.tell('ended', [requester]);
  if (terms.breakGlass) story.tell('review-owed', recipientsIn(terms.breakGlass.review.by));
}

/**
 * The alarm of another process may have claimed the entitlement, and not know that the access was ended before its deadline.
 * Until it has rung nobody else is to be granted the same, or that grant would be cut short.
 */
function clearFrom({ cause, deadline, revocation }: AccessRequest, now: Instant): Instant {
  const isArmed = revocation.lead > 0 && cause?.kind === 'ended-early' && deadline !== undefined;
  return isArmed && now >= plus(deadline, -claimWindow) ? plus(deadline, alarmPatience) : now;
}

/** Clears up, writes and tells, for as long as it takes, and until a review that is owed has been given. */
function* finish(story: Story, mailbox: Mailbox): Generator<Task, State, unknown> {
  const { breakGlass } = story.request.terms;
  const isOwed = () => breakGlass !== undefined && story.request.review === 'owed';
  let reminder = plus(story.now(), breakGlass?.review.within ?? 0);
  for (let turn = 1; ; turn++) {
    if (breakGlass && isOwed() && story.now() >= reminder) {
      story.tell('review-owed', recipientsIn(breakGlass.review.by));
      reminder = plus(story.now(), breakGlass.review.within);
    }
    const due = isOwed() ? earliest(reminder, story.choresDue) : story.choresDue;
    if (due === undefined) break;
    if (turn > longestHistory) {
      story.renew();
      break;
    }
    const was = isOwed();
    yield* wait(story, mailbox, due, () => isOwed() === was);
    yield* story.chores();
  }
  return story.request.state;
}

/** Approved, and neither granted nor moved yet. */
function isNext({ request: { state } }: Story): boolean {
  return state === 'scheduled' || state === 'granting';
}

function end(story: Story): Instant {
  const { deadline } = story.request;
  if (deadline === undefined) throw new Error('there is no deadline yet');
  return deadline;
}
