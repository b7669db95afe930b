import { z } from 'zod';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import { holdKey } from '../../shared/domain/holds.ts';
import type { ActorId } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { providerOf } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Revoked } from '../contract.ts';
import type { Activity, ActivityDependencies } from './activity.ts';
import { Attempt } from './attempt.ts';
import { withResidualAccess } from './residual-access.ts';
import { goneAt, goneWithTarget } from './target-gone.ts';

/**
 * Revokes every entitlement at its instant and verifies it. All are tried, even where one fails. What the scheduler of this
 * process did is taken over, and what another says that it did is verified.
 */
export const revoke: Activity<'revoke'> = async (dependencies, { request, notBefore, giveUp: limit, fired }, raise) => {
  const { scheduler, clock, actor } = dependencies;
  // The limit may allow for a slow hub; what has begun has no more time than any attempt.
  const giveUp = earliest(limit, plus(latest(clock.now(), notBefore), timeline.revokeLimitMs));
  const unsettled = clock.sleepUntil(plus(clock.now(), timeline.settleLimitMs)).then(() => undefined);
  const settling = Promise.race([scheduler.settle(request.id), unsettled]);
  const done = await withTimeout(clock, giveUp, settling, 'CURFEW_TARGET_UNAVAILABLE');
  if (done) return whole(dependencies, request, done, actor);
  const reported = fired?.evidence ?? [];
  const verified = await verifyFired(dependencies, request, reported, giveUp);
  if (verified) return whole(dependencies, request, verified, fired?.actor);
  // Asked beside the attempt, so that it takes no time of its own.
  const gone = goneAt(dependencies, request);
  const attempt = new Attempt(dependencies, giveUp);
  const revoking = attempt.revokeAll(request, notBefore);
  const late = clock.sleepUntil(giveUp).then(() => Promise.reject(new CurfewError(attempt.waitsFor)));
  const evidence = await Promise.race([revoking, late]).catch(async (error: unknown) => {
    // The next attempt finds it gone, and could not say since when.
    const known = [...attempt.drops.values(), ...reported];
    if (attempt.drops.size > 0) {
      void raise(request.id, { kind: 'revocation-fired', evidence: known }).catch(() => undefined);
    }
    const isAway = error instanceof CurfewError && error.code === 'CURFEW_TARGET_UNAVAILABLE';
    const since = isAway ? await withTimeout(clock, giveUp, gone, 'CURFEW_TARGET_UNAVAILABLE') : undefined;
    if (since === undefined) throw error;
    return goneWithTarget(request, since);
  });
  const dated = evidence.map((each) => withDrop(each, request, reported, clock.now()));
  // An earlier attempt that hangs in this process may act still.
  const isDone = !dependencies.attempts.isUnderWay(request.id);
  return whole(dependencies, request, dated, isDone ? actor : undefined);
};

async function whole(
  dependencies: ActivityDependencies,
  request: AccessRequest,
  evidence: readonly RevocationEvidence[],
  actor: ActorId | undefined,
): Promise<Revoked> {
  return { evidence: await withResidualAccess(dependencies, request, evidence), actor };
}

/**
 * The evidence, where a scheduler says that it dropped everything and the targets show neither entitlement nor session; undefined
 * where anything is left to do, or to find out.
 */
async function verifyFired(
  { clock, providers }: ActivityDependencies,
  request: AccessRequest,
  reported: readonly DropEvidence[],
  giveUp: Instant,
): Promise<RevocationEvidence[] | undefined> {
  const { requester, terms } = request;
  // What was dropped without knowing of other holds may be another request's by now.
  if (reported.some(({ holdsUnknown }) => holdsUnknown)) return undefined;
  const drops = terms.entitlements.map((entitlement) => ({
    entitlement,
    drop: dropOf(entitlement, request, reported, clock.now()),
  }));
  if (drops.some(({ drop }) => drop === undefined)) return undefined;
  const verifying = drops.map(async ({ entitlement, drop }): Promise<RevocationEvidence | undefined> => {
    const provider = providerOf(providers, entitlement);
    if (!drop || (await provider.isHeld(entitlement, requester))) return undefined;
    const sessionsEnded = drop.sessionsEnded + (await provider.endSessions(entitlement, requester));
    const { droppedAt } = drop;
    return { entitlement, outcome: 'revoked', droppedAt, sessionsEnded, verifiedAt: clock.now() };
  });
  const found = await withTimeout(clock, giveUp, Promise.all(verifying), 'CURFEW_TARGET_UNAVAILABLE').catch(() => []);
  const evidence = found.flatMap((each) => each ?? []);
  return evidence.length === drops.length ? evidence : undefined;
}

/**
 * What the scheduler of another process dropped, or an earlier attempt, is found to be gone, and nobody else can say since when.
 * It came as an event, as which anything may come.
 */
function withDrop(
  found: RevocationEvidence,
  request: AccessRequest,
  reported: readonly DropEvidence[],
  now: Instant,
): RevocationEvidence {
  const drop = dropOf(found.entitlement, request, reported, now);
  // What is kept for another request was dropped all the same where an earlier attempt knew of no other.
  const isExplained = found.outcome === 'absent' || (found.outcome === 'kept' && drop?.holdsUnknown);
  if (!drop || !isExplained) return found;
  return {
    ...found,
    outcome: found.outcome === 'kept' ? 'kept' : 'revoked',
    droppedAt: drop.droppedAt,
    sessionsEnded: found.sessionsEnded + drop.sessionsEnded,
    holdsUnknown: found.holdsUnknown ?? drop.holdsUnknown,
  };
}

/** The drop of this entitlement, if it was said to be at a time when it may have been. */
function dropOf(
  entitlement: Entitlement,
  { endsSince, deadline, requester: { principalId } }: AccessRequest,
  reported: readonly DropEvidence[],
  now: Instant,
) {
  const key = holdKey(entitlement, principalId);
  const found = reported
    .flatMap((each) => dropped.safeParse(each).data ?? [])
    .find((each) => holdKey(each.entitlement, principalId) === key);
  const since = endsSince ?? deadline;
  if (!found || since === undefined) return undefined;
  const droppedAt = found.droppedAt as Instant;
  const { sessionsEnded, holdsUnknown } = found;
  return droppedAt < since || droppedAt > now ? undefined : { droppedAt, sessionsEnded, holdsUnknown };
}

const dropped = z.object({
  entitlement: z.custom<Entitlement>((value) => typeof value === 'object' && value !== null),
  droppedAt: z.iso.datetime({ precision: 3 }),
  sessionsEnded: z.int().nonnegative(),
  holdsUnknown: z.literal(true).optional(),
});
