import type { OrchestrationContext, Task } from 'durable-functions';
import { type AccessRequest, otherWays } from '../shared/domain/access-request.ts';
import { type ErrorCode, isRetryable } from '../shared/domain/errors.ts';
import { clearFrom } from '../shared/domain/holds.ts';
import { alertDue } from '../shared/domain/overdue.ts';
import { isBeingFulfilled, isEnded, type State } from '../shared/domain/states.ts';
import { earliest, type Instant, latest, millisecondsOf, plus } from '../shared/domain/time.ts';
import { awaitApproval } from './approval.ts';
import { Mailbox } from './mailbox.ts';
import type { Recipient } from './names.ts';
import { backOff, jitter, patientPause, pauseAfter, recipientsIn, Story } from './story.ts';
import { renew, wait } from './wait.ts';

/** How often checking and granting are tried before the request fails; with the back-off about a minute. */
const grantAttempts = 6;
/** How long one try may take: with a process its work is lost, and the host takes minutes to notice. Milliseconds. */
const tryLimit = 30_000;
/** How long an approved request waits for the store before its requester hears of it. Milliseconds. */
const heldUpAfter = 60_000;
/** How long after the deadline the alarm may take to say what it did: a thousand that ring together all want to say so. Milliseconds. */
const alarmPatience = 5_000;
/** How long what was found out about the people may be relied on: after a pause they are checked again. Milliseconds. */
const eligibilityLasts = 1_000;
/** An activity that says nothing for so long after it was to give up has died with its process, and the host takes minutes to notice. Milliseconds. */
const lostAfter = 5_000;
/** How long one try at taking the access away may take. Milliseconds. */
const revocationLimit = 15_000;
/** How long before the end the requester is warned. Milliseconds. */
const warningLead = 10 * 60_000;

/** The durable story of one request, from its submission to its end. Gives the state in which it ended. */
export function* accessRequest(context: OrchestrationContext): Generator<Task, State, unknown> {
  const story = new Story(context);
  const mailbox = new Mailbox(context);
  if (isEnded(story.request.state)) return yield* finish(story, mailbox);
  yield* awaitApproval(story, mailbox);
  if (story.isRenewed) return story.request.state;
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
    const eligible = yield* story.call('checkEligibility', { request: story.request }, plus(story.now(), tryLimit));
    if (eligible.ok) return story.now();
    if (!mayPass(eligible.code) || attempt >= grantAttempts) story.must({ kind: 'refuse-grant', code: eligible.code });
    else yield* wait(story, mailbox, plus(story.now(), pauseAfter(eligible, attempt)), () => isNext(story));
  }
  return undefined;
}

/**
 * Grants, once the intent stands in the store, and for as long as the people are still who the policy wants. What hangs is
 * left to itself at the deadline: an earlier try may have given the access.
 */
function* grant(story: Story, mailbox: Mailbox, found: Instant | undefined): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  const tellHeldUp = heldUpNotice(story);
  let checkedAt = found;
  if (isDue() && story.request.deadline === undefined) story.must({ kind: 'begin-grant' });
  yield* write(story, mailbox, tellHeldUp);
  for (let attempt = 1; isDue() && story.now() < end(story); attempt++) {
    const isStale = checkedAt === undefined || story.now() >= plus(checkedAt, eligibilityLasts);
    const { request } = story;
    const giveUp = () => earliest(plus(story.now(), tryLimit), end(story));
    const eligible = isStale ? yield* story.call('checkEligibility', { request }, giveUp()) : undefined;
    if (eligible?.ok) checkedAt = story.now();
    const granted = eligible?.ok === false ? eligible : yield* story.call('grant', { request }, giveUp());
    // Nothing can be undone without the hold documents but by taking what is another request's too: so they are waited for.
    const isHeldUp = !granted.ok && granted.code === 'CURFEW_STORE_UNAVAILABLE';
    if (granted.ok) {
      story.must({ kind: 'confirm-grant', evidence: granted.result });
      story.tell('granted', [story.request.requester]);
    } else if (!mayPass(granted.code) || (attempt >= grantAttempts && !isHeldUp))
      story.must({ kind: 'abandon-grant', code: granted.code });
    else {
      if (isHeldUp) tellHeldUp();
      yield* wait(story, mailbox, earliest(plus(story.now(), pauseAfter(granted, attempt)), end(story)), isDue);
    }
  }
  if (isDue()) story.must({ kind: 'abandon-grant', code: 'CURFEW_DEADLINE_PASSED' });
}

