import type { ErrorCode } from '../../shared/domain/errors.ts';
import { alertDue } from '../../shared/domain/overdue.ts';
import { isEnded, isEnding, mayHold } from '../../shared/domain/states.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Outcome, Revoked } from '../contract.ts';
import { backOff, jitter } from '../retry.ts';
import type { Durable } from '../runtime/task.ts';
import type { Run } from './run.ts';

/**
 * Revokes, and tries without end until the target shows that the access is gone. Nothing else is waited for. In the end the access
 * is gone, or the run goes on in a new history.
 */
export function* revoke(run: Run): Durable<void> {
  const isBegun = () => isEnding(run.request);
  /** Attempts in a row that the hub was too slow for. */
  let tooSlow = 0;
  while (mayHold(run.request)) {
    yield* awaitRetry(run);
    if (run.isRenewed) return;
    const notBefore = isBegun() ? run.now() : run.deadline;
    const wasDropped = isDropped(run);
    const revoked = yield* attempt(run, notBefore, tooSlow);
    if (!revoked.ok && revoked.code === 'CURFEW_HUB_BUSY' && !wasDropped) {
      yield* run.catchUp();
      // It has been heard meanwhile that the access is gone: the next attempt only verifies it.
      if (isDropped(run)) continue;
    }
    tooSlow = !revoked.ok && revoked.code === 'CURFEW_HUB_BUSY' ? tooSlow + 1 : 0;
    // What is gone was not dropped before its time, even where a clock has been set back since.
    const now = latest(run.now(), revoked.at, revoked.ok ? notBefore : undefined);
    run.apply({ kind: 'expire' }, now);
    if (revoked.ok) {
      run.must({ kind: 'confirm-revocation', evidence: revoked.result.evidence }, now);
      run.fired = { actor: revoked.result.actor, evidence: [] };
    } else if (isBegun()) {
      run.attempts++;
      noteDelay(run, revoked.code, now);
      const { id, revocation } = run.request;
      const pause = backOff(run.attempts, revocation.longestPause) * jitter(id, run.attempts);
      const at = plus(run.now(), Math.ceil(pause));
      // From the deadline on it is revoked though it isn't known who else holds it.
      run.retry = { at: run.now() < run.deadline ? earliest(at, run.deadline) : at, code: revoked.code };
    } else {
      // It failed in its preparations, before the deadline. There is time for another attempt.
      yield* run.pause(200);
    }
  }
}

/** One attempt, or the answer of an earlier one that came after its limit. */
function* attempt(run: Run, notBefore: Instant, tooSlow: number): Durable<Outcome<Revoked>> {
  const late = lateRevocation(run);
  if (late) return late;
  const { request, fired } = run;
  const begins = latest(run.now(), notBefore);
  const spread = tooSlow > 0 ? 2 * jitter(request.id, run.attempts) : 1;
  const grown = Math.ceil(timeline.revokeLimitMs * 2 ** tooSlow * spread);
  const limit = isDropped(run) ? timeline.longestRevokeLimitMs : Math.min(timeline.longestRevokeLimitMs, grown);
  const byAlert = isDropped(run) ? undefined : alertDue(request);
  const giveUp = latest(plus(begins, 2_000), earliest(plus(begins, limit), byAlert));
  const made = yield* run.call('revoke', { request, notBefore, giveUp, fired }, plus(giveUp, timeline.lostAfterMs));
  // Of what an earlier attempt dropped this one knows only that it is gone.
  const isWhole = made.ok && made.result.evidence.every(({ outcome }) => outcome !== 'absent');
  return isWhole ? made : (lateRevocation(run) ?? made);
}

/** The revocation of an earlier attempt of which nothing was heard in time. */
function lateRevocation(run: Run): Outcome<Revoked> | undefined {
  for (let late = run.lateAnswer('revoke'); late; late = run.lateAnswer('revoke')) if (late.ok) return late;
  return undefined;
}

/** What is said to be dropped is only to be verified, and nobody need be alerted. */
function isDropped({ attempts, fired, request: { terms } }: Run): boolean {
  return attempts === 0 && fired !== undefined && fired.evidence.length >= terms.entitlements.length;
}

/** Waits until the next attempt is due. Where the history has become long, the run goes on in a new one meanwhile. */
function* awaitRetry(run: Run): Durable<void> {
  while (run.retry && run.now() < run.retry.at) {
    if (run.isLong) return yield* run.renew();
    const { at, code } = run.retry;
    yield* run.until(earliest(at, alertDue(run.request)), { while: () => !run.isLong, limit: at });
    noteDelay(run, code, run.now());
  }
}

/** Every attempt of months would swell the chain: an event says so at first, and with each alert. */
function noteDelay(run: Run, code: ErrorCode, now: Instant): void {
  if (isEnded(run.request)) return;
  const due = alertDue(run.request);
  const isAlert = due !== undefined && now >= due;
  if (run.request.delay && !isAlert) return;
  run.must({ kind: 'delay-revocation', attempt: run.attempts, code }, now);
  const { requester, approvers } = run.request;
  if (isAlert) run.notify('overdue', [requester, ...approvers, { engineers: true }]);
}
