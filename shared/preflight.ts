import type { Entitlement, Target } from './domain/policy.ts';
import { type Lack, type Preflight, type Providers, providerOf } from './providers/provider.ts';

/** The entitlements of a target, those together that have one batch key. */
export function batchesOf({ roles }: Target, providers: Providers): readonly (readonly Entitlement[])[] {
  const all = roles.flatMap(({ entitlements }) => entitlements);
  const keyOf = (each: Entitlement) => JSON.stringify([each.kind, providerOf(providers, each).batchKey(each)]);
  return [...Map.groupBy(all, keyOf).values()];
}

/** What Curfew lacks for all of the entitlements, which have one batch key; what several lack, once. */
export async function preflightOf(entitlements: readonly Entitlement[], providers: Providers): Promise<Preflight> {
  const lacks = new Map<string, Lack>();
  let found: Preflight = { user: undefined };
  for (const entitlement of entitlements) {
    found = await providerOf(providers, entitlement).preflight(entitlement);
    // All are in one place: who is not let in there once need not knock again.
    if (found.user === undefined) return found;
    for (const lack of found.lacks) lacks.set(lack.statement, lack);
  }
  return found.user === undefined ? found : { ...found, lacks: [...lacks.values()] };
}
