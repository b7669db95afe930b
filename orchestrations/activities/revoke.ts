import { z } from 'zod';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import { bar, claimHold, holdKey } from '../../shared/domain/holds.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { inTime } from '../../shared/in-time.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Activity, ActivityDependencies } from './index.ts';
import { withOtherWays } from './other-ways.ts';
import { goneAt, goneWithTarget } from './target-gone.ts';

/**
 * How long the hold documents are asked for, from the start of the activity and at least until the access is to end. After
 * that it goes without them: nothing waits for a store that is down, but for what a failed grant left, until its deadline.
 * Milliseconds, and so are how long one try may hang and the pause between two.
 */
const holdLimit = 3_000;
const holdTry = 1_000;
const holdPause = 100;

/** How long an alarm that rings in this process is waited for: what has not begun by then never will. Milliseconds. */
const ringLimit = 7_000;

/** Takes every entitlement away at its instant and sees it gone. All are tried, even where one fails. */
export const revoke: Activity<'revoke'> = async (dependencies, { request, notBefore, giveUp, rung = [] }, raise) => {
  const { alarm, clock } = dependencies;
  const hung = clock.sleepUntil(plus(clock.now(), ringLimit)).then(() => undefined);
  const done = await inTime(clock, giveUp, Promise.race([alarm.settle(request.id), hung]));
  if (done) return withOtherWays(dependencies, request, done);
  // Asked beside the attempt, so that it takes no time of its own.
  const gone = goneAt(dependencies, request);
  const drops = new Map<Entitlement, DropEvidence>();
  const evidence = await inTime(clock, giveUp, revokeAll(dependencies, request, notBefore, drops)).catch(
    async (error: unknown) => {
      // The next try finds it gone, and could not say since when.
      const known = [...drops.values(), ...rung];
      if (drops.size > 0) void raise(request.id, { kind: 'alarm-rang', evidence: known }).catch(() => undefined);
      const isAway = error instanceof CurfewError && error.code === 'CURFEW_TARGET_UNAVAILABLE';
      const since = isAway ? await inTime(clock, giveUp, gone) : undefined;
      if (since === undefined) throw error;
      return goneWithTarget(request, since);
    },
  );
  const whole = evidence.map((each) => withDrop(each, request, rung, clock.now()));
  return withOtherWays(dependencies, request, whole);
};

/**
 * What the alarm of another process dropped, or an earlier try, is found to be gone, and nobody else can say since when. It
 * came as an event, as which anything may come.
 */
function withDrop(
  found: RevocationEvidence,
  { endsSince, deadline, requester: { principalId } }: AccessRequest,
  rung: readonly DropEvidence[],
  now: Instant,
): RevocationEvidence {
  const key = holdKey(found.entitlement, principalId);
  const drop = rung
    .flatMap((each) => dropped.safeParse(each).data ?? [])
    .find(({ entitlement }) => holdKey(entitlement, principalId) === key);
  const since = endsSince ?? deadline;
  if (found.outcome !== 'absent' || !drop || since === undefined) return found;
  const droppedAt = drop.droppedAt as Instant;
  if (droppedAt < since || droppedAt > now) return found;
  return { ...found, outcome: 'revoked', droppedAt, sessionsEnded: found.sessionsEnded + drop.sessionsEnded };
}

const dropped = z.object({
  entitlement: z.custom<Entitlement>((value) => typeof value === 'object' && value !== null),
  droppedAt: z.iso.datetime({ precision: 3 }),
  sessionsEnded: z.int().nonnegative(),
});

export type Revoking = Pick<ActivityDependencies, 'clock' | 'holds' | 'providers'>;
/** What a revocation goes by; for the reconciler it may be a part of a request, or what was seen in its place. */
export type Revocable = Pick<AccessRequest, 'id' | 'requester' | 'terms' | 'granted' | 'cause' | 'deadline'>;

/** What was dropped is in `drops`, whether or not it could be verified. */
export async function revokeAll(
  dependencies: Revoking,
  request: Revocable,
  notBefore: Instant,
  drops = new Map<Entitlement, DropEvidence>(),
): Promise<RevocationEvidence[]> {
  const attempts = request.terms.entitlements.map((entitlement) =>
    revokeOne(dependencies, request, entitlement, notBefore, drops),
  );
  const settled = await Promise.allSettled(attempts);
  return settled.map((attempt) => {
    if (attempt.status === 'rejected') throw attempt.reason;
    return attempt.value;
  });
}

