import type { Person, Terms } from './domain/policy.ts';
import { type Providers, providerOf } from './providers/provider.ts';

/** What granting would do, a sentence for each entitlement. */
export function plansFor(providers: Providers, terms: Terms, requester: Person): string[] {
  return terms.entitlements.map((entitlement) => providerOf(providers, entitlement).plan(entitlement, requester));
}
