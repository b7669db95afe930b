import { describe, expect, test } from 'vitest';
import { createDeadlineScheduler } from '../../orchestrations/deadline/scheduler.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { DropEvidence } from '../../shared/domain/events.ts';
import { acquireHold, clearFrom, forgetHold, holdKey, settleStanding } from '../../shared/domain/holds.ts';
import { type ActorId, type PrincipalId, type RequestId, requestIdOf } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Member, Taken, Unverified } from '../../shared/providers/provider.ts';
import type { SqlRoleEntitlement } from '../../shared/providers/sql-role/entitlement.ts';
import { MemoryHeartbeats, MemoryHolds, MemoryTarget } from '../support/memory.ts';
import { ada, entitlement } from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const time = '2026-11-21T17:00:00.000Z' as Instant;
const second = 1_000;
const elsewhere: SqlRoleEntitlement = { ...entitlement, database: 'elsewhere' };

/** A target that notes its calls, and says of each member what it is told to. */
class Target extends MemoryTarget {
  readonly calls: { at: Instant; giveUp: Instant; who: readonly string[]; names: readonly (string | undefined)[] }[] =
    [];
  readonly failing = new Set<string>();
  readonly unverified = new Set<string>();
  readonly prepared: number[] = [];
  /** While it is unresolved, calls last. */
  gate: Promise<void> | undefined;

  override batchKey(place?: Entitlement): string {
    return String(place?.database);
  }

  override async prepare(members: readonly Member[]): Promise<string[]> {
    this.prepared.push(members.length);
    return members.map(({ principal }) => `user ${principal.principalId}`);
  }

  override async revokeTogether(
    members: readonly Member[],
    giveUp = time,
  ): Promise<(Taken | Unverified | CurfewError)[]> {
    const who = members.map(({ principal }) => principal.principalId);
    this.calls.push({ at: this.clock.now(), giveUp, who, names: members.map(({ name }) => name) });
    await this.gate;
    const droppedAt = this.clock.now();
    return members.map(({ entitlement: { database }, principal: { principalId } }) => {
      if (this.failing.has(principalId)) return new CurfewError('CURFEW_TARGET_REFUSED');
      if (this.unverified.has(String(database))) return { outcome: 'unverified', droppedAt };
      return { outcome: 'revoked', droppedAt, sessionsEnded: 1 };
    });
  }
}

function createBench() {
  const virtual = new VirtualClock('2026-11-21T16:58:00.000Z');
  const { clock } = virtual;
  const holds = new MemoryHolds();
  const target = new Target(clock);
  const heartbeats = new MemoryHeartbeats();
  const raised: { at: Instant; id: RequestId; evidence: readonly DropEvidence[] }[] = [];
  const woken: { at: Instant; id: RequestId }[] = [];
  /** The scheduler of one process. Of one that has died nothing more is heard, and one that `isMute` no longer says that it lives. */
  const startProcess = (name: string, state: { isDead?: boolean; isMute?: boolean } = {}) =>
    createDeadlineScheduler({
      clock: {
        now: () => clock.now(),
        sleepUntil: (instant, exact) =>
          clock.sleepUntil(instant, exact).then(() => (state.isDead ? new Promise<never>(() => {}) : undefined)),
      },
      holds,
      heartbeats: {
        beat: async (process, at) => {
          if (!state.isMute) await heartbeats.beat(process, at);
        },
        pulse: (process) => heartbeats.pulse(process),
      },
      providers: { 'sql-role': target },
      actor: name as ActorId,
      report: async (id, report) => {
        if (report.kind === 'start-near') woken.push({ at: clock.now(), id });
        else raised.push({ at: clock.now(), id, evidence: report.evidence });
      },
    });
  const scheduler = startProcess('this-process');
  const settle = async () => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  let count = 0;
  return {
    clock,
    holds,
    target,
    scheduler,
    startProcess,
    heartbeats,
    woken,
    raised,
    settle,
    advanceTo: (instant: Instant) => virtual.advanceTo(instant, settle),
    /** Somebody whose access ends at the deadline, by a request of their own. */
    armed(deadline = time, entitlements = [entitlement], principalId = `person-${++count}` as PrincipalId) {
      const { id, upcoming } = armedNowhere(deadline, entitlements, principalId);
      const arm = () => scheduler.arm(upcoming);
      arm();
      return { id, principalId, upcoming, arm };
    },
    armedNowhere,
    hold,
    documentOf: (principalId: PrincipalId) => holds.all.get(holdKey(entitlement, principalId)),
    forget: (id: RequestId, principalId: PrincipalId) =>
      holds.change(holdKey(entitlement, principalId), (document) => ({
        document: forgetHold(document, id),
        answer: null,
      })),
  };

  function armedNowhere(
    deadline = time,
    entitlements = [entitlement],
    principalId = `person-${++count}` as PrincipalId,
  ) {
    const number = ++count;
    const id = requestIdOf(new Uint8Array(16).fill(number).fill(number >> 8, 0, 8));
    for (const each of entitlements) hold(id, each, principalId, deadline);
    const upcoming = { id, kind: 'end', at: deadline, principal: { ...ada, principalId }, entitlements } as const;
    return { id, principalId, upcoming };
  }

  function hold(id: RequestId, of: SqlRoleEntitlement, principalId: PrincipalId, deadline: Instant) {
    const document = acquireHold(holds.all.get(holdKey(of, principalId)), id, deadline);
    if (document !== 'claimed') holds.all.set(holdKey(of, principalId), settleStanding(document, false));
  }
}

