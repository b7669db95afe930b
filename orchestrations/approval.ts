import type { Task } from 'durable-functions';
import { awaitedApprovers, stageOf } from '../shared/domain/access-request.ts';
import { earliest, type Instant, plus } from '../shared/domain/time.ts';
import type { Mailbox } from './mailbox.ts';
import { backOff, patientPause, recipientsIn, type Story } from './story.ts';
import { wait } from './wait.ts';

/** Until the request is approved, denied, taken back, or its time is over; by people, or by what the policy puts in their place. */
export function* awaitApproval(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { terms, requester } = story.request;
  if (!isWaiting(story)) return;
  if (terms.breakGlass) {
    story.must({ kind: 'break-glass' });
    story.tell('glass-broken', recipientsIn(terms.breakGlass.tell));
    story.tell('glass-broken', recipientsIn(terms.breakGlass.review.by));
    return;
  }
  if (terms.automatic) story.must({ kind: 'approve-automatically' });
  while (isWaiting(story)) yield* awaitStage(story, mailbox);
  const { decision, approvers, approvals } = story.request;
  if (!decision) return;
  const others = [...approvers, ...approvals.map(({ by }) => by)].filter(
    ({ principalId }) => principalId !== decision.by?.principalId,
  );
  story.tell('decided', [requester, ...new Map(others.map((other) => [other.principalId, other])).values()]);
}

function* awaitStage(story: Story, mailbox: Mailbox): Generator<Task, void, unknown> {
  const { stage, stageBegan, approveBy, requester } = story.request;
  const isHere = () => isWaiting(story) && story.request.stage === stage;
  if (story.request.approvers.length === 0) yield* findApprovers(story, mailbox, 'stage', isHere, approveBy);
  if (isHere()) {
    story.tell('approval-wanted', awaitedApprovers(story.request));
    story.tell('waiting', [requester]);
  }
  const { reminders = [], escalation } = stageOf(story.request) ?? {};
  const moments = [
    ...reminders.map((after) => ({ at: plus(stageBegan, after), what: 'reminder' as const })),
    ...(escalation ? [{ at: plus(stageBegan, escalation.after), what: 'escalation' as const }] : []),
  ].sort((one, other) => (one.at < other.at ? -1 : 1));
  for (const { at, what } of moments) {
    // Whoever goes on with a story has just asked them all again.
    if (story.isResumed && what === 'reminder' && at <= story.now()) continue;
    yield* wait(story, mailbox, earliest(at, approveBy), isHere);
    if (!isHere() || at >= approveBy) break;
    if (what === 'escalation') yield* findApprovers(story, mailbox, 'escalation', isHere, approveBy);
    else story.tell('reminder', awaitedApprovers(story.request));
  }
  yield* wait(story, mailbox, approveBy, isHere);
  if (isHere()) story.must({ kind: 'time-out' });
}

/** Asks the directory who they are, for as long as the stage has time. Who can't be found in it can't be asked. */
function* findApprovers(
  story: Story,
  mailbox: Mailbox,
  of: 'stage' | 'escalation',
  isHere: () => boolean,
  approveBy: Instant,
): Generator<Task, void, unknown> {
  for (let attempt = 1; isHere() && story.now() < approveBy; attempt++) {
    const found = yield* story.call('findApprovers', { request: story.request, of });
    if (!found.ok) {
      yield* wait(story, mailbox, earliest(approveBy, plus(story.now(), backOff(attempt, patientPause))), isHere);
      continue;
    }
    const before = story.request.approvers;
    const refusal = story.apply({ kind: of === 'stage' ? 'begin-stage' : 'escalate', approvers: found.result });
    if (refusal && of === 'stage') story.must({ kind: 'refuse-grant', code: refusal.code });
    if (!refusal && of === 'escalation') {
      story.tell('approval-wanted', story.request.approvers.slice(before.length));
    }
    return;
  }
}

function isWaiting({ request: { state } }: Story): boolean {
  return state === 'waiting-for-approval';
}