async function revokeOne(
  dependencies: Revoking,
  request: Revocable,
  entitlement: Entitlement,
  notBefore: Instant,
  drops: Map<Entitlement, DropEvidence>,
): Promise<RevocationEvidence> {
  const { clock, holds } = dependencies;
  const { id, requester } = request;
  const provider = dependencies.providers[entitlement.kind];
  const key = holdKey(entitlement, requester.principalId);
  const outcome = request.granted?.evidence.find(
    (each) => holdKey(each.entitlement, requester.principalId) === key,
  )?.outcome;
  const giveUp = latest(plus(clock.now(), holdLimit), notBefore);
  const claim = () =>
    insist(clock, giveUp, (isWanted) =>
      holds.change(key, (document) => {
        if (!isWanted()) return { document, answer: undefined };
        const { outcome: answer, document: left } = claimHold(
          document,
          id,
          outcome === 'granted',
          notBefore,
          clock.now(),
        );
        return { document: request.granted ? left : bar(left, id), answer };
      }),
    );
  let release = await claim();
  while (release === 'undecided') {
    await clock.sleepUntil(notBefore);
    release = await claim();
  }
  if (release === undefined && canWait(request, clock.now())) throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
  const holdsUnknown = release === undefined ? true : undefined;
  // Without the documents: what was standing before stays, and all else, the unknown too, is taken.
  if ((release ?? (outcome === 'already-held' ? 'kept' : 'drop')) === 'kept') {
    await clock.sleepUntil(notBefore);
    return { entitlement, outcome: 'kept', sessionsEnded: 0, verifiedAt: clock.now(), holdsUnknown };
  }
  let sessionsEnded = 0;
  const drop = await provider.revoke(entitlement, requester, notBefore).catch(async (error: unknown) => {
    if (clock.now() < notBefore) throw error;
    // A session of their own may stand in the way: an open transaction can lock its user against every change.
    sessionsEnded += await provider.terminate(entitlement, requester);
    return provider.revoke(entitlement, requester, notBefore);
  });
  // Of what was gone already nobody can say when it went: perhaps by an earlier try of this very activity.
  const droppedAt = drop.outcome === 'revoked' ? drop.droppedAt : undefined;
  if (droppedAt) drops.set(entitlement, { entitlement, droppedAt, sessionsEnded });
  sessionsEnded += await provider.terminate(entitlement, requester).catch(async (error: unknown) => {
    if (!(error instanceof CurfewError && error.code === 'CURFEW_TARGET_NOT_VERIFIED')) throw error;
    // Clients that connect again as fast as they are thrown out. Without a user they no longer can.
    await provider.cleanUp(entitlement, requester);
    return provider.terminate(entitlement, requester);
  });
  if (await provider.isHeld(entitlement, requester)) {
    drops.delete(entitlement);
    throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
  }
  return { entitlement, outcome: drop.outcome, droppedAt, sessionsEnded, verifiedAt: clock.now(), holdsUnknown };
}

/** Nobody was told that they have what a failed grant may have given; somebody may have the same by another request, and keeps it. */
function canWait({ cause, deadline }: Revocable, now: Instant): boolean {
  return cause?.kind === 'grant-failed' && deadline !== undefined && now < deadline;
}

/**
 * The answer, or undefined where none could be had by `giveUp`. One try is made at any rate. One that is no longer waited for
 * is to change nothing any more: the request may be over by then, and nobody would clear up after it.
 */
async function insist<Answer>(
  clock: Clock,
  giveUp: Instant,
  work: (isWanted: () => boolean) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  for (;;) {
    let isWanted = true;
    const end = latest(earliest(giveUp, plus(clock.now(), holdTry)), plus(clock.now(), holdPause));
    const trying = work(() => isWanted);
    const answer = await inTime(clock, end, trying).catch(() => undefined);
    isWanted = false;
    if (answer !== undefined || clock.now() >= giveUp) return answer;
    await clock.sleepUntil(plus(clock.now(), holdPause));
  }
}