/** Until everything that has happened stands in the store, and for as long as the request goes on. */
function* write(story: Story, mailbox: Mailbox, tellHeldUp: () => void): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  while (isDue() && !story.isWritten) {
    yield* story.write(plus(story.now(), tryLimit));
    if (story.isWritten) break;
    tellHeldUp();
    yield* wait(story, mailbox, story.writeDue, isDue);
  }
}

/** Tells the requester, once, that what is approved waits for the store; not before it has for long. */
function heldUpNotice(story: Story): () => void {
  const due = plus(story.now(), heldUpAfter);
  let isTold = false;
  return () => {
    if (!isTold && story.now() >= due) story.tell('held-up', [story.request.requester]);
    isTold ||= story.now() >= due;
  };
}

/** While the access stands: until the deadline, or somebody ends it. An extension moves the deadline meanwhile. */
function* hold(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { requester, revocation } = story.request;
  const isGranted = () => story.request.state === 'granted';
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
  const patience = plus(deadline, alarmPatience);
  // A cancelled timer still comes. At the deadline a thousand of them would be in the way of the drops.
  const limit = earliest(latest(plus(deadline, -lead / 2), plus(story.now(), lead / 2)), patience);
  const armed = lead > 0 && (yield* story.call('arm', { request: story.request }, limit)).ok;
  const guard = armed ? patience : deadline;
  yield* wait(story, mailbox, guard, () => stands() && story.rung === undefined, guard);
}

/**
 * Takes the access away, and tries without end until the target shows that it is gone. Waits for nothing else. Gives whether
 * it is gone; if not, the story goes on in a new history.
 */
function* revoke(story: Story, mailbox: Mailbox): Generator<Task, boolean, unknown> {
  const isBegun = () => story.request.state === 'revoking' || story.request.state === 'overdue';
  const isDue = () => isBegun() || (!isEnded(story.request.state) && story.request.deadline !== undefined);
  while (isDue()) {
    if (!(yield* pause(story, mailbox))) return false;
    const { request } = story;
    const notBefore = isBegun() ? story.now() : end(story);
    const begins = latest(story.now(), notBefore);
    const giveUp = latest(plus(begins, 2_000), earliest(plus(begins, revocationLimit), alertDue(request) ?? begins));
    const revoked = yield* story.call(
      'revoke',
      { request, notBefore, giveUp, rung: story.rung },
      plus(giveUp, lostAfter),
    );
    // What is gone was not taken before its time, even where a clock has been set back since.
    const now = latest(story.now(), revoked.at, revoked.ok ? notBefore : undefined);
    story.apply({ kind: 'expire' }, now);
    if (revoked.ok) {
      story.must({ kind: 'confirm-revocation', evidence: revoked.result }, now);
    } else if (isBegun()) {
      story.attempts++;
      tellOverdue(story, revoked.code, now);
      const pause = backOff(story.attempts, request.revocation.longestPause) * jitter(request.id, story.attempts);
      const at = plus(story.now(), Math.ceil(pause));
      // From the deadline on it is taken though it isn't known who else holds it.
      story.retry = { at: story.now() < end(story) ? earliest(at, end(story)) : at, code: revoked.code };
    } else {
      // It failed in its preparations, before the deadline. There is time for another attempt.
      yield* mailbox.pause(200);
    }
  }
  return true;
}

