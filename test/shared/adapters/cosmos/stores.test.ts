import { expect, test } from 'vitest';
import { createDriftStore, createEventStore } from '../../../../shared/adapters/cosmos/event-store.ts';
import { createHeartbeatStore } from '../../../../shared/adapters/cosmos/heartbeat-store.ts';
import { createHoldStore } from '../../../../shared/adapters/cosmos/hold-store.ts';
import { createRequestStore } from '../../../../shared/adapters/cosmos/request-store.ts';
import type { DriftEvent } from '../../../../shared/domain/drift.ts';
import type { CurfewEvent } from '../../../../shared/domain/events.ts';
import { link } from '../../../../shared/domain/hash-chain.ts';
import { holdKey } from '../../../../shared/domain/holds.ts';
import {
  type ActorId,
  driftIdOf,
  type PrincipalId,
  type RequestId,
  type TargetId,
} from '../../../../shared/domain/ids.ts';
import { plus } from '../../../../shared/domain/time.ts';
import type { Upcoming } from '../../../../shared/domain/upcoming.ts';
import type { Held } from '../../../../shared/ports.ts';
import { containerOf, server } from '../../../contract/cosmos/support.ts';
import {
  ada,
  approved,
  entitlement,
  eve,
  grantEvidence,
  requestAfter,
  requested,
  start,
} from '../../../support/samples.ts';

const byId = { partitionKey: { paths: ['/id'] } };

test('holds are listed page by page, each once, with what their keys say', async () => {
  const holds = createHoldStore(await containerOf((await server()).url, { id: 'holds', ...byId }));
  const people = Array.from({ length: 5 }, (_, index) => `person-${index}` as PrincipalId);
  const document = { standing: false, holds: { ['req-a' as RequestId]: start } };
  for (const person of people) {
    await holds.change(holdKey(entitlement, person), () => ({ document, answer: null }));
  }
  const found: Held[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await holds.list(2, after);
    found.push(...page.holds);
    after = page.next;
    pages++;
  } while (after !== undefined);
  expect(pages).toBe(3);
  expect(found.map(({ principalId }) => principalId).toSorted((one, other) => (one < other ? -1 : 1))).toEqual(people);
  expect(found[0]).toMatchObject({ entitlement, document });
});

test('requests with something to come are those that go on, and those whose review is owed', async () => {
  const requests = createRequestStore(await containerOf((await server()).url, { id: 'requests', ...byId }));
  const request = requestAfter(requested());
  const all = [
    { ...request, id: 'req-open' },
    { ...request, id: 'req-ended', state: 'expired' },
    { ...request, id: 'req-owed', state: 'expired', review: 'owed' },
  ] as (typeof request)[];
  for (const each of all) await requests.save(each);
  const { requests: found } = await requests.list({ isUnfinished: true }, 10);
  expect(found.map(({ id }) => id).toSorted((one, other) => (one < other ? -1 : 1))).toEqual(['req-open', 'req-owed']);
});

test('the requests that were begun lately are found by their first events, and nothing else is', async () => {
  const container = await containerOf((await server()).url);
  const [events, drifts] = [createEventStore(container), createDriftStore(container)];
  const ids = ['req-old', 'req-new', 'req-newer'] as const;
  for (const [age, id] of ids.entries()) {
    const first = link(id as RequestId, undefined, { ...requested(), at: plus(start, age) });
    await events.append(first);
    await events.append(link(id as RequestId, first, { type: 'approval-timed-out', at: plus(start, age) }));
  }
  const gone = { type: 'drift-gone', at: plus(start, 1), entitlement, holder: eve } as const;
  await drifts.append(link(driftIdOf('orders' as TargetId), undefined, gone));
  const found = await events.begunSince(plus(start, 1));
  expect(found.toSorted((one, other) => (one < other ? -1 : 1))).toEqual(['req-new', 'req-newer']);
});

test('whoever asks is told once of each projection that was written, and of the one before', async () => {
  const told: unknown[][] = [];
  const container = await containerOf((await server()).url, { id: 'requests', ...byId });
  const requests = createRequestStore(container, (before, after) => told.push([before?.version, after.version]));
  const first = requestAfter(requested());
  for (const version of [1, 1, 3, 2, 3]) await requests.save({ ...first, version });
  expect(told).toEqual([
    [undefined, 1],
    [1, 3],
  ]);
});

