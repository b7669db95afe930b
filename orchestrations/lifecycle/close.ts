import { otherWays } from '../../shared/domain/access-request.ts';
import { earliest, type Instant, millisecondsOf, plus } from '../../shared/domain/time.ts';
import type { Durable } from '../runtime/task.ts';
import { ownersOf, recipientsIn } from './recipients.ts';
import type { Run } from './run.ts';

/** Notifies everybody whom the end concerns, and has what the request held and made cleaned up. */
export function announceEnd(run: Run): void {
  const { state, requester, deadline, terms } = run.request;
  if (deadline !== undefined) run.outbox.cleanUp({ done: run.fired?.actor }, run.now());
  if (state !== 'denied' && state !== 'withdrawn') run.notify('ended', [requester]);
  if (terms.breakGlass) run.notify('review-owed', recipientsIn(terms.breakGlass.review.by));
  if (otherWays(run.request).length > 0) run.notify('still-held', [...ownersOf(run.request), { engineers: true }]);
}

/** Records, notifies and cleans up, for as long as it takes, and until a review that is owed has been given. */
export function* close(run: Run): Durable<void> {
  const { terms, changedAt } = run.request;
  const { breakGlass } = terms;
  const isOwed = () => breakGlass !== undefined && run.request.review === 'owed';
  // Counted from the end of the access, whichever history it is.
  const reminderAfter = (now: Instant) => nextOf(changedAt, breakGlass?.review.within ?? 1, now);
  let reminder = reminderAfter(run.now());
  for (;;) {
    if (breakGlass && isOwed() && run.now() >= reminder) {
      run.notify('review-owed', recipientsIn(breakGlass.review.by));
      reminder = reminderAfter(run.now());
    }
    const due = isOwed() ? earliest(reminder, run.outbox.due) : run.outbox.due;
    if (due === undefined) return;
    const was = isOwed();
    yield* run.until(due, { while: () => isOwed() === was });
    yield* run.flush();
    if (run.isLong) return yield* run.renew();
  }
}

/** The first instant after `now` that is a whole number of periods after `first`. */
function nextOf(first: Instant, period: number, now: Instant): Instant {
  return plus(first, (Math.floor((millisecondsOf(now) - millisecondsOf(first)) / period) + 1) * period);
}
