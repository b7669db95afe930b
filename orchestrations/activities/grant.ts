import { CurfewError } from '../../shared/domain/errors.ts';
import type { GrantEvidence } from '../../shared/domain/events.ts';
import { acquireHold, holdKey, settleStanding } from '../../shared/domain/holds.ts';
import type { Activity } from './index.ts';

/** Grants every entitlement of the role. What fails half-way is undone by the revocation that follows a failure. */
export const grant: Activity<'grant'> = async ({ clock, holds, providers }, { request }) => {
  const { id, requester, terms, deadline } = request;
  if (deadline === undefined) throw new CurfewError('CURFEW_INTERNAL');
  const evidence: GrantEvidence[] = [];
  for (const entitlement of terms.entitlements) {
    const provider = providers[entitlement.kind];
    const key = holdKey(entitlement, requester.principalId);
    // The hold comes first: from here on a crash leaves a record of who must take the entitlement away.
    const acquired = await holds.change(key, (document) => {
      const hold = acquireHold(document, id, deadline);
      return hold === 'claimed' ? { document, answer: false } : { document: hold, answer: true };
    });
    if (!acquired) throw new CurfewError('CURFEW_HOLD_CLAIMED');
    const held = await provider.isHeld(entitlement, requester);
    const standing = await holds.change(key, (document) => {
      if (document?.holds[id] === undefined) throw new CurfewError('CURFEW_REQUEST_ENDED');
      const settled = settleStanding(document, held);
      return { document: settled, answer: settled.standing };
    });
    if (clock.now() >= deadline) throw new CurfewError('CURFEW_REQUEST_ENDED');
    if (!standing) await provider.grant(entitlement, requester);
    evidence.push({ entitlement, outcome: standing ? 'already-held' : 'granted', verifiedAt: clock.now() });
  }
  return evidence;
};
