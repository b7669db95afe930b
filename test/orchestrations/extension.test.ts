import { expect, test } from 'vitest';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, analysts, bob, eve, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const extension = { times: 2, total: 12 * hour };
const deadline = plus(start, 8 * hour);

async function grantedIn(world: World): Promise<RequestId> {
  const id = await world.submit(requested({ extension }));
  await world.approve(id);
  return id;
}

function asks(world: World, extended: RequestId, duration = hour, requester: Person = ada): Promise<RequestId> {
  const event = { ...requested({ extension, duration }, requester), extends: extended } as CurfewEvent;
  return world.submit(event);
}

test('an approved extension moves the deadline, its hold, and nothing else', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  const later = await asks(world, id);
  expect(world.request(id).deadline).toBe(deadline);
  await world.approve(later);
  await world.advanceTo(plus(start, minute));
  expect(world.request(later)).toMatchObject({ state: 'extended', movedTo: plus(deadline, hour) });
  expect(world.request(id)).toMatchObject({ state: 'granted', deadline: plus(deadline, hour) });
  expect([...world.holds.all.values()]).toMatchObject([{ holds: { [id]: plus(deadline, hour) } }]);
  await world.advanceTo(plus(deadline, hour));
  expect(world.target.log.map(({ at, what }) => [at, what])).toEqual([
    [start, 'granted'],
    [plus(deadline, hour), 'dropped'],
  ]);
  expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 0 } });
  expect(world.holds.all.size).toBe(0);
});

test('an extension that nobody approves moves nothing', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  const later = await asks(world, id);
  await world.command(later, {
    kind: 'deny',
    stage: 0,
    through: 'api',
    commandId: 'no' as CommandId,
    by: bob,
    comment: '',
  });
  await world.advanceTo(deadline);
  expect(world.request(later).state).toBe('denied');
  expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
});

test('approved when the deadline is final, or past, it fails and the access ends on time', async () => {
  for (const [before, code] of [
    [2_000, 'CURFEW_TOO_LATE'],
    [-minute, 'CURFEW_TOO_LATE'],
  ] as const) {
    const world = createWorld();
    const id = await grantedIn(world);
    const later = await asks(world, id);
    await world.advanceTo(plus(deadline, -before));
    await world.approve(later);
    await world.advanceTo(plus(deadline, 2 * minute));
    expect(world.request(later)).toMatchObject({ state: 'failed', failure: code });
    expect(world.request(id)).toMatchObject({ state: 'expired', deadline });
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
  }
});

test('nobody moves a deadline with an event that names a request which is not an approved extension of it', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  const pending = await asks(world, id);
  const other = await grantedIn(world);
  const foreign = await asks(world, other);
  await world.approve(foreign);
  for (const extension of [pending, other, foreign, id, 'nonsense']) {
    await world.engine.raiseEvent(id, 'command', { kind: 'extend', extension });
    await world.settle();
  }
  expect(world.request(id)).toMatchObject({ deadline, extensions: [] });
});

test('somebody else’s extension of it does not count either', async () => {
  const world = createWorld();
  world.directory.people.push(eve);
  world.directory.groups.set(analysts, [ada.principalId, eve.principalId]);
  const id = await grantedIn(world);
  const hers = await asks(world, id, hour, eve);
  await world.approve(hers);
  await world.advanceTo(plus(start, minute));
  expect(world.request(id).deadline).toBe(deadline);
  await world.advanceTo(plus(deadline, minute));
  expect(world.request(hers).state).toBe('failed');
});

test('the same extension moves it once, however often it is said', async () => {
  const world = createWorld({ faults: { applyExtension: (call) => (call <= 2 ? 'crash-after' : undefined) } });
  const id = await grantedIn(world);
  const later = await asks(world, id);
  await world.approve(later);
  await world.advanceTo(plus(start, minute));
  await world.engine.raiseEvent(id, 'command', { kind: 'extend', extension: later });
  await world.advanceTo(plus(start, 2 * minute));
  expect(world.request(id)).toMatchObject({ deadline: plus(deadline, hour), extensions: [{ extension: later }] });
});

test('what was moved is not called failed because the activity that asked for it crashed afterwards', async () => {
  const world = createWorld({ faults: { applyExtension: (call) => (call === 1 ? 'crash-after' : undefined) } });
  const id = await grantedIn(world);
  const later = await asks(world, id);
  await world.approve(later);
  await world.advanceTo(plus(start, minute));
  expect(world.request(id).deadline).toBe(plus(deadline, hour));
  expect(world.request(later)).toMatchObject({ state: 'extended', movedTo: plus(deadline, hour) });
});

test('a store that is down while the holds are lengthened leaves the deadline, and the extension goes on trying', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  const later = await asks(world, id);
  world.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
  await world.approve(later);
  await world.advanceTo(plus(start, minute));
  expect(world.request(id).deadline).toBe(deadline);
  expect(world.request(later).state).toBe('extending');
  world.holds.failure = undefined;
  await world.advanceTo(plus(start, 5 * minute));
  expect(world.request(later).state).toBe('extended');
});

test('an extended grant is not cut short by an overlapping request that ends after the first deadline', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  const other = await world.submit(requested({ duration: 8 * hour + 30 * minute }));
  await world.approve(other);
  const later = await asks(world, id);
  await world.approve(later);
  await world.advanceTo(plus(deadline, 45 * minute));
  expect(world.request(other).state).toBe('expired');
  expect(world.target.members.has(ada.principalId)).toBe(true);
  await world.advanceTo(plus(deadline, hour));
  expect(world.target.members.size).toBe(0);
});

test('the warning before the end comes ten minutes before the moved deadline', async () => {
  const world = createWorld();
  const id = await grantedIn(world);
  await world.advanceTo(plus(deadline, -5 * minute));
  const later = await asks(world, id);
  await world.approve(later);
  await world.advanceTo(plus(deadline, 49 * minute));
  const warnings = () =>
    world.notifier.sent.filter(({ to, subject }) => to === ada.mail && /end/i.test(subject)).length;
  const before = warnings();
  await world.advanceTo(plus(deadline, 50 * minute));
  expect(warnings()).toBe(before + 1);
});
