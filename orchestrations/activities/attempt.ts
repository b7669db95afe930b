import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import { bar, claimHold, type Dropped, holdKey, signClaim } from '../../shared/domain/holds.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Clock } from '../../shared/ports.ts';
import { providerOf } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { ActivityDependencies } from './activity.ts';

export type Revoking = Pick<ActivityDependencies, 'clock' | 'actor' | 'attempts' | 'holds' | 'providers'>;
/** What a revocation goes by; for the reconciler it may be a part of a request, or what was seen in its place. */
export type Revocable = Pick<AccessRequest, 'id' | 'requester' | 'terms' | 'granted' | 'cause' | 'deadline'>;

/** One attempt at revoking, which may go on though it is no longer waited for. */
export class Attempt {
  /** What was dropped, whether or not it could be verified. */
  readonly drops = new Map<Entitlement, DropEvidence>();
  /** What it says where it hangs: whose answer is awaited. */
  waitsFor: ErrorCode = 'CURFEW_STORE_UNAVAILABLE';
  readonly #dependencies: Revoking;
  readonly #until: Instant;

  /** It sends nothing after `until`. */
  constructor(dependencies: Revoking, until: Instant) {
    this.#dependencies = dependencies;
    this.#until = until;
  }

  revokeAll(request: Revocable, notBefore: Instant): Promise<RevocationEvidence[]> {
    return this.#dependencies.attempts.during(request.id, () => this.#revokeAll(request, notBefore));
  }

  async #revokeAll(request: Revocable, notBefore: Instant): Promise<RevocationEvidence[]> {
    const parts = request.terms.entitlements.map((entitlement) => this.#revoke(request, entitlement, notBefore));
    const settled = await Promise.allSettled(parts);
    return settled.map((part) => {
      if (part.status === 'rejected') throw part.reason;
      return part.value;
    });
  }

  async #revoke(request: Revocable, entitlement: Entitlement, notBefore: Instant): Promise<RevocationEvidence> {
    const { clock, actor, holds, providers } = this.#dependencies;
    const { id, requester } = request;
    const provider = providerOf(providers, entitlement);
    const key = holdKey(entitlement, requester.principalId);
    const outcome = request.granted?.evidence.find(
      (each) => holdKey(each.entitlement, requester.principalId) === key,
    )?.outcome;
    const giveUp = latest(plus(clock.now(), timeline.holdLimitMs), notBefore);
    let dropped: Dropped | undefined;
    const claim = () =>
      insist(clock, giveUp, (isWanted) =>
        holds.change(key, (document) => {
          if (!isWanted()) return { document, answer: undefined };
          const now = clock.now();
          const { outcome: answer, document: left } = claimHold(document, id, outcome === 'granted', notBefore, now);
          const barred = request.granted ? left : bar(left, id);
          const isOurs = barred?.claimedBy === id && barred !== document;
          if (isOurs) dropped = barred.actor?.dropped;
          return {
            document: isOurs ? signClaim(barred, actor, latest(this.#until, notBefore), now) : barred,
            answer,
          };
        }),
      );
    let release = await claim();
    while (release === 'undecided') {
      await clock.sleepUntil(notBefore);
      release = await claim();
    }
    if (release === undefined && canWait(request, clock.now())) throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
    this.waitsFor = 'CURFEW_TARGET_UNAVAILABLE';
    const holdsUnknown = release === undefined ? true : undefined;
    // Without the documents: what was standing before stays, and all else, the unknown too, is revoked.
    if ((release ?? (outcome === 'already-held' ? 'kept' : 'drop')) === 'kept') {
      await clock.sleepUntil(notBefore);
      return { entitlement, outcome: 'kept', sessionsEnded: 0, verifiedAt: clock.now(), holdsUnknown };
    }
    let sessionsEnded = 0;
    const revoke = () => this.#send(() => provider.revoke(entitlement, requester, notBefore, this.#until));
    const endSessions = () => this.#send(() => provider.endSessions(entitlement, requester));
    const drop = await revoke().catch(async (error: unknown) => {
      if (clock.now() < notBefore) throw error;
      // A session of their own may stand in the way: an open transaction can lock its user against every change.
      sessionsEnded += await endSessions();
      return revoke();
    });
    // Of what was gone already only the hold document can say when it went: perhaps by an earlier attempt.
    const droppedAt = drop.outcome === 'revoked' ? drop.droppedAt : dropped?.at;
    if (drop.outcome === 'absent' && dropped) sessionsEnded += dropped.sessionsEnded;
    if (droppedAt) this.drops.set(entitlement, { entitlement, droppedAt, sessionsEnded, holdsUnknown });
    sessionsEnded += await endSessions().catch(async (error: unknown) => {
      if (!(error instanceof CurfewError && error.code === 'CURFEW_TARGET_NOT_VERIFIED')) throw error;
      // Clients that connect again as fast as they are thrown out. Without a user they no longer can.
      await this.#send(() => provider.cleanUp(entitlement, requester));
      return endSessions();
    });
    if (await provider.isHeld(entitlement, requester)) {
      // What was dropped without knowing of other holds may be another request's, which has been granted it again.
      if (!holdsUnknown) this.drops.delete(entitlement);
      throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
    }
    const seen = { outcome: droppedAt === undefined ? drop.outcome : 'revoked', droppedAt, sessionsEnded } as const;
    return { entitlement, ...seen, verifiedAt: clock.now(), holdsUnknown };
  }

  /** An attempt that is over sends nothing: the same may be granted again by then. */
  async #send<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#dependencies.clock.now() >= this.#until) throw new CurfewError('CURFEW_TARGET_UNAVAILABLE');
    return work();
  }
}

/** The requester was not told of what a failed grant may have given, and may hold the same by another request, which is to stand. */
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
    const end = latest(
      earliest(giveUp, plus(clock.now(), timeline.holdTryMs)),
      plus(clock.now(), timeline.holdPauseMs),
    );
    const trying = work(() => isWanted);
    const answer = await withTimeout(clock, end, trying, 'CURFEW_STORE_UNAVAILABLE').catch(() => undefined);
    isWanted = false;
    if (answer !== undefined || clock.now() >= giveUp) return answer;
    await clock.sleepUntil(latest(clock.now(), earliest(plus(clock.now(), timeline.holdPauseMs), giveUp)));
  }
}
