import type { RevocationEvidence } from '../../shared/domain/events.ts';
import { type HoldDocument, holdKey, noteDropped } from '../../shared/domain/holds.ts';
import type { ActorId, RequestId } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { isNear, type Upcoming } from '../../shared/domain/upcoming.ts';
import type { Clock, HeartbeatStore, HoldStore } from '../../shared/ports.ts';
import { type Providers, providerOf } from '../../shared/providers/provider.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { type Claimed, createClaims } from './claims.ts';
import { createGate } from './gate.ts';
import { createLane, type Lane } from './lane.ts';
import { createLiveness } from './liveness.ts';
import type { SchedulerReport } from './report.ts';
import { type Armed, Revocation } from './revocation.ts';

/** Revokes at the exact instant, in the memory of one process, what its feeders arm. It records no event. */
export interface DeadlineScheduler {
  /** Arms what begins or ends within the next minutes; anything else, and what is armed already, changes nothing. */
  arm(upcoming: Upcoming | undefined): void;
  /**
   * Calls off the request's revocation, or waits for it where it has begun. Resolves to what was done, each part verified, or
   * to undefined.
   */
  settle(id: RequestId): Promise<readonly RevocationEvidence[] | undefined>;
}

export interface Scheduling {
  readonly clock: Clock;
  readonly holds: HoldStore;
  readonly heartbeats: Pick<HeartbeatStore, 'beat' | 'pulse'>;
  readonly providers: Providers;
  /** This process. */
  readonly actor: ActorId;
  readonly report: (id: RequestId, report: SchedulerReport) => Promise<void>;
}

/** What ends at one instant in one lane. */
interface Batch {
  readonly lane: Lane;
  readonly deadline: Instant;
  readonly members: Armed[];
  /** Claimed, and to be revoked when it fires. */
  readonly claimed: Armed[];
  /** A member that comes from now on is claimed at once. */
  isClaiming: boolean;
  hasFired: boolean;
}

const reportsAtOnce = 8;

/**
 * What falls due in one lane at one instant is revoked in one call, by the process that has claimed it in the hold documents.
 * The durable timer comes after in any case.
 */
