import { canonicalJson } from './canonical-json.ts';
import type { Recorded, RevocationEvidence } from './events.ts';
import type { DriftId, PrincipalId } from './ids.ts';
import type { DriftPolicy, Entitlement } from './policy.ts';
import type { Instant } from './time.ts';

/**
 * Whoever has an entitlement, as the target names them. An application has its client id for a principal id, and whom Entra
 * ID doesn't know has ''.
 */
export interface Holder {
  readonly principalId: PrincipalId;
  readonly name: string;
}

export interface Drift {
  readonly entitlement: Entitlement;
  readonly holder: Holder;
}

/** What was found on a target beside Curfew's own grants, in the past tense. */
export type DriftEvent =
  /** Somebody held the entitlement, and neither a request nor the policy says why. `action` is what the policy says to do. */
  | (Drift & { readonly type: 'drift-found'; readonly at: Instant; readonly action: DriftPolicy['action'] })
  /** Curfew took the entitlement away, as the policy says, and saw it gone. */
  | (Drift & {
      readonly type: 'drift-removed';
      readonly at: Instant;
      readonly evidence: Omit<RevocationEvidence, 'entitlement' | 'holdsUnknown'>;
    })
  /** Nothing is left to explain: the target no longer shows the holder, or the policy calls them standing. */
  | (Drift & { readonly type: 'drift-gone'; readonly at: Instant });

/** In the chain of its target. */
export type RecordedDrift = Recorded<DriftId, DriftEvent>;

/** Tells one holder of one entitlement from all others. Names may change, but some have nothing else. */
export function holderKey(entitlement: Entitlement, { principalId, name }: Holder): string {
  return canonicalJson([{ ...entitlement }, principalId, principalId === '' ? name : '']);
}

/** What was found and is neither removed nor gone, by `holderKey`. */
export function openDrifts(events: readonly RecordedDrift[]): Map<string, Drift> {
  const open = new Map<string, Drift>();
  for (const { event } of events) {
    const { type, entitlement, holder } = event;
    if (type === 'drift-found') open.set(holderKey(entitlement, holder), { entitlement, holder });
    else open.delete(holderKey(entitlement, holder));
  }
  return open;
}
