import { asCurfewError, type CurfewError } from '../domain/errors.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Clock } from '../ports.ts';
import type { AccessProvider, Member, ProviderPort, Taken, Unverified } from './provider.ts';

/** The provider with all capabilities: for one that it lacks stands what every kind can do instead. */
export function withFallbacks(provider: ProviderPort, clock: Clock): AccessProvider {
  const endSessions = provider.endSessions?.bind(provider) ?? (async () => 0);
  const revokeOne = async (
    { entitlement, principal }: Member,
    giveUp: Parameters<AccessProvider['revokeTogether']>[1],
  ) => {
    try {
      const drop = await provider.revoke(entitlement, principal, clock.now(), giveUp);
      return await endSessions(entitlement, principal).then(
        (sessionsEnded): Taken => ({ ...drop, sessionsEnded }),
        (): Unverified => ({ outcome: 'unverified', droppedAt: drop.droppedAt }),
      );
    } catch (error) {
      return asCurfewError(error);
    }
  };
  return {
    prepare: async (members) => members.map(() => undefined),
    revokeTogether: (members, giveUp): Promise<(Taken | Unverified | CurfewError)[]> =>
      mapConcurrently(members, (member) => revokeOne(member, giveUp)),
    cleanUp: async () => undefined,
    residualAccess: async () => [],
    ...provider,
    endSessions,
  };
}
