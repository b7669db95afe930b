import { forgetHold, holdKey } from '../../shared/domain/holds.ts';
import type { Activity } from './index.ts';

/** Clears up after a request: its holds, and what Curfew made for the person on the targets. Safe to repeat. */
export const release: Activity<'release'> = async ({ holds, providers }, { request }) => {
  const { id, requester, terms } = request;
  for (const entitlement of terms.entitlements) {
    await holds.change(holdKey(entitlement, requester.principalId), (document) => ({
      document: forgetHold(document, id),
      answer: null,
    }));
  }
  for (const entitlement of terms.entitlements) await providers[entitlement.kind].cleanUp(entitlement, requester);
  return null;
};
