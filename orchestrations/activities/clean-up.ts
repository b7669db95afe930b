import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { clearFrom, forgetHold, holdKey } from '../../shared/domain/holds.ts';
import { type Instant, latest } from '../../shared/domain/time.ts';
import { providerOf } from '../../shared/providers/provider.ts';
import type { CleanUp } from '../contract.ts';
import type { ActivityDependencies } from './activity.ts';
import { isGone } from './target-gone.ts';

type Cleaning = Pick<ActivityDependencies, 'clock' | 'holds' | 'providers' | 'registry'>;

/**
 * Removes the holds of a request that has ended, and what Curfew made for the requester on the targets. Safe to repeat. Returns
 * from when on it may be done, where a claim may still be acted on: a grant in between would be cut short.
 */
export async function cleanUp(
  { clock, holds, providers, registry }: Cleaning,
  request: Pick<AccessRequest, 'id' | 'requester' | 'terms' | 'revoked'>,
  { done }: CleanUp,
): Promise<Instant | undefined> {
  const { id, requester, terms, revoked } = request;
  let notBefore: Instant | undefined;
  for (const entitlement of terms.entitlements) {
    const from = await holds.change(holdKey(entitlement, requester.principalId), (document) => {
      const clear = clearFrom(document, id, done);
      const isClear = clear === undefined || clear <= clock.now();
      return isClear ? { document: forgetHold(document, id), answer: undefined } : { document, answer: clear };
    });
    if (from !== undefined) notBefore = latest(from, notBefore);
  }
  if (notBefore !== undefined) return notBefore;
  if (revoked?.evidence.some(({ outcome }) => outcome === 'target-gone')) return undefined;
  for (const entitlement of terms.entitlements) {
    await providerOf(providers, entitlement)
      .cleanUp(entitlement, requester)
      .catch(async (error: unknown) => {
        if (!(await isGone(registry, request))) throw error;
      });
  }
  return undefined;
}
