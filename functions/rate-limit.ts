import { CurfewError } from '../shared/domain/errors.ts';
import { millisecondsOf } from '../shared/domain/time.ts';
import type { Clock } from '../shared/ports.ts';

/** Throws CURFEW_RATE_LIMITED where the key has used up its calls. */
export type RateLimit = (key: string) => void;

/** So many keys are kept; whoever has not called for longest is forgotten first, and had mostly all calls left. */
const keysKept = 10_000;

/**
 * A bucket of `perMinute` calls for each key, filled evenly (token bucket). It is this instance's own: where several run, each
 * lets so many through. It is there against runaway portals and guessing, and no promise hangs on it.
 */
export function createRateLimit(clock: Clock, perMinute: number): RateLimit {
  const buckets = new Map<string, { calls: number; at: number }>();
  const perMillisecond = perMinute / 60_000;
  return (key) => {
    const now = millisecondsOf(clock.now());
    const { calls, at } = buckets.get(key) ?? { calls: perMinute, at: now };
    const left = Math.min(perMinute, calls + (now - at) * perMillisecond);
    buckets.delete(key);
    buckets.set(key, { calls: left >= 1 ? left - 1 : left, at: now });
    const oldest = buckets.size > keysKept ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    if (left >= 1) return;
    const retryAfter = Math.max(1, Math.ceil((1 - left) / perMillisecond / 1000));
    throw new CurfewError('CURFEW_RATE_LIMITED', { remedy: { kind: 'try-again-in', seconds: retryAfter }, retryAfter });
  };
}