test('what ends together in one database goes in one call, at the instant, and each has evidence of its own', async () => {
  const bench = createBench();
  const people = Array.from({ length: 50 }, () => bench.armed());
  await bench.advanceTo(plus(time, -1));
  expect(bench.target.calls).toEqual([]);
  expect(bench.target.prepared).toEqual([50]);
  await bench.advanceTo(time);
  expect(bench.target.calls).toMatchObject([{ at: time, giveUp: plus(time, 2_000) }]);
  expect(new Set(bench.target.calls[0]?.who)).toEqual(new Set(people.map(({ principalId }) => principalId)));
  expect(bench.target.calls[0]?.names).not.toContain(undefined);
  expect(bench.raised).toHaveLength(50);
  expect(new Set(bench.raised.map(({ id }) => id))).toEqual(new Set(people.map(({ id }) => id)));
  for (const { evidence } of bench.raised) {
    expect(evidence).toEqual([
      { entitlement, outcome: 'revoked', droppedAt: time, sessionsEnded: 1, verifiedAt: time },
    ]);
  }
});

test('what ends in another database or at another instant goes by itself', async () => {
  const bench = createBench();
  bench.armed();
  bench.armed(time, [elsewhere]);
  bench.armed(plus(time, 1));
  await bench.advanceTo(plus(time, 1));
  expect(bench.target.calls.map(({ at, who }) => [at, who.length])).toEqual([
    [time, 1],
    [time, 1],
    [plus(time, 1), 1],
  ]);
});

test('what falls due while a database is busy goes together in its next call', async () => {
  const bench = createBench();
  for (let late = 0; late < 10; late++) bench.armed(plus(time, late));
  let open = () => {};
  bench.target.gate = new Promise((resolve) => {
    open = resolve;
  });
  await bench.advanceTo(plus(time, 100));
  expect(bench.target.calls.map(({ who }) => who.length)).toEqual([1, 1]);
  open();
  await bench.settle();
  expect(bench.target.calls.map(({ who }) => who.length)).toEqual([1, 1, 8]);
  expect(bench.raised).toHaveLength(10);
});

test('one that fails leaves the others alone, and is raised with nothing', async () => {
  const bench = createBench();
  const [first, second, third] = [bench.armed(), bench.armed(), bench.armed()];
  bench.target.failing.add(second.principalId);
  await bench.advanceTo(time);
  const evidence = new Map(bench.raised.map(({ id, evidence }) => [id, evidence.length]));
  expect(evidence).toEqual(
    new Map([
      [first.id, 1],
      [second.id, 0],
      [third.id, 1],
    ]),
  );
  expect(await bench.scheduler.settle(second.id)).toBeUndefined();
  expect(await bench.scheduler.settle(third.id)).toHaveLength(1);
});

test('what was dropped and could not be verified is raised with its instant, and is left to the durable path', async () => {
  const bench = createBench();
  const { id } = bench.armed(time, [entitlement, elsewhere]);
  bench.target.unverified.add(elsewhere.database);
  await bench.advanceTo(time);
  expect(bench.raised).toMatchObject([
    {
      id,
      evidence: [
        { entitlement, droppedAt: time, sessionsEnded: 1 },
        { entitlement: elsewhere, droppedAt: time, sessionsEnded: 0 },
      ],
    },
  ]);
  expect(await bench.scheduler.settle(id)).toBeUndefined();
});

