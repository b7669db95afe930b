import { CurfewError, type ErrorCode } from './domain/errors.ts';
import type { Instant } from './domain/time.ts';
import type { Clock } from './ports.ts';

/**
 * Returns the answer of `work`, or fails with `code` where there is none at `end`. The work goes on then, and its answer is
 * lost. `code` names the system that is waited for, so that a store that hangs is not booked as the database's fault.
 */
export function withTimeout<Answer>(
  clock: Clock,
  end: Instant,
  work: Promise<Answer>,
  code: ErrorCode,
): Promise<Answer> {
  const late = clock.sleepUntil(end).then(() => Promise.reject(new CurfewError(code)));
  return Promise.race([work, late]);
}