export function createDeadlineScheduler({
  clock,
  holds,
  heartbeats,
  providers,
  actor,
  report,
}: Scheduling): DeadlineScheduler {
  const revocations = new Map<RequestId, Revocation>();
  const starts = new Map<RequestId, Instant>();
  const lanes = new Map<string, Lane>();
  const batches = new Map<string, Batch>();
  const calls = new Set<Promise<void>>();
  const liveness = createLiveness({ clock, heartbeats }, actor);
  const claims = createClaims({ clock, holds, liveness }, actor);
  const reports = createGate(reportsAtOnce);
  const near = { count: 0, until: clock.now() };
  const onOver = (revocation: Revocation) => void reportOver(revocation);

  function add(member: Armed): void {
    const { entitlement, revocation } = member;
    const { deadline } = revocation;
    const laneKey = laneOf(entitlement);
    const lane = lanes.get(laneKey) ?? createLane(entitlement.kind, { clock, providers, calls });
    lanes.set(laneKey, lane);
    const key = keyOf(member);
    const known = batches.get(key);
    const batch = known ?? { lane, deadline, members: [], claimed: [], isClaiming: false, hasFired: false };
    batches.set(key, batch);
    batch.members.push(member);
    if (batch.isClaiming && isFirst(member)) void claim(revocation);
    if (!known) void run(batch).finally(() => batches.delete(key));
  }

  const laneOf = (entitlement: Entitlement) =>
    JSON.stringify([entitlement.kind, providerOf(providers, entitlement).batchKey(entitlement)]);
  const keyOf = ({ entitlement, revocation }: Armed) => JSON.stringify([laneOf(entitlement), revocation.deadline]);
  const isFirst = (member: Armed) => member.revocation.members[0] === member;

  async function run(batch: Batch): Promise<void> {
    const { deadline, members, claimed, lane } = batch;
    await clock.sleepUntil(plus(deadline, -timeline.claimWindowMs));
    while (clock.now() < claimsBegin(deadline)) {
      await clock.sleepUntil(earliest(claimsBegin(deadline), plus(clock.now(), timeline.claimPauseMs)));
    }
    batch.isClaiming = true;
    for (const member of members.filter(isFirst)) void claim(member.revocation);
    await clock.sleepUntil(plus(deadline, -timeline.preparationMs));
    void lane.prepare(members);
    // Whatever a clock does: the instant is over when it says so, asked again.
    do await clock.sleepUntil(deadline, 'exact');
    while (clock.now() < deadline);
    batch.hasFired = true;
    lane.revoke(claimed.splice(0));
    await clock.sleepUntil(plus(deadline, timeline.evidenceKeptMs));
    for (const { revocation } of members) {
      if (revocations.get(revocation.id) === revocation) revocations.delete(revocation.id);
    }
  }

  /** The more claims there are to be made soon, the sooner they begin. */
  function claimsBegin(deadline: Instant): Instant {
    return plus(deadline, -(timeline.lastClaimMs + timeline.clockSkewMs + timeline.claimTimeMs * countNear()));
  }

  /** What is due within the claim window, counted anew after each pause: every batch asks. */
  function countNear(): number {
    const now = clock.now();
    if (now >= near.until) {
      const soon = plus(now, timeline.claimWindowMs);
      const due = [...batches.values()].filter(({ deadline, hasFired }) => deadline <= soon && !hasFired);
      near.count = due.reduce((sum, { members }) => sum + members.length, 0);
      near.until = plus(now, timeline.claimPauseMs);
    }
    return near.count;
  }

  /** Has a revocation claimed, whose members may be in several lanes, when the first of them is due. */
  async function claim(revocation: Revocation): Promise<void> {
    while (clock.now() < revocation.claimsFrom) {
      await clock.sleepUntil(earliest(revocation.claimsFrom, plus(clock.now(), timeline.claimPauseMs)));
    }
    liveness.liveUntil(plus(revocation.actUntil, 2 * timeline.clockSkewMs));
    await claims(revocation, settle);
  }

  function settle(member: Armed, outcome: Claimed): void {
    const { revocation, entitlement } = member;
    const batch = batches.get(keyOf(member));
    if (revocation.isOver || !batch) return;
    switch (outcome) {
      case 'drop':
        revocation.isClaimed = true;
        if (batch.hasFired) batch.lane.revoke([member]);
        else batch.claimed.push(member);
        return;
      case 'kept':
        revocation.begin();
        revocation.note(entitlement, { entitlement, outcome, sessionsEnded: 0, verifiedAt: clock.now() });
        return;
      case 'released':
      case 'unavailable':
        revocation.note(entitlement, undefined);
        return;
      case 'moved':
      case 'lost':
        // Where a part is claimed here, nobody has all of it, and the orchestration is to know.
        if (!revocation.isClaimed) revocation.leave();
        revocation.note(entitlement, undefined);
    }
  }

  /** Reports, once those that are still under way have had a moment: reports don't crowd out revocations. */
  async function reportOver(revocation: Revocation): Promise<void> {
    const { id, known, isSilent } = revocation;
    if (isSilent) return;
    const until = plus(clock.now(), timeline.reportPauseMs);
    while (calls.size > 0 && clock.now() < until) await Promise.race([Promise.all(calls), clock.sleepUntil(until)]);
    const reporting = reports(() => report(id, { kind: 'revocation-fired', actor, evidence: known }));
    const limit = plus(clock.now(), timeline.reportLimitMs);
    await withTimeout(clock, limit, reporting, 'CURFEW_HUB_BUSY').catch(() => keepEvidence(revocation));
  }

  /** Keeps in the hold documents what the orchestration could not be told: nobody else knows when it was dropped. */
  async function keepEvidence({ id, known, members }: Revocation): Promise<void> {
    for (const { entitlement, principal } of members) {
      const { droppedAt: at, sessionsEnded = 0 } = known.find((each) => each.entitlement === entitlement) ?? {};
      if (at === undefined) continue;
      const key = holdKey(entitlement, principal.principalId);
      const note = (document: HoldDocument | undefined) => noteDropped(document, id, { at, sessionsEnded });
      await holds.change(key, (document) => ({ document: note(document), answer: null })).catch(() => undefined);
    }
  }

  async function wakeForStart(id: RequestId, at: Instant): Promise<void> {
    await clock.sleepUntil(plus(at, -timeline.startLeadMs));
    if (starts.get(id) !== at) return;
    await reports(() => report(id, { kind: 'start-near' })).catch(() => undefined);
    await clock.sleepUntil(at);
    starts.delete(id);
  }

  return {
    arm(upcoming) {
      if (!upcoming || !isNear(upcoming, clock.now())) return;
      const { id, kind, at, entitlements } = upcoming;
      // Of another version of Curfew; one that nobody can act on must not keep others from being armed.
      if (!entitlements.every((entitlement) => Object.hasOwn(providers, entitlement.kind))) return;
      if (kind === 'start') {
        if (starts.get(id) === at) return;
        starts.set(id, at);
        void wakeForStart(id, at);
        return;
      }
      const known = revocations.get(id);
      // A deadline only ever moves later: what says otherwise is old.
      if (known && known.deadline >= at) {
        if (!upcoming.isIntended) known.claimsFrom = clock.now();
        return;
      }
      known?.leave();
      const revocation = new Revocation(upcoming, clock.now(), onOver);
      revocations.set(id, revocation);
      for (const member of revocation.members) add(member);
    },
    async settle(id) {
      const revocation = revocations.get(id);
      revocation?.leave();
      return revocation?.settled();
    },
  };
}
