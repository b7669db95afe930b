import type { OrchestrationContext, Task } from 'durable-functions';
import { isEnded, type State } from '../shared/domain/access-request.ts';
import { isRetryable } from '../shared/domain/errors.ts';
import { revocationLead } from '../shared/domain/extension.ts';
import { earliest, type Instant, latest, plus } from '../shared/domain/time.ts';
import { awaitApproval } from './approval.ts';
import { Mailbox } from './mailbox.ts';
import { backOff, patientPause, recipientsIn, Story } from './story.ts';
import { wait } from './wait.ts';

/** How often checking and granting are tried before the request fails; with the back-off about a minute. */
const grantAttempts = 6;
/** How long what was found out about the people may be relied on: after a pause they are checked again. Milliseconds. */
const eligibilityLasts = 1_000;
/** How long before the end the requester is warned. Milliseconds. */
const warningLead = 10 * 60_000;

/** The durable story of one request, from its submission to its end. Gives the state in which it ended. */
export function* accessRequest(context: OrchestrationContext): Generator<Task, State, unknown> {
  const story = new Story(context);
  const mailbox = new Mailbox(context);
  yield* awaitApproval(story, mailbox);
  yield* awaitStart(story, mailbox);
  yield* checkPeople(story, mailbox);
  if (story.request.extends === undefined) {
    yield* grant(story, mailbox);
    yield* hold(story, mailbox);
    yield* revoke(story, mailbox);
  } else {
    yield* extend(story, mailbox);
  }
  yield* finish(story, mailbox);
  return story.request.state;
}

function* awaitStart(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const start = story.request.terms.startsAt ?? story.now();
  yield* wait(story, mailbox, start, () => story.request.state === 'scheduled');
}

/** Goes on if the people are still who the policy wants, at this moment and not only when they asked and decided. */
function* checkPeople(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  for (let attempt = 1; isNext(story); attempt++) {
    const eligible = yield* story.call('checkEligibility', { request: story.request });
    if (eligible.ok) return;
    if (!isRetryable(eligible.code) || attempt >= grantAttempts)
      story.must({ kind: 'refuse-grant', code: eligible.code });
    else yield* wait(story, mailbox, plus(story.now(), backOff(attempt)), () => isNext(story));
  }
}

/** Grants, once the intent stands in the store, and for as long as the people are still who the policy wants. */
function* grant(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const isDue = () => isNext(story);
  let checkedAt = story.now();
  if (isDue()) story.must({ kind: 'begin-grant' });
  yield* write(story, mailbox);
  for (let attempt = 1; isDue() && story.now() < end(story); attempt++) {
    const isStale = story.now() >= plus(checkedAt, eligibilityLasts);
    const eligible = isStale ? yield* story.call('checkEligibility', { request: story.request }) : undefined;
    if (eligible?.ok) checkedAt = story.now();
    const granted = eligible?.ok === false ? eligible : yield* story.call('grant', { request: story.request });
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

/** While the access stands: until the deadline is near, or somebody ends it. An extension moves the deadline meanwhile. */
function* hold(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { requester } = story.request;
  const isGranted = () => story.request.state === 'granted';
  if (isGranted()) story.tell('granted', [requester]);
  while (isGranted()) {
    const deadline = end(story);
    const stands = () => isGranted() && story.request.deadline === deadline;
    const lead = plus(deadline, -revocationLead);
    const warning = plus(deadline, -warningLead);
    if (story.now() < warning) {
      yield* wait(story, mailbox, warning, stands, lead);
      if (stands()) story.tell('ending-soon', [requester]);
    }
    yield* wait(story, mailbox, lead, stands, lead);
    if (stands()) return;
    if (isGranted()) story.tell('extended', [requester]);
  }
}

/** Takes the access away, and tries without end until the target shows that it is gone. Waits for nothing else. */
function* revoke(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const isBegun = () => story.request.state === 'revoking' || story.request.state === 'overdue';
  for (
    let attempt = 1;
    isBegun() || (!isEnded(story.request.state) && story.request.deadline !== undefined);
    attempt++
  ) {
    const notBefore = isBegun() ? story.now() : end(story);
    const revoked = yield* story.call('revoke', { request: story.request, notBefore });
    const now = latest(story.now(), revoked.at);
    story.apply({ kind: 'expire' }, now);
    if (revoked.ok) {
      story.must({ kind: 'confirm-revocation', evidence: revoked.result }, now);
    } else if (isBegun()) {
      // Every attempt of months would swell the chain: the first, second, fourth, eighth … are enough to tell.
      if (Number.isInteger(Math.log2(attempt))) {
        story.must({ kind: 'delay-revocation', attempt, code: revoked.code }, now);
        story.tell('overdue', [story.request.requester, ...story.request.approvers]);
      }
      const next = plus(story.now(), backOff(attempt));
      yield* wait(story, mailbox, next, isBegun, next);
    } else {
      // It failed in its preparations, before the deadline. There is time for another attempt.
      attempt--;
      yield* mailbox.pause(200);
    }
  }
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
    else if (!applied.ok && !isRetryable(applied.code)) story.must({ kind: 'refuse-grant', code: applied.code });
    else yield* wait(story, mailbox, plus(story.now(), backOff(attempt, patientPause)), isDue);
  }
}

/** Clears up, writes and tells, for as long as it takes, and until a review that is owed has been given. */
function* finish(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { state, requester, deadline, terms } = story.request;
  if (deadline !== undefined) story.release();
  if (state !== 'denied' && state !== 'withdrawn') story.tell('ended', [requester]);
  const isOwed = () => story.request.review === 'owed';
  for (let reminder = story.now(); ; ) {
    if (terms.breakGlass && isOwed() && story.now() >= reminder) {
      story.tell('review-owed', recipientsIn(terms.breakGlass.review.by));
      reminder = plus(story.now(), terms.breakGlass.review.within);
    }
    const due = isOwed() ? earliest(reminder, story.choresDue) : story.choresDue;
    if (due === undefined) return;
    const was = isOwed();
    yield* wait(story, mailbox, due, () => isOwed() === was);
    yield* story.chores();
  }
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