test('claims as late as it may, and never before the window', async () => {
  const bench = createBench();
  const { id, principalId } = bench.armed();
  await bench.advanceTo(plus(time, -timeline.claimWindowMs));
  expect(bench.documentOf(principalId)?.claimedBy).toBeUndefined();
  await bench.advanceTo(plus(time, -6_000));
  expect(bench.documentOf(principalId)?.claimedBy).toBeUndefined();
  await bench.advanceTo(plus(time, -4_000));
  expect(bench.documentOf(principalId)?.claimedBy).toBe(id);
});

test('what another process has claimed for the same request is left to that one', async () => {
  const bench = createBench();
  const { id, principalId } = bench.armed();
  const key = holdKey(entitlement, principalId);
  const other = 'other-process' as ActorId;
  const actor = { id: other, until: plus(time, timeline.claimLastsMs) };
  bench.holds.all.set(key, { standing: false, holds: { [id]: time }, claimedBy: id, actor });
  await bench.advanceTo(plus(time, -10_000));
  for (let at = plus(time, -10_000); at < plus(time, 4_000); at = plus(at, 250)) {
    await bench.heartbeats.beat(other, at);
    await bench.advanceTo(at);
  }
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toEqual([]);
});

test('a claim whose answer was lost is its own', async () => {
  const bench = createBench();
  bench.armed();
  const { change } = bench.holds;
  bench.holds.change = async (...words) => {
    bench.holds.change = change;
    await change.apply(bench.holds, words as never);
    throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
  };
  await bench.advanceTo(time);
  expect(bench.raised).toMatchObject([{ at: time, evidence: [{ outcome: 'revoked' }] }]);
});

test('without the store at the claim nobody is touched, and the story knows in time', async () => {
  const bench = createBench();
  const { id } = bench.armed();
  bench.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toMatchObject([{ id, evidence: [] }]);
  expect(plus(bench.raised[0]?.at ?? time, 3_000) < time).toBe(true);
});

test('a store that is back soon enough is asked again', async () => {
  const bench = createBench();
  bench.armed();
  bench.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
  await bench.advanceTo(plus(time, -4_500));
  bench.holds.failure = undefined;
  await bench.advanceTo(time);
  expect(bench.raised).toMatchObject([{ at: time, evidence: [{ outcome: 'revoked' }] }]);
});

test('another hold that ends later keeps the entitlement, which is looked at again at the instant', async () => {
  const bench = createBench();
  const first = bench.armed();
  const second = bench.armed(plus(time, 60_000), [entitlement], first.principalId);
  await bench.advanceTo(plus(time, -1));
  expect(Object.keys(bench.documentOf(first.principalId)?.holds ?? {})).toHaveLength(2);
  expect(bench.raised).toEqual([]);
  await bench.advanceTo(time);
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toMatchObject([{ id: first.id, evidence: [{ outcome: 'kept', verifiedAt: time }] }]);
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toMatchObject([{ at: plus(time, 60_000), who: [first.principalId] }]);
  expect(bench.raised[1]).toMatchObject({ id: second.id, evidence: [{ outcome: 'revoked' }] });
});

test('a hold that goes between the claim and the instant is no longer in the way', async () => {
  const bench = createBench();
  const first = bench.armed();
  const other = requestIdOf(new Uint8Array(16).fill(200));
  bench.hold(other, entitlement, first.principalId, plus(time, 60_000));
  await bench.advanceTo(plus(time, -1_000));
  await bench.forget(other, first.principalId);
  await bench.advanceTo(time);
  expect(bench.target.calls).toMatchObject([{ at: time }]);
  expect(bench.raised).toMatchObject([{ id: first.id, evidence: [{ outcome: 'revoked' }] }]);
});

test('an access that this process ends early is never fired, and nothing is reported', async () => {
  const bench = createBench();
  const { id } = bench.armed();
  await bench.advanceTo(plus(time, -1_000));
  expect(await bench.scheduler.settle(id)).toBeUndefined();
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toEqual([]);
});

test('an access that another process ended early is let alone, whoever holds the same by now', async () => {
  const bench = createBench();
  const [gone, taken] = [bench.armed(), bench.armed()];
  await bench.forget(gone.id, gone.principalId);
  bench.hold(requestIdOf(new Uint8Array(16).fill(201)), entitlement, taken.principalId, plus(time, 60_000));
  await bench.forget(taken.id, taken.principalId);
  const before = bench.documentOf(taken.principalId);
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised.map(({ evidence }) => evidence)).toEqual([[], []]);
  expect(bench.documentOf(gone.principalId)).toBeUndefined();
  expect(bench.documentOf(taken.principalId)).toEqual(before);
});

