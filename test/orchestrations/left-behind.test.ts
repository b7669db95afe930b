import { expect, test } from 'vitest';
import { Attempts } from '../../orchestrations/activities/attempts.ts';
import { createActivities } from '../../orchestrations/activities/index.ts';
import { createDeadlineScheduler } from '../../orchestrations/deadline/scheduler.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { acquireHold, type HoldDocument, holdKey, releaseHold } from '../../shared/domain/holds.ts';
import { type ActorId, requestIdOf } from '../../shared/domain/ids.ts';
import { isGranting } from '../../shared/domain/states.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import {
  MemoryDirectory,
  MemoryEvents,
  MemoryHeartbeats,
  MemoryHolds,
  MemoryLinks,
  MemoryMail,
  MemoryRegistry,
  MemoryRequests,
  MemoryTarget,
} from '../support/memory.ts';
import {
  ada,
  analysts,
  approved,
  bob,
  commandId,
  entitlement,
  owners,
  requestAfter,
  requested,
  start,
} from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function setUp() {
  const time = new VirtualClock();
  const { clock } = time;
  const target = new MemoryTarget(clock);
  const holds = new MemoryHolds();
  const requests = new MemoryRequests();
  const providers = { 'sql-role': target };
  const actor = 'this-process' as ActorId;
  const report = async () => {};
  const scheduler = createDeadlineScheduler({
    clock,
    holds,
    heartbeats: new MemoryHeartbeats(),
    providers,
    actor,
    report,
  });
  let random = 0;
  const all = createActivities({
    clock,
    entropy: { bytes: (count) => new Uint8Array(count).fill(++random) },
    log: () => {},
    events: new MemoryEvents(),
    requests,
    links: new MemoryLinks(),
    holds,
    directory: new MemoryDirectory(
      [ada, bob],
      new Map([
        [analysts, [ada.principalId]],
        [owners, [bob.principalId]],
      ]),
    ),
    notifier: new MemoryMail(),
    providers,
    registry: new MemoryRegistry(),
    scheduler,
    actor,
    attempts: new Attempts(),
    publicUrl: 'https://curfew.example',
  });
  const deadline = plus(start, 3_600_000);
  const intended: CurfewEvent = { type: 'grant-intended', at: start, deadline };
  const request = requestAfter(requested(), approved, intended);
  if (!isGranting(request)) throw new Error('it is not being granted');
  const endedAt = (at: Instant) =>
    requestAfter(
      requested(),
      approved,
      intended,
      { type: 'access-granted', at: start, evidence: [] },
      { type: 'revocation-began', at, cause: { kind: 'ended-early', by: ada, as: 'requester', reason: '', commandId } },
      { type: 'access-revoked', at, evidence: [] },
    );
  const raise = async () => {};
  let done: ActorId | undefined;
  const activities = {
    /** What came of it, in short. */
    async grant({ request: granted }: { request: typeof request }) {
      const outcome = await all.grant({ request: granted, events: [], notBefore: clock.now() }, raise);
      if (!outcome.ok) return outcome;
      return outcome.result.outcome === 'granted' ? { ok: true } : { ok: false, code: outcome.result.code };
    },
    async revoke(input: { request: typeof request; notBefore: typeof start; giveUp: typeof start }) {
      const outcome = await all.revoke(input, raise);
      done = outcome.ok ? outcome.result.actor : undefined;
      return outcome.ok ? { ok: true, result: outcome.result.evidence } : outcome;
    },
    async release({ request: ended }: { request: typeof request }) {
      const outcome = await all.deliver({ request: ended, events: [], groups: [], cleanUp: { done } }, raise);
      return { ok: outcome.ok && outcome.result.cleanedUp === undefined };
    },
  };
  return { time, target, holds, requests, activities, request, endedAt, deadline };
}

test('a grant that arrives when the access is over takes back what it gave', async () => {
  const { target, holds, activities, request } = setUp();

  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const give = target.grant.bind(target);
  target.grant = async (...words) => {
    arrived.resolve();
    await gate.promise;
    return give(...words);
  };
  const slow = activities.grant({ request });
  await arrived.promise;
  target.grant = give;
  expect(await activities.grant({ request })).toMatchObject({ ok: true });
  const giveUp = plus(start, 15_000);
  expect(await activities.revoke({ request, notBefore: start, giveUp })).toMatchObject({ ok: true });
  expect(await activities.release({ request })).toMatchObject({ ok: true });

  gate.resolve();
  expect(await slow).toMatchObject({ ok: false, code: 'CURFEW_HOLD_CLAIMED' });
  expect(target.members.size).toBe(0);
  expect(holds.all.size).toBe(0);
});

