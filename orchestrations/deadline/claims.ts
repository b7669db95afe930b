import { claimScheduled, holdKey, type ScheduledClaim } from '../../shared/domain/holds.ts';
import type { ActorId } from '../../shared/domain/ids.ts';
import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Clock, HoldStore } from '../../shared/ports.ts';
import { createGate } from './gate.ts';
import type { Liveness } from './liveness.ts';
import type { Armed } from './revocation.ts';

const claimsAtOnce = 16;

/** What becomes of a claim: to be dropped, kept for another hold, or not for this process to do. */
export type Claimed = 'drop' | 'kept' | 'released' | 'moved' | 'lost' | 'unavailable';

/** Claims one armed revocation after the other, so many at once. */
export type ClaimOne = (member: Armed) => Promise<Claimed>;

/**
 * Claims in the hold documents who acts at the instant. Without a claim nobody is touched: another process may act, or may have
 * ended the access, and the same may be granted to the principal again by then.
 */
export function createClaims(
  { clock, holds, liveness }: { readonly clock: Clock; readonly holds: HoldStore; readonly liveness: Liveness },
  self: ActorId,
): ClaimOne {
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

  return async (member) => {
    const { revocation } = member;
    let dead: ActorId | undefined;
    for (;;) {
      const claim = await insist(member, dead);
      if (claim === undefined) return 'unavailable';
      if (claim.outcome === 'undecided') {
        // Another hold lasts longer, now. It may have ended by the instant.
        await clock.sleepUntil(revocation.deadline);
        while (revocation.isYielded && !revocation.isOver) {
          await clock.sleepUntil(plus(clock.now(), timeline.heartbeatMs));
        }
      } else if (claim.outcome === 'lost') {
        revocation.isYielded = true;
        while (!(await liveness.isDead(claim.to, revocation.actUntil))) {
          if (revocation.isOver || clock.now() >= revocation.actUntil) return 'lost';
        }
        revocation.isYielded = false;
        dead = claim.to;
      } else return claim.outcome;
    }
  };
}