test('arming twice is arming once', async () => {
  const bench = createBench();
  const { arm } = bench.armed();
  arm();
  await bench.advanceTo(plus(time, 1_000));
  arm();
  await bench.advanceTo(plus(time, 2_000));
  expect(bench.target.calls).toMatchObject([{ who: [expect.anything()] }]);
  expect(bench.raised).toHaveLength(1);
});

test('several entitlements are raised once all are done, in their order', async () => {
  const bench = createBench();
  bench.armed(time, [elsewhere, entitlement]);
  await bench.advanceTo(time);
  expect(bench.target.calls).toHaveLength(2);
  expect(bench.raised).toHaveLength(1);
  expect(bench.raised[0]?.evidence.map((each) => each.entitlement)).toEqual([elsewhere, entitlement]);
});

test('of several entitlements one that can’t be claimed calls off the rest', async () => {
  const bench = createBench();
  const { principalId } = bench.armed(time, [elsewhere, entitlement]);
  bench.holds.all.delete(holdKey(elsewhere, principalId));
  await bench.advanceTo(plus(time, 60_000));
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toMatchObject([{ evidence: [] }]);
});

test('a revocation that is under way is waited for', async () => {
  const bench = createBench();
  const { id } = bench.armed();
  let open = () => {};
  bench.target.gate = new Promise((resolve) => {
    open = resolve;
  });
  await bench.advanceTo(time);
  const settled = bench.scheduler.settle(id);
  open();
  expect(await settled).toMatchObject([{ outcome: 'revoked' }]);
});

test('what could not be sent for two seconds is not sent any more', async () => {
  const bench = createBench();
  for (let late = 0; late < 3; late++) bench.armed(plus(time, late));
  let open = () => {};
  bench.target.gate = new Promise((resolve) => {
    open = resolve;
  });
  await bench.advanceTo(plus(time, 2_002));
  expect(bench.raised).toEqual([]);
  open();
  await bench.settle();
  expect(bench.target.calls).toHaveLength(2);
  expect(bench.raised).toHaveLength(3);
  expect(bench.raised.filter(({ evidence }) => evidence.length === 0)).toHaveLength(1);
});

test('an entitlement of a kind that is not known is left alone, and keeps no other from being armed', async () => {
  const bench = createBench();
  const { upcoming } = bench.armed();
  const unknown = { ...entitlement, kind: 'from-the-future' } as unknown as SqlRoleEntitlement;
  expect(() => bench.scheduler.arm({ ...upcoming, id: 'other' as RequestId, entitlements: [unknown] })).not.toThrow();
  await bench.advanceTo(time);
  expect(bench.target.calls).toHaveLength(1);
});

test('one that is long over is not armed', async () => {
  const bench = createBench();
  bench.armed(plus(time, -3 * 60_000));
  await bench.settle();
  expect(bench.target.calls).toEqual([]);
  expect(bench.raised).toEqual([]);
});

test('what it did is forgotten after a minute', async () => {
  const bench = createBench();
  const { id } = bench.armed();
  await bench.advanceTo(plus(time, 59_000));
  expect(await bench.scheduler.settle(id)).toHaveLength(1);
  await bench.advanceTo(plus(time, 61_000));
  expect(await bench.scheduler.settle(id)).toBeUndefined();
});

describe('claims begin', () => {
  /** When the first of those that end at the deadline was claimed, to 100 ms: so long before it. */
  const firstClaim = async (bench: ReturnType<typeof createBench>, principalId: PrincipalId) => {
    for (let before = 50 * second; before > 0; before -= 100) {
      await bench.advanceTo(plus(time, -before));
      if (bench.documentOf(principalId)?.claimedBy) return before;
    }
    return 0;
  };

  test('for one, four seconds before its deadline, though hundreds are armed for later ones', async () => {
    const bench = createBench();
    const { principalId } = bench.armed();
    for (let count = 0; count < 2_000; count++) bench.armed(plus(time, 60 * second));
    expect(await firstClaim(bench, principalId)).toBeLessThanOrEqual(4_300);
  });

  test.each([
    ['at the same instant', 0],
    ['so soon after it that they are claimed at the same time', 2 * second],
  ])('earlier for each other that falls due %s', async (_, later) => {
    const bench = createBench();
    const { principalId } = bench.armed();
    for (let count = 0; count < 2_000; count++) bench.armed(plus(time, later));
    const before = await firstClaim(bench, principalId);
    expect(before).toBeGreaterThan(4_200 + 2_000 * timeline.claimTimeMs - 200);
    expect(before).toBeLessThan(4_200 + 2_001 * timeline.claimTimeMs + 200);
  });

  test('never before the claim window, however many there are', async () => {
    const bench = createBench();
    const { principalId } = bench.armed();
    for (let count = 0; count < 20_000; count++) bench.armed();
    expect(await firstClaim(bench, principalId)).toBeLessThanOrEqual(timeline.claimWindowMs);
  });
});