test('a grant that reaches the target after its deadline is not given there at all', async () => {
  const { time, target, activities, request, deadline } = setUp();
  await time.advanceTo(plus(deadline, -10_000), async () => {});

  const give = target.grant.bind(target);
  target.grant = async (...words) => {
    await time.advanceTo(deadline, async () => {});
    return give(...words);
  };
  expect(await activities.grant({ request })).toMatchObject({ ok: false, code: 'CURFEW_DEADLINE_PASSED' });
  expect(target.log).toEqual([]);
});

test('a grant that is given up bars the way to a run of it that is under way still', async () => {
  const { target, holds, activities, request } = setUp();

  const giveUp = plus(start, 15_000);
  const kept = { ok: true, result: [{ outcome: 'kept' }] };
  expect(await activities.revoke({ request, notBefore: start, giveUp })).toMatchObject(kept);
  expect(await activities.grant({ request })).toMatchObject({ ok: false, code: 'CURFEW_HOLD_CLAIMED' });
  expect(await activities.release({ request })).toMatchObject({ ok: true });
  expect(target.log).toEqual([]);
  expect(holds.all.size).toBe(0);
});

for (const { step, waitsFor, gives } of [
  { step: 'while the target is asked who has it', waitsFor: 'isHeld', gives: [] },
  { step: 'just before it gives', waitsFor: 'grant', gives: ['granted', 'dropped'] },
] as const) {
  test(`a grant that is given up ${step} leaves nothing`, async () => {
    const { target, holds, activities, request } = setUp();

    const call = target[waitsFor].bind(target) as (...words: unknown[]) => Promise<never>;
    target[waitsFor] = async (...words: unknown[]) => {
      target[waitsFor] = call;
      const giveUp = plus(start, 15_000);
      expect(await activities.revoke({ request, notBefore: start, giveUp })).toMatchObject({ ok: true });
      return call(...words);
    };
    expect(await activities.grant({ request })).toMatchObject({ ok: false, code: 'CURFEW_HOLD_CLAIMED' });
    expect(target.log.map(({ what }) => what)).toEqual(gives);
    expect(await activities.release({ request })).toMatchObject({ ok: true });
    expect(target.members.size).toBe(0);
    expect(holds.all.size).toBe(0);
  });
}

test('a copy of a grant that comes when all of it is over touches nothing', async () => {
  const { target, holds, requests, activities, request, endedAt, deadline } = setUp();

  await requests.save(endedAt(plus(deadline, -1)));
  expect(await activities.grant({ request })).toMatchObject({ ok: false, code: 'CURFEW_DEADLINE_PASSED' });
  expect(target.log).toEqual([]);
  expect(holds.all.size).toBe(0);
});

test('a grant whose entitlement a longer one claims for its end meanwhile leaves it to that one', async () => {
  const { target, holds, activities, request, deadline } = setUp();
  const other = requestIdOf(new Uint8Array(16).fill(9));
  const give = target.grant.bind(target);
  target.grant = async (...words) => {
    const [[key, document] = []] = holds.all;
    if (key === undefined || !document) throw new Error('no hold');
    const lasting = acquireHold(document, other, plus(deadline, 1)) as HoldDocument;
    const release = releaseHold(lasting, other, true, plus(deadline, 1));
    expect(release.outcome).toBe('drop');
    if (release.document) holds.all.set(key, release.document);
    return give(...words);
  };
  expect(await activities.grant({ request })).toMatchObject({ ok: true });
  expect(target.log.map(({ what }) => what)).toEqual(['granted']);
});

for (const { when, offset } of [
  { when: 'was ended just before its deadline', offset: -5_000 },
  { when: 'has ended, by a clock that is ahead', offset: 0 },
]) {
  test(`what another process has claimed stays claimed until that may act no more, though the request ${when}`, async () => {
    const { time, holds, requests, activities, request, endedAt, deadline } = setUp();
    const settled = async () => {};
    const changedAt = plus(deadline, offset);
    await time.advanceTo(changedAt, settled);
    const other = requestIdOf(new Uint8Array(16).fill(9));
    await requests.save({ ...endedAt(changedAt), id: other });
    const key = holdKey(entitlement, request.requester.principalId);
    const actor = { id: 'another-process' as ActorId, until: plus(deadline, timeline.claimLastsMs) };
    holds.all.set(key, { standing: false, holds: { [other]: deadline }, claimedBy: other, actor });
    const later = { ...request, deadline: plus(deadline, 60_000) };
    const claimed = { ok: false, code: 'CURFEW_HOLD_CLAIMED' };
    expect(await activities.grant({ request: later })).toMatchObject(claimed);
    expect(holds.all.get(key)?.claimedBy).toBe(other);

    await time.advanceTo(plus(deadline, timeline.claimLastsMs + timeline.clockSkewMs), settled);
    expect(await activities.grant({ request: later })).toMatchObject(claimed);
    expect(await activities.grant({ request: later })).toMatchObject({ ok: true });
  });
}
