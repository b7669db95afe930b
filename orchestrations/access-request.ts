import type { OrchestrationContext, Task } from 'durable-functions';
import { isEnded, type State } from '../shared/domain/access-request.ts';
import { isRetryable } from '../shared/domain/errors.ts';
import { earliest, type Instant, latest, plus } from '../shared/domain/time.ts';
import { Mailbox } from './mailbox.ts';
import { backOff, Story } from './story.ts';

/**
 * How long before the deadline the revocation is handed to its activity, which prepares and then waits for the instant
 * itself: durable timers fire up to a second early or late. Milliseconds. From here on the deadline is final.
 */
const revocationLead = 3_000;
/** How often checking and granting are tried before the request fails; with the back-off about a minute. */
const grantAttempts = 6;
const beforeGrant: readonly State[] = ['scheduled', 'granting'];

/** The durable story of one request, from its submission to its end. Gives the state in which it ended. */
export function* accessRequest(context: OrchestrationContext): Generator<Task, State, unknown> {
  const story = new Story(context);
  const mailbox = new Mailbox(context);
  yield* awaitApproval(story, mailbox);
  yield* awaitStart(story, mailbox);
  yield* grant(story, mailbox);
  yield* hold(story, mailbox);
  yield* revoke(story, mailbox);
  yield* finish(story, mailbox);
  return story.request.state;
}

function* awaitApproval(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  story.tell('approval-wanted', story.request.approvers);
  yield* wait(story, mailbox, story.request.terms.approveBy, ['waiting-for-approval']);
  story.apply({ kind: 'time-out' });
  const { requester, approvers, decision } = story.request;
  if (decision)
    story.tell('decided', [
      requester,
      ...approvers.filter(({ principalId }) => principalId !== decision.by.principalId),
    ]);
}

function* awaitStart(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  yield* wait(story, mailbox, story.request.terms.startsAt ?? story.now(), ['scheduled']);
}

/** Grants, if the people are still who the policy wants, and only once the intent stands in the store. */
function* grant(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const isNext = () => beforeGrant.includes(story.request.state);
  for (let attempt = 1; isNext() && story.request.deadline === undefined; attempt++) {
    const eligible = yield* story.call('checkEligibility', { request: story.request });
    if (eligible.ok) story.must({ kind: 'begin-grant' });
    else if (!isRetryable(eligible.code) || attempt >= grantAttempts)
      story.must({ kind: 'refuse-grant', code: eligible.code });
    else yield* wait(story, mailbox, plus(story.now(), backOff(attempt)), beforeGrant);
  }
  while (isNext() && !story.isWritten) {
    yield* story.write();
    if (!story.isWritten) yield* wait(story, mailbox, story.writeDue, beforeGrant);
  }
  for (let attempt = 1; isNext() && story.now() < end(story); attempt++) {
    const granted = yield* story.call('grant', { request: story.request });
    if (granted.ok) story.must({ kind: 'confirm-grant', evidence: granted.result });
    else if (!isRetryable(granted.code) || attempt >= grantAttempts)
      story.must({ kind: 'abandon-grant', code: granted.code });
    else yield* wait(story, mailbox, earliest(plus(story.now(), backOff(attempt)), end(story)), beforeGrant);
  }
  if (isNext()) story.must({ kind: 'abandon-grant', code: 'CURFEW_DEADLINE_PASSED' });
}

/** While the access stands: until the deadline is near, or somebody ends it. */
function* hold(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  if (story.request.state !== 'granted') return;
  story.tell('granted', [story.request.requester]);
  const lead = plus(end(story), -revocationLead);
  yield* wait(story, mailbox, lead, ['granted'], lead);
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
      yield* wait(story, mailbox, next, ['revoking', 'overdue'], next);
    } else {
      // It failed in its preparations, before the deadline. There is time for another attempt.
      attempt--;
      yield* mailbox.pause(200);
    }
  }
}

/** Clears up, writes and tells, for as long as it takes. */
function* finish(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { state, requester, deadline } = story.request;
  if (deadline !== undefined) story.release();
  if (state !== 'denied' && state !== 'withdrawn') story.tell('ended', [requester]);
  for (let due = story.choresDue; due !== undefined; due = story.choresDue) {
    while (story.now() < due) yield* mailbox.next(due);
    yield* story.chores();
  }
}

/**
 * Waits in these states until the instant, doing the chores and letting the domain decide on each command that comes.
 * Chores that are under way at `limit` are left to themselves.
 */
function* wait(
  story: Story,
  mailbox: Mailbox,
  until: Instant,
  during: readonly State[],
  limit?: Instant,
): Generator<Task, void, unknown> {
  while (during.includes(story.request.state) && story.now() < until) {
    yield* story.chores(limit);
    const command = yield* mailbox.next(earliest(until, story.choresDue));
    if (command) story.apply(command);
  }
}

function end(story: Story): Instant {
  const { deadline } = story.request;
  if (deadline === undefined) throw new Error('there is no deadline yet');
  return deadline;
}
