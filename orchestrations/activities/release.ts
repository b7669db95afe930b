import { forgetHold, holdKey } from '../../shared/domain/holds.ts';
import type { Activity } from './index.ts';
import { isGone } from './target-gone.ts';

/** Clears up after a request: its holds, and what Curfew made for the person on the targets. Safe to repeat. */
export const release: Activity<'release'> = async ({ holds, providers, registry }, { request }) => {
  const { id, requester, terms, revoked } = request;
  for (const entitlement of terms.entitlements) {
    await holds.change(holdKey(entitlement, requester.principalId), (document) => ({
      document: forgetHold(document, id),
      answer: null,
    }));
  }
  if (revoked?.evidence.some(({ outcome }) => outcome === 'target-gone')) return null;
  for (const entitlement of terms.entitlements) {
    await providers[entitlement.kind].cleanUp(entitlement, requester).catch(async (error: unknown) => {
      if (!(await isGone(registry, request))) throw error;
    });
  }
  return null;
};
