import { asCurfewError, CurfewError } from '../../shared/domain/errors.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant } from '../../shared/domain/time.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Taken, Unverified } from '../../shared/providers/provider.ts';
import { type Providers, providerOf } from '../../shared/providers/provider.ts';
import type { Armed } from './revocation.ts';

/** So many calls to one lane are under way at once; what falls due meanwhile goes together in the next. */
const callsAtOnce = 2;

/** Everything that can be revoked in one call: one database, for instance. */
export interface Lane {
  /** Opens connections and asks for names ahead of the instant. A member without a name is looked up in the call. */
  prepare(members: readonly Armed[]): Promise<void>;
  /** Revokes the members now, together with whatever else is due, unless it is too late for them. */
  revoke(members: readonly Armed[]): void;
}

/** `calls` holds what is under way, in all lanes. */
export function createLane(
  kind: Entitlement['kind'],
  {
    clock,
    providers,
    calls,
  }: { readonly clock: Clock; readonly providers: Providers; readonly calls: Set<Promise<void>> },
): Lane {
  let own = 0;
  let due: Armed[] = [];

  const next = (): void => {
    if (own >= callsAtOnce) return;
    const now = clock.now();
    const waiting = due.filter(({ revocation }) => !revocation.isOver);
    due = [];
    const members = waiting.filter(({ revocation }) => now < revocation.actUntil);
    for (const { revocation, entitlement } of waiting) {
      if (now >= revocation.actUntil) revocation.note(entitlement, undefined);
    }
    const [first] = members;
    if (first) call(members, first.revocation.actUntil);
  };

  const call = (members: readonly Armed[], latestEnd: Instant): void => {
    for (const { revocation } of members) revocation.begin();
    const giveUp = members.reduce((found, { revocation }) => earliest(found, revocation.actUntil), latestEnd);
    own++;
    const running = providerOf(providers, { kind })
      .revokeTogether(members, giveUp)
      .catch((error: unknown) => members.map(() => asCurfewError(error)))
      .then((outcomes) => {
        const now = clock.now();
        members.forEach(({ revocation, entitlement }, index) => {
          revocation.note(entitlement, evidenceOf(entitlement, outcomes[index], now));
        });
      })
      .finally(() => {
        own--;
        calls.delete(running);
        next();
      });
    calls.add(running);
  };

  return {
    async prepare(members) {
      const standing = members.filter(({ revocation }) => !revocation.isOver);
      const names = await providerOf(providers, { kind })
        .prepare(standing)
        .catch(() => []);
      standing.forEach((member, index) => {
        member.name ??= names[index];
      });
    },
    revoke(members) {
      due.push(...members);
      next();
    },
  };
}

function evidenceOf(
  entitlement: Entitlement,
  outcome: Taken | Unverified | CurfewError | undefined,
  verifiedAt: Instant,
): DropEvidence | RevocationEvidence | undefined {
  if (outcome === undefined || outcome instanceof CurfewError) return undefined;
  if (outcome.outcome === 'unverified') return { entitlement, droppedAt: outcome.droppedAt, sessionsEnded: 0 };
  // Of what was gone already nobody can say when it went.
  const droppedAt = outcome.outcome === 'revoked' ? outcome.droppedAt : undefined;
  return { entitlement, outcome: outcome.outcome, droppedAt, sessionsEnded: outcome.sessionsEnded, verifiedAt };
}
