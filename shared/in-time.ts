import { CurfewError, type ErrorCode } from './domain/errors.ts';
import type { Instant } from './domain/time.ts';
import type { Clock } from './ports.ts';

/** The answer, or a refusal where it doesn't come by the end. The work goes on then, and nobody hears of it. */
export function inTime<Answer>(
  clock: Clock,
  end: Instant,
  work: Promise<Answer>,
  code: ErrorCode = 'CURFEW_TARGET_UNAVAILABLE',
): Promise<Answer> {
  const late = clock.sleepUntil(end).then(() => Promise.reject(new CurfewError(code)));
  return Promise.race([work, late]);
}
