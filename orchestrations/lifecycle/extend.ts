import { isRetryable } from '../../shared/domain/errors.ts';
import { isBeingFulfilled } from '../../shared/domain/states.ts';
import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { pauseAfter } from '../retry.ts';
import type { Durable } from '../runtime/task.ts';
import { grantAttempts, heldUpNotice } from './grant.ts';
import type { Run } from './run.ts';

/**
 * Has the deadline of the other grant moved. Only that grant's own lifecycle can tell whether it was, so that it is asked until
 * it has said so: what was moved must not be called failed.
 */
export function* extend(run: Run): Durable<void> {
  const isDue = () => isBeingFulfilled(run.request);
  const notifyHeldUp = heldUpNotice(run);
  let isUnchecked = true;
  for (let attempt = 1; isDue(); attempt++) {
    const { request, outbox } = run;
    const { events } = outbox;
    const call = yield* run.call('applyExtension', { request, events, isUnchecked });
    const extending = call.ok ? call.result : ({ ...call, outcome: 'failed', step: 'check' } as const);
    const isRecorded = extending.outcome !== 'failed' || extending.step === 'apply';
    if (isRecorded) {
      outbox.recorded(events.length);
      isUnchecked = false;
    }
    if (extending.outcome === 'applied') {
      run.must({ kind: 'confirm-extension', deadline: extending.deadline });
      return;
    }
    if (extending.outcome === 'failed') {
      const { code, step } = extending;
      const isGivenUp = step === 'check' && isUnchecked && attempt >= grantAttempts;
      if (!isRetryable(code) || isGivenUp) {
        run.must({ kind: 'refuse-grant', code });
        return;
      }
      if (step === 'record') {
        outbox.recordFailed(extending, run.now());
        isUnchecked = false;
        notifyHeldUp();
      }
    }
    const pause = pauseAfter(extending.outcome === 'failed' ? extending : {}, attempt, timeline.longestPatientPauseMs);
    yield* run.until(plus(run.now(), pause), { while: isDue });
  }
}
