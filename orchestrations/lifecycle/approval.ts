import { awaitedApprovers, stageOf } from '../../shared/domain/access-request.ts';
import { earliest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { AskApproversInput } from '../contract.ts';
import { pauseAfter } from '../retry.ts';
import type { Durable } from '../runtime/task.ts';
import { othersIn, recipientsIn } from './recipients.ts';
import type { Run } from './run.ts';

/** Until the request is approved, denied or withdrawn, or its time is over; by people, or by what the policy puts in their place. */
export function* awaitApproval(run: Run): Durable<void> {
  const { terms, requester } = run.request;
  if (!isWaiting(run)) return;
  if (terms.breakGlass) {
    run.must({ kind: 'break-glass' });
    run.notify('glass-broken', recipientsIn(terms.breakGlass.tell));
    run.notify('glass-broken', recipientsIn(terms.breakGlass.review.by));
    return;
  }
  if (terms.automatic) run.must({ kind: 'approve-automatically' });
  while (isWaiting(run)) yield* awaitStage(run);
  const { decision } = run.request;
  if (decision) run.notify('decided', [requester, ...othersIn(run.request, decision.by?.principalId)]);
}

function* awaitStage(run: Run): Durable<void> {
  const { stage, stageBegan, approveBy, requester, approvers } = run.request;
  const isHere = () => isWaiting(run) && run.request.stage === stage;
  if (approvers.length === 0) yield* ask(run, 'stage', isHere);
  else if (run.now() < approveBy) {
    run.notify('approval-wanted', awaitedApprovers(run.request));
    run.notify('waiting', [requester]);
  }
  const began = run.now();
  const { reminders = [], escalation } = stageOf(run.request) ?? {};
  const moments = [
    ...reminders
      .map((after) => ({ at: plus(stageBegan, after), what: 'reminder' as const }))
      .filter(({ at }) => at > began),
    ...(escalation ? [{ at: plus(stageBegan, escalation.after), what: 'escalation' as const }] : []),
  ].sort((one, other) => (one.at < other.at ? -1 : 1));
  for (const { at, what } of moments) {
    yield* run.until(earliest(at, approveBy), { while: isHere });
    if (!isHere() || at >= approveBy) break;
    if (what === 'escalation') yield* ask(run, 'escalation', isHere);
    else run.notify('reminder', awaitedApprovers(run.request));
  }
  yield* run.until(approveBy, { while: isHere });
  if (isHere()) run.must({ kind: 'time-out' });
}

/**
 * Has the approvers found and written to, for as long as the stage has time. Until it is known whether an attempt recorded who is
 * asked, nothing else is decided: it would come in the same place.
 */
function* ask(run: Run, of: AskApproversInput['of'], isHere: () => boolean): Durable<void> {
  const { approveBy } = run.request;
  let isUncertain = false;
  for (let attempt = 1; isUncertain || (isHere() && run.now() < approveBy); attempt++) {
    const { request, last, outbox } = run;
    const { events } = outbox;
    const call = yield* run.call('askApprovers', { request, events, of, last, at: run.now() });
    const asked = call.ok ? call.result : ({ ...call, outcome: 'failed', step: 'record' } as const);
    switch (asked.outcome) {
      case 'asked':
        outbox.recorded(events.length);
        run.happen(asked.event, true);
        for (const { kind, to } of asked.unsent) run.notify(kind, [to]);
        return;
      case 'refused':
        if (of === 'stage') run.must({ kind: 'refuse-grant', code: asked.code });
        return;
      case 'failed': {
        isUncertain ||= asked.step === 'record';
        const pause = pauseAfter(asked, attempt, timeline.longestPatientPauseMs);
        if (isUncertain) yield* run.pause(pause);
        else if (of === 'stage' && run.isLong) return yield* run.renew();
        else yield* run.until(earliest(approveBy, plus(run.now(), pause)), { while: isHere });
      }
    }
  }
}

function isWaiting(run: Run): boolean {
  return run.is('waiting-for-approval') && !run.isRenewed;
}
