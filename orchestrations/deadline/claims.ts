import { claimScheduled, holdKey, type ScheduledClaim } from '../../shared/domain/holds.ts';
import type { ActorId } from '../../shared/domain/ids.ts';
import { latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Clock, HoldStore } from '../../shared/ports.ts';
import { createGate } from './gate.ts';
import type { Liveness } from './liveness.ts';
import type { Armed, Revocation } from './revocation.ts';

const claimsAtOnce = 16;

/** What becomes of a claim: to be dropped, kept for another hold, or not for this process to do. */
export type Claimed = 'drop' | 'kept' | 'released' | 'moved' | 'lost' | 'unavailable';

/** Claims what a revocation holds, in its order, and says of each what becomes of it. */
export type Claim = (revocation: Revocation, settle: (member: Armed, outcome: Claimed) => void) => Promise<void>;

/**
 * Claims in the hold documents who acts at the instant. Without a claim nobody is touched: another process may act, or may have
 * ended the access, and the same may be granted to the principal again by then. Every process claims the parts of a request in one
 * order, so that the one that has the first acts for all of it.
 */
export function createClaims(
  { clock, holds, liveness }: { readonly clock: Clock; readonly holds: HoldStore; readonly liveness: Liveness },
  self: ActorId,
): Claim {
  const gate = createGate(claimsAtOnce);

  const change = ({ revocation, entitlement, principal }: Armed, dead: ActorId | undefined): Promise<ScheduledClaim> =>
    gate(() =>
      holds.change(holdKey(entitlement, principal.principalId), (document) => {
        if (revocation.isOver) return { document, answer: { outcome: 'released', document } };
        const actor = { id: self, until: revocation.actUntil, dead };
        const answer = claimScheduled(document, revocation.id, revocation.deadline, actor, clock.now());
        return { document: answer.document, answer };
      }),
    );

  /** Tries again while there is time for the orchestration to do it instead, in time, with tries of its own. */
  const insist = async (member: Armed, dead?: ActorId): Promise<ScheduledClaim | undefined> => {
    const { revocation } = member;
    for (;;) {
      try {
        return await change(member, dead);
      } catch {
        const isLast = plus(clock.now(), timeline.lastClaimMs) >= revocation.deadline;
        if (revocation.isOver || isLast) return undefined;
        await clock.sleepUntil(plus(clock.now(), timeline.claimPauseMs));
      }
    }
  };

  /** Takes it over from an actor that dies before it is too late. */
  const claimOne = async (member: Armed): Promise<Claimed | 'undecided'> => {
    const { revocation } = member;
    for (let dead: ActorId | undefined; ; ) {
      const claim = await insist(member, dead);
      if (claim?.outcome !== 'lost') return claim?.outcome ?? 'unavailable';
      while (!(await liveness.isDead(claim.to, revocation.actUntil))) {
        if (revocation.isOver || clock.now() >= revocation.actUntil) return 'lost';
      }
      dead = claim.to;
      revocation.actUntil = latest(revocation.actUntil, plus(clock.now(), timeline.claimLastsMs));
    }
  };

  return async (revocation, settle) => {
    const undecided: Armed[] = [];
    for (const member of revocation.members) {
      if (revocation.isOver) return;
      const outcome = await claimOne(member);
      if (outcome === 'undecided') undecided.push(member);
      else settle(member, outcome);
    }
    // Another hold lasts longer, by now. It may have ended by the instant, and then everything is decided.
    if (undecided.length > 0) await clock.sleepUntil(revocation.deadline);
    for (const member of undecided) {
      if (revocation.isOver) return;
      const outcome = await claimOne(member);
      settle(member, outcome === 'undecided' ? 'unavailable' : outcome);
    }
  };
}