describe('an extension under an armed revocation', () => {
  const moved = plus(time, 60 * second);
  const extend = (bench: ReturnType<typeof createBench>, id: RequestId, principalId: PrincipalId) =>
    bench.hold(id, entitlement, principalId, moved);

  test('is seen at the claim: the old instant passes without a drop and without a word', async () => {
    const bench = createBench();
    const { id, principalId } = bench.armed();
    await bench.advanceTo(plus(time, -timeline.finalLeadMs));
    extend(bench, id, principalId);
    await bench.advanceTo(plus(time, 30 * second));
    expect([bench.target.calls, bench.raised]).toEqual([[], []]);
    expect(bench.documentOf(principalId)).toEqual({ standing: false, holds: { [id]: moved } });
  });

  test('is revoked at the new instant, whichever process is told of it', async () => {
    for (const isSame of [true, false]) {
      const bench = createBench();
      const { id, principalId, upcoming } = bench.armed();
      await bench.advanceTo(plus(time, -20 * second));
      extend(bench, id, principalId);
      const teller = isSame ? bench.scheduler : bench.startProcess('other-process');
      teller.arm({ ...upcoming, at: moved });
      await bench.advanceTo(plus(moved, 30 * second));
      expect(bench.target.calls.map(({ at }) => at)).toEqual([moved]);
      expect(bench.raised).toMatchObject([{ id, evidence: [{ outcome: 'revoked', droppedAt: moved }] }]);
    }
  });

  test('is not undone by an arming that still has the old deadline', async () => {
    const bench = createBench();
    const { id, principalId, upcoming, arm } = bench.armed();
    extend(bench, id, principalId);
    bench.scheduler.arm({ ...upcoming, at: moved });
    arm();
    await bench.advanceTo(plus(time, 30 * second));
    expect(bench.target.calls).toEqual([]);
    await bench.advanceTo(moved);
    expect(bench.target.calls).toMatchObject([{ at: moved }]);
  });
});

describe('a grant so near to its deadline that it is armed before it has its hold', () => {
  /** Armed two seconds before the deadline, when claims have long begun. */
  const intended = async (bench: ReturnType<typeof createBench>) => {
    const { id, principalId, upcoming } = bench.armedNowhere();
    await bench.forget(id, principalId);
    await bench.advanceTo(plus(time, -2 * second));
    bench.scheduler.arm({ ...upcoming, isIntended: true });
    return { id, principalId, upcoming };
  };

  test('is revoked at the deadline if the hold is there when half of the time is over', async () => {
    const bench = createBench();
    const { id, principalId } = await intended(bench);
    await bench.advanceTo(plus(time, -1_100));
    bench.hold(id, entitlement, principalId, time);
    await bench.advanceTo(time);
    expect(bench.target.calls).toMatchObject([{ at: time, who: [principalId] }]);
    expect(bench.raised).toMatchObject([{ id, evidence: [{ outcome: 'revoked', droppedAt: time }] }]);
  });

  test('is claimed as soon as the grant is known', async () => {
    const bench = createBench();
    const { id, principalId, upcoming } = await intended(bench);
    bench.hold(id, entitlement, principalId, time);
    bench.scheduler.arm(upcoming);
    await bench.advanceTo(plus(time, -2 * second + timeline.claimPauseMs));
    expect(bench.documentOf(principalId)?.claimedBy).toBe(id);
  });

  test('is left to the orchestration if it has no hold by then', async () => {
    const bench = createBench();
    const { id } = await intended(bench);
    await bench.advanceTo(plus(time, 60 * second));
    expect(bench.target.calls).toEqual([]);
    expect(bench.raised).toMatchObject([{ at: plus(time, -second), id, evidence: [] }]);
  });
});

