import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './canonical-json.ts';
import type { Recorded } from './events.ts';
import type { Digest } from './ids.ts';

export function digestOf(value: Json): Digest {
  return createHash('sha256').update(canonicalJson(value)).digest('hex') as Digest;
}

/**
 * Puts an event in its place: numbered, and bound by SHA-256 to everything before it. The first event is bound to
 * its request's id, so that no chain can be passed off as another's.
 */
export function link<Chain extends string, Event>(
  requestId: Chain,
  previous: Recorded<Chain, Event> | undefined,
  event: Event,
): Recorded<Chain, Event> {
  const unsealed = {
    requestId,
    sequence: previous === undefined ? 0 : previous.sequence + 1,
    previousHash: previous === undefined ? digestOf(requestId) : previous.hash,
    event,
  };
  return { ...unsealed, hash: digestOf(unsealed as unknown as Json) };
}

/** Where a chain breaks, or undefined where it holds. `sequence` is the first event that can't be trusted. */
export interface ChainBreak {
  readonly sequence: number;
  readonly problem: 'missing' | 'altered' | 'unlinked' | 'foreign';
}

/** Walks a request's events in their order. What was cut off at the end can't be seen from the chain alone. */
export function verifyChain<Chain extends string>(
  requestId: Chain,
  events: readonly Recorded<Chain, unknown>[],
): ChainBreak | undefined {
  let previousHash = digestOf(requestId);
  for (const [sequence, recorded] of events.entries()) {
    const { hash, ...unsealed } = recorded;
    if (recorded.requestId !== requestId) return { sequence, problem: 'foreign' };
    if (recorded.sequence !== sequence) return { sequence, problem: 'missing' };
    if (recorded.previousHash !== previousHash) return { sequence, problem: 'unlinked' };
    if (digestOf(unsealed as unknown as Json) !== hash) return { sequence, problem: 'altered' };
    previousHash = hash;
  }
  return events.length === 0 ? { sequence: 0, problem: 'missing' } : undefined;
}
