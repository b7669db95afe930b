import { z } from 'zod';
import { canonicalJson } from '../domain/canonical-json.ts';
import { CurfewError } from '../domain/errors.ts';
import type { Entitlement } from '../domain/policy.ts';
import { withFallbacks } from './fallbacks.ts';
import type { AccessKind, ProviderOptions, Providers, TargetRegistry } from './provider.ts';
import { sqlRole } from './sql-role/index.ts';

/** Every kind of access that Curfew gives: a folder here and a line in this list. */
export const kinds: AccessKind[] = [sqlRole];

export function kindOf({ kind }: Pick<Entitlement, 'kind'>): AccessKind | undefined {
  return kinds.find((each) => each.kind === kind);
}

/** Names an entitlement for people, within a sentence; one of a kind that this version doesn't know by its fields. */
export function describeEntitlement(entitlement: Entitlement): string {
  return kindOf(entitlement)?.describe(entitlement) ?? canonicalJson({ ...entitlement });
}

/** Where an entitlement is, for people, within a sentence. */
export function describePlace(entitlement: Entitlement): string {
  return kindOf(entitlement)?.describePlace(entitlement) ?? canonicalJson({ ...entitlement });
}

/** What to do where Curfew can't end the access. */
export function endByHand(entitlement: Entitlement): ReturnType<AccessKind['endByHand']> {
  const known = kindOf(entitlement)?.endByHand(entitlement);
  return known ?? { what: describeEntitlement(entitlement), steps: ['Tell the people who run Curfew.'] };
}

/** The commands with which the holder of an entitlement can begin to work: one, or none. */
export function connectHint(entitlement: Entitlement): string[] {
  const hint = kindOf(entitlement)?.connectHint?.(entitlement);
  return hint === undefined ? [] : [hint];
}

export function createProviders(options: ProviderOptions): Providers {
  return Object.fromEntries(
    kinds.map(({ kind, createProvider }) => [kind, withFallbacks(createProvider(options), options.clock)]),
  );
}

/** Asks, of each resource, the registry of the kind whose policy takes its id. */
export function createRegistry(options: ProviderOptions): TargetRegistry {
  const registries = kinds.flatMap(({ createRegistry: create, policy }) => {
    const form = policy.target['resource-id'];
    return create && form ? [{ form, registry: create(options) }] : [];
  });
  const registryOf = (resourceId: string): TargetRegistry => {
    const found = registries.find(({ form }) => form.safeParse(resourceId).success);
    if (found) return found.registry;
    throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', { detail: 'No registry knows such resources.' });
  };
  return {
    isGone: async (resourceId) => registryOf(resourceId).isGone(resourceId),
    preflight: async (resourceId) => registryOf(resourceId).preflight(resourceId),
  };
}

/** An entitlement of any kind, as it stands in events and in answers of the API. */
export function entitlementSchema(): z.ZodType<Entitlement> {
  const schemas = kinds.map(({ entitlement }) => entitlement);
  return schemas.length === 1 && schemas[0] ? schemas[0] : z.union(schemas);
}