test('drift is appended once, and another event in its place is refused', async () => {
  const drifts = createDriftStore(await containerOf((await server()).url));
  const target = 'orders' as TargetId;
  const of = (name: string): DriftEvent => ({
    type: 'drift-gone',
    at: start,
    entitlement,
    holder: { principalId: eve.principalId, name },
  });
  const event = link(driftIdOf(target), undefined, of('eve'));
  await drifts.append(event);
  await drifts.append(event);
  await expect(drifts.append(link(driftIdOf(target), undefined, of(ada.name)))).rejects.toMatchObject({
    code: 'CURFEW_STORE_CONFLICT',
  });
  expect(await drifts.read(target)).toEqual([event]);
  expect(await drifts.read('other' as TargetId)).toEqual([]);
});

test('the last success is remembered, and the newest one alone', async () => {
  const heartbeat = createHeartbeatStore(await containerOf((await server()).url, { id: 'reconciler', ...byId }));
  expect(await heartbeat.find()).toBeUndefined();
  await heartbeat.save('2026-01-01T00:00:00.000Z' as typeof start);
  await heartbeat.save(start);
  expect(await heartbeat.find()).toBe(start);
});

test('what begins or ends soon is found page by page, soonest first, and what is over, later or not scheduled is not', async () => {
  const requests = createRequestStore(await containerOf((await server()).url, { id: 'requests', ...byId }));
  const at = (minutes: number) => plus(start, minutes * 60_000);
  const intended = (minutes: number): CurfewEvent[] => [
    approved,
    { type: 'grant-intended', at: start, deadline: at(minutes) },
  ];
  const granted: CurfewEvent = { type: 'access-granted', at: start, evidence: [grantEvidence] };
  const booked = requested({ startsAt: at(2) });
  const unscheduled = { ...requested(), revocation: { isScheduled: false, longestPause: 1 } } as CurfewEvent;
  const all: [string, ...CurfewEvent[]][] = [
    ['req-waiting', requested()],
    ['req-booked', booked, approved],
    ['req-granting', requested(), ...intended(1)],
    ['req-granted', requested(), ...intended(3), granted],
    ['req-later', requested(), ...intended(4), granted],
    ['req-sooner', requested(), ...intended(-1), granted],
    ['req-unscheduled', unscheduled, ...intended(1), granted],
  ];
  for (const [id, ...events] of all) await requests.save({ ...requestAfter(...events), id: id as RequestId });
  const found: Upcoming[] = [];
  let after: string | undefined;
  do {
    const page = await requests.upcoming(start, at(3), 2, after);
    expect(page.upcoming.length).toBeLessThanOrEqual(2);
    found.push(...page.upcoming);
    after = page.next;
  } while (after !== undefined);
  const { principalId, userPrincipalName } = ada;
  const common = { principal: { principalId, userPrincipalName }, entitlements: [entitlement] };
  expect(found).toEqual([
    { ...common, id: 'req-granting', kind: 'end', at: at(1), isIntended: true },
    { ...common, id: 'req-booked', kind: 'start', at: at(2) },
    { ...common, id: 'req-granted', kind: 'end', at: at(3) },
  ]);
});

test('a claim comes back with its actor and what was dropped under it', async () => {
  const holds = createHoldStore(await containerOf((await server()).url, { id: 'holds', ...byId }));
  const id = 'req-a' as RequestId;
  const actor = {
    id: 'one' as ActorId,
    until: start,
    isShared: true,
    dropped: { at: start, sessionsEnded: 2 },
  } as const;
  const document = { standing: false, holds: { [id]: start }, claimedBy: id, actor };
  const key = holdKey(entitlement, ada.principalId);
  await holds.change(key, () => ({ document, answer: null }));
  expect(await holds.change(key, (present) => ({ document: present, answer: present }))).toEqual(document);
});

test('of each process the newest sign of life is remembered', async () => {
  const heartbeats = createHeartbeatStore(await containerOf((await server()).url, { id: 'reconciler', ...byId }));
  const [one, other] = ['one', 'other'] as ActorId[] as [ActorId, ActorId];
  await heartbeats.beat(one, start);
  await heartbeats.beat(one, plus(start, 250));
  expect([await heartbeats.pulse(one), await heartbeats.pulse(other)]).toEqual([plus(start, 250), undefined]);
  expect(await heartbeats.find()).toBeUndefined();
});
