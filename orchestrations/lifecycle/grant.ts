import { isRetryable } from '../../shared/domain/errors.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { isBeingFulfilled } from '../../shared/domain/states.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Granting } from '../contract.ts';
import { pauseAfter } from '../retry.ts';
import type { Durable } from '../runtime/task.ts';
import type { Run } from './run.ts';

/** How often granting is tried before the request fails; with the back-off about a minute. */
export const grantAttempts = 6;

/** Until a booked start is near enough to be waited for in a process, which is exact. */
export function* awaitStart(run: Run): Durable<void> {
  const start = run.request.terms.startsAt ?? run.now();
  yield* run.until(start, { while: () => run.is('scheduled') && !run.isStartNear });
}

/**
 * Grants, for as long as the people are still who the policy wants. What the activity records first, the intent with the deadline,
 * has happened here as soon as it may be recorded there; from then on a failure is undone by a revocation.
 */
export function* grant(run: Run): Durable<void> {
  const isDue = () => isBeingFulfilled(run.request);
  const notifyHeldUp = heldUpNotice(run);
  let failures = 0;
  let isTouched = false;
  const intents: RecordedEvent[] = [];
  for (let attempt = 1; isDue(); attempt++) {
    const granting = yield* tryGrant(run, intents);
    isTouched ||= granting.outcome === 'granted' || granting.step === 'grant' || granting.code === 'CURFEW_INTERNAL';
    if (granting.outcome === 'granted') {
      run.must({ kind: 'confirm-grant', evidence: granting.evidence });
      run.notify('granted', [run.request.requester]);
      return;
    }
    const { code } = granting;
    const { deadline } = run.request;
    // Nothing can be undone without the hold documents but by revoking what is another request's too: so they are waited for.
    const isHeldUp = code === 'CURFEW_STORE_UNAVAILABLE';
    if (!isHeldUp) failures++;
    if (!isRetryable(code) || failures >= grantAttempts) {
      if (deadline !== undefined && !isTouched) yield* awaitRecord(run, isDue);
      if (!isDue()) return;
      run.must({ kind: deadline === undefined ? 'refuse-grant' : 'abandon-grant', code });
      return;
    }
    if (isHeldUp) notifyHeldUp();
    const next = earliest(plus(run.now(), pauseAfter(granting, attempt)), deadline);
    yield* run.until(next, { while: isDue, limit: deadline });
  }
}

/** The target was not touched without a record: what others hold there is left alone, until the hold documents can be read. */
function* awaitRecord(run: Run, isDue: () => boolean): Durable<void> {
  for (let due = run.outbox.recordDue; due !== undefined && isDue(); due = run.outbox.recordDue) {
    yield* run.until(due, { while: isDue });
    yield* run.flush();
  }
}

/** The intent is the same in each attempt: a copy of an earlier one may have recorded it, though that one failed before. */
function* tryGrant(run: Run, intents: RecordedEvent[]): Durable<Granting> {
  const { request, outbox } = run;
  const { startsAt } = request.terms;
  const at = latest(run.now(), startsAt);
  const known = intents.find(({ previousHash }) => previousHash === run.last.hash);
  const intent = request.deadline === undefined ? (known ?? run.propose({ kind: 'begin-grant' }, at)) : undefined;
  if (intent && !known) intents.push(intent);
  const intended = intent ? evolve(request, request.id, intent.event) : request;
  const { deadline } = intended;
  if (deadline === undefined || deadline <= run.now()) {
    if (intent) run.happen(intent);
    return { outcome: 'failed', step: 'record', code: 'CURFEW_DEADLINE_PASSED' };
  }
  const pending = outbox.events;
  const events = intent ? [...pending, intent] : pending;
  const call = yield* run.call('grant', { request: intended, events, notBefore: startsAt }, run.nearby(deadline));
  // Nothing is known of what died: the intent may be recorded, and the access granted.
  const granting = call.ok ? call.result : ({ ...call, outcome: 'failed', step: 'record' } as const);
  const isRecorded = granting.outcome === 'granted' || granting.step === 'grant';
  if (isRecorded) outbox.recorded(pending.length);
  if (intent && (isRecorded || granting.step === 'record')) run.happen(intent, isRecorded);
  if (!isRecorded && granting.step === 'record') outbox.recordFailed(granting, run.now());
  return granting;
}

/** Returns what notifies the requester, once, that what is approved waits for the store; not before it has for long. */
export function heldUpNotice(run: Run): () => void {
  const due: Instant = plus(run.now(), timeline.heldUpAfterMs);
  let isDone = false;
  return () => {
    if (isDone || run.now() < due) return;
    run.notify('held-up', [run.request.requester]);
    isDone = true;
  };
}
