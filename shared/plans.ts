import type { Entitlement, Person, Terms } from './domain/policy.ts';
import type { AccessProvider } from './ports.ts';

export type Providers = { readonly [Kind in Entitlement['kind']]: AccessProvider };

/** What granting would do, a sentence for each entitlement. */
export function plansFor(providers: Providers, terms: Terms, requester: Person): string[] {
  return terms.entitlements.map((entitlement) => providers[entitlement.kind].plan(entitlement, requester));
}
