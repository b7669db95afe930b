import type { Target } from './domain/policy.ts';
import type { Providers } from './plans.ts';
import type { Lack, Preflight } from './ports.ts';

/** What Curfew lacks on a target for everything that the policy gives there; what several roles lack, once. */
export async function preflightOf(target: Target, providers: Providers): Promise<Preflight> {
  const lacks = new Map<string, Lack>();
  let found: Preflight = { user: undefined };
  for (const entitlement of target.roles.flatMap((role) => role.entitlements)) {
    found = await providers[entitlement.kind].preflight(entitlement);
    // All are in one place: who is not let in there once need not knock again.
    if (found.user === undefined) return found;
    for (const lack of found.lacks) lacks.set(lack.statement, lack);
  }
  return found.user === undefined ? found : { ...found, lacks: [...lacks.values()] };
}
