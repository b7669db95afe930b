import { digestOf } from '../shared/domain/hash-chain.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import { timeline } from '../shared/domain/timeline.ts';

/** Milliseconds before attempt `attempt` + 1: 1 s, 2 s, 4 s … up to the longest. */
export function backOff(attempt: number, longest: number = timeline.longestRecordPauseMs): number {
  return Math.min(longest, 1000 * 2 ** (attempt - 1));
}

/** Milliseconds until the next attempt: the back-off, or as long as a server that is busy asks for, within reason. */
export function pauseAfter(
  { retryAfter = 0 }: { readonly retryAfter?: number | undefined },
  attempt: number,
  longest?: number,
): number {
  return Math.max(backOff(attempt, longest), Math.min(retryAfter * 1000, timeline.longestPatientPauseMs));
}

/** 0.5 to 1, and the same in each replay: many that failed together do not all come back together. */
export function jitter(id: RequestId, attempt: number): number {
  return 0.5 + Number.parseInt(digestOf([id, attempt]).slice(0, 8), 16) / 2 ** 33;
}