describe('of two processes that have the same revocation', () => {
  /** Armed in both. `one` is first, and claims. */
  const armedInBoth = (bench: ReturnType<typeof createBench>) => {
    const one: { isDead?: boolean; isMute?: boolean } = {};
    const first = bench.startProcess('one', one);
    const { id, principalId, upcoming } = bench.armedNowhere();
    first.arm(upcoming);
    bench.scheduler.arm(upcoming);
    const actor = () => bench.documentOf(principalId)?.actor;
    return { one, id, principalId, actor };
  };

  test('one revokes and reports; the other stays silent', async () => {
    const bench = createBench();
    const { id, actor } = armedInBoth(bench);
    await bench.advanceTo(plus(time, -second));
    expect(actor()?.id).toBe('one');
    await bench.advanceTo(plus(time, 60 * second));
    expect(bench.target.calls).toMatchObject([{ at: time }]);
    expect(bench.raised).toMatchObject([{ id, evidence: [{ outcome: 'revoked', droppedAt: time }] }]);
  });

  test('the claim of one that dies three seconds before the instant is taken over in time for it', async () => {
    const bench = createBench();
    const { one, id } = armedInBoth(bench);
    await bench.advanceTo(plus(time, -3 * second));
    one.isDead = true;
    await bench.advanceTo(plus(time, 60 * second));
    expect(bench.target.calls.map(({ at }) => at)).toEqual([time]);
    expect(bench.raised).toMatchObject([{ id, evidence: [{ outcome: 'revoked', droppedAt: time }] }]);
  });

  test.each([second, 500, 250, 1])(
    'the claim of one that dies %i ms before the instant is taken over within two seconds',
    async (before) => {
      const bench = createBench();
      const { one } = armedInBoth(bench);
      await bench.advanceTo(plus(time, -before));
      one.isDead = true;
      await bench.advanceTo(plus(time, 60 * second));
      expect(bench.target.calls).toHaveLength(1);
      expect(bench.target.calls[0]?.at).toSatisfy(
        (at: Instant) => at >= time && at <= plus(time, timeline.claimLastsMs),
      );
      expect(bench.raised).toHaveLength(1);
    },
  );

  test('the claim of one that is silent for less than a second is not taken over', async () => {
    const bench = createBench();
    const { one, id, actor } = armedInBoth(bench);
    // Each silence ends with one heartbeat.
    for (let before = 4 * second; before > -2 * second; before -= 250) {
      one.isMute = (before / 250) % 3 !== 0;
      await bench.advanceTo(plus(time, -before));
    }
    expect(actor()).toEqual({ id: 'one', until: plus(time, timeline.claimLastsMs) });
    expect(bench.target.calls).toMatchObject([{ at: time }]);
    expect(bench.raised).toMatchObject([{ id }]);
  });

  test('while the heartbeats can’t be read nobody is taken for dead, nor for that once they can', async () => {
    const bench = createBench();
    const { one, actor } = armedInBoth(bench);
    await bench.advanceTo(plus(time, -3 * second));
    bench.heartbeats.failure = 'CURFEW_STORE_UNAVAILABLE';
    one.isMute = true;
    await bench.advanceTo(plus(time, -1_200));
    bench.heartbeats.failure = undefined;
    await bench.advanceTo(plus(time, -700));
    one.isMute = false;
    await bench.advanceTo(plus(time, -1));
    expect(actor()?.id).toBe('one');
    await bench.advanceTo(plus(time, 60 * second));
    expect(bench.target.calls).toMatchObject([{ at: time }]);
  });

  test('one that lives and is taken for dead leaves a claim that no later grant passes before both are over', async () => {
    const bench = createBench();
    const { one, id, principalId, actor } = armedInBoth(bench);
    await bench.advanceTo(plus(time, -3 * second));
    one.isMute = true;
    await bench.advanceTo(time);
    // Both act at the instant.
    expect(bench.target.calls.map(({ at }) => at)).toEqual([time, time]);
    expect(actor()).toEqual({ id: 'this-process', until: plus(time, timeline.claimLastsMs), isShared: true });
    const document = bench.documentOf(principalId);
    const over = plus(time, timeline.claimLastsMs + timeline.clockSkewMs);
    expect(clearFrom(document, id, 'this-process' as ActorId)).toBe(over);
    const later = requestIdOf(new Uint8Array(16).fill(222));
    expect(acquireHold(document, later, plus(time, 60 * second))).toBe('claimed');
    await bench.advanceTo(plus(over, 60 * second));
    expect(bench.target.calls.filter(({ at }) => at > plus(time, timeline.claimLastsMs))).toEqual([]);
  });
});
