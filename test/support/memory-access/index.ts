import { z } from 'zod';
import { text } from '../../../shared/adapters/policy-file/fields.ts';
import { CurfewError } from '../../../shared/domain/errors.ts';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import type { AccessKind, ProviderPort } from '../../../shared/providers/provider.ts';

const memoryEntitlement = z.object({ kind: z.literal('memory'), vault: z.string(), key: z.string() });
type MemoryEntitlement = Readonly<z.infer<typeof memoryEntitlement>>;

/** Who holds which key of which vault, by the name that the vault knows them by. */
export const holders = new Map<string, Map<PrincipalId, string>>();
const placeOf = ({ vault, key }: Pick<MemoryEntitlement, 'vault' | 'key'>) => `${vault}/${key}`;
export function holdersOf(of: Pick<MemoryEntitlement, 'vault' | 'key'>): Map<PrincipalId, string> {
  const found = holders.get(placeOf(of)) ?? new Map();
  holders.set(placeOf(of), found);
  return found;
}

/** A kind of access that stands for all that Curfew doesn't know yet: it can do what every kind can, and nothing else. */
export const memoryAccess: AccessKind<MemoryEntitlement> = {
  kind: 'memory',
  entitlement: memoryEntitlement,
  policy: {
    target: { vault: text(100, 'Name of the vault.') },
    entitlement: text(100, 'A key of the vault.'),
    read: ({ vault }, key) => memoryEntitlement.parse({ kind: 'memory', vault, key }),
  },
  describe: ({ vault, key }) => `the key ${key} of the vault ${vault}`,
  describePlace: ({ vault }) => `the vault ${vault}`,
  endByHand: ({ vault, key }) => ({ what: `Key ${key} of the vault ${vault}`, steps: ['Change the lock.'] }),
  onboarding: {
    mend: (_, statements) => ({ where: '# at the vault', lines: statements }),
    letIn: () => ({ where: '# at the vault', lines: ['Let Curfew in.'] }),
  },
  createProvider: ({ clock }): ProviderPort<MemoryEntitlement> => ({
    kind: 'memory',
    plan: ({ vault, key }, { userPrincipalName }) => `Hands ${userPrincipalName} the key ${key} of the vault ${vault}.`,
    batchKey: ({ vault }) => vault,
    identityOf: ({ principalId }) => principalId,
    isHeld: async (entitlement, { principalId }) => holdersOf(entitlement).has(principalId),
    async grant(entitlement, { principalId, userPrincipalName }, notAfter) {
      if (notAfter !== undefined && clock.now() >= notAfter) throw new CurfewError('CURFEW_DEADLINE_PASSED');
      const held = holdersOf(entitlement);
      if (held.has(principalId)) return 'already-held';
      held.set(principalId, userPrincipalName);
      return 'granted';
    },
    async revoke(entitlement, { principalId }, notBefore, notAfter) {
      await clock.sleepUntil(notBefore);
      if (notAfter !== undefined && clock.now() >= notAfter) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
      const isDropped = holdersOf(entitlement).delete(principalId);
      return { outcome: isDropped ? 'revoked' : 'absent', droppedAt: clock.now() };
    },
    holders: async (entitlement) => [...holdersOf(entitlement)].map(([principalId, name]) => ({ principalId, name })),
    preflight: async () => ({ user: 'curfew', isOwner: false, lacks: [] }),
  }),
};