/** Between two attempts. Gives whether the next is due; if not, the story goes on in a new history. */
function* pause(story: Story, mailbox: Mailbox): Generator<Task, boolean, unknown> {
  while (story.retry && story.now() < story.retry.at) {
    if (story.isLong) {
      yield* renew(story, mailbox);
      return false;
    }
    const { at, code } = story.retry;
    yield* wait(story, mailbox, earliest(at, alertDue(story.request)), () => !story.isLong, at);
    tellOverdue(story, code, story.now());
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
  yield* write(story, mailbox, heldUpNotice(story));
  for (let attempt = 1; isDue(); attempt++) {
    const applied = yield* story.call('applyExtension', { request: story.request });
    if (applied.ok && applied.result !== null) story.must({ kind: 'confirm-extension', deadline: applied.result });
    else if (!applied.ok && !mayPass(applied.code)) story.must({ kind: 'refuse-grant', code: applied.code });
    else {
      const pause = pauseAfter(applied.ok ? {} : applied, attempt, patientPause);
      yield* wait(story, mailbox, plus(story.now(), pause), isDue);
    }
  }
}

/** What went wrong inside Curfew, as a process that died, is no answer: it says nothing of what was done. Each may be done again. */
function mayPass(code: ErrorCode): boolean {
  return isRetryable(code) || code === 'CURFEW_INTERNAL';
}

function tellEnd(story: Story): void {
  const { state, requester, deadline, terms } = story.request;
  const now = story.now();
  // One alarm at most acts on a claim, and it has rung.
  if (deadline !== undefined) story.release(story.rung?.length ? now : clearFrom(story.request, now));
  if (state !== 'denied' && state !== 'withdrawn') story.tell('ended', [requester]);
  if (terms.breakGlass) story.tell('review-owed', recipientsIn(terms.breakGlass.review.by));
  if (otherWays(story.request).length > 0) story.tell('still-held', [...ownersOf(story.request), { engineers: true }]);
}

/** Who answers for the role: whoever was asked to approve, or would have been. */
function ownersOf({ approvers, terms: { stages, breakGlass } }: AccessRequest): Recipient[] {
  const audience = stages.at(-1)?.approvers ?? breakGlass?.review.by;
  if (approvers.length > 0 || !audience) return [...approvers];
  return recipientsIn(audience);
}

/** Clears up, writes and tells, for as long as it takes, and until a review that is owed has been given. */
function* finish(story: Story, mailbox: Mailbox): Generator<Task, State, unknown> {
  const { terms, changedAt } = story.request;
  const { breakGlass } = terms;
  const isOwed = () => breakGlass !== undefined && story.request.review === 'owed';
  // Counted from the end of the access, whichever history it is.
  const reminderAfter = (now: Instant) => nextOf(changedAt, breakGlass?.review.within ?? 1, now);
  let reminder = reminderAfter(story.now());
  for (;;) {
    if (breakGlass && isOwed() && story.now() >= reminder) {
      story.tell('review-owed', recipientsIn(breakGlass.review.by));
      reminder = reminderAfter(story.now());
    }
    const due = isOwed() ? earliest(reminder, story.choresDue) : story.choresDue;
    if (due === undefined) break;
    const was = isOwed();
    yield* wait(story, mailbox, due, () => isOwed() === was);
    yield* story.chores();
    if (story.isLong) {
      yield* renew(story, mailbox);
      break;
    }
  }
  return story.request.state;
}

/** The first instant after `now` that is a whole number of periods after `first`. */
function nextOf(first: Instant, period: number, now: Instant): Instant {
  return plus(first, (Math.floor((millisecondsOf(now) - millisecondsOf(first)) / period) + 1) * period);
}

/** Approved, and neither granted nor moved yet. */
function isNext({ request }: Story): boolean {
  return isBeingFulfilled(request);
}

function end(story: Story): Instant {
  const { deadline } = story.request;
  if (deadline === undefined) throw new Error('there is no deadline yet');
  return deadline;
}
