import { describe, expect, test } from 'vitest';
import { CurfewError } from '../../shared/domain/errors.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { CommandId } from '../../shared/domain/ids.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { ada, analysts, bob, carla, owners, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, 8 * hour);
const down = 'CURFEW_STORE_UNAVAILABLE';
const heldUp = (world: World) => world.notifier.sent.filter(({ subject }) => subject.endsWith('is held up'));

/** All that Cosmos DB holds is down together. */
function fail(world: World, failure: typeof down | undefined): void {
  for (const store of [world.events, world.requests, world.holds]) store.failure = failure;
}

/** Approved while the store is down, as an event that was raised before. */
async function approvedWithoutStore(world = createWorld(), event = requested()) {
  const id = await world.submit(event);
  const commandId = 'approval' as CommandId;
  fail(world, down);
  await world.command(id, { kind: 'approve', stage: 0, through: 'link', commandId, by: bob, comment: '' });
  return { world, id };
}

describe('while the store is down nothing is granted', () => {
  test('and the requester hears of it once, soon after a minute', async () => {
    const { world } = await approvedWithoutStore();
    await world.advanceTo(plus(start, minute - 1));
    expect(heldUp(world)).toEqual([]);
    await world.advanceTo(plus(start, minute + 10_000));
    expect(heldUp(world).map(({ to }) => to)).toEqual([ada.mail]);
    await world.advanceTo(plus(start, 20 * minute));
    expect(heldUp(world)).toHaveLength(1);
    expect([world.target.log, world.holds.all.size]).toEqual([[], 0]);
  });

  test('it is given within a minute of the store’s return, and ends when it would have ended', async () => {
    const { world, id } = await approvedWithoutStore();
    await world.advanceTo(plus(start, 30 * minute));
    fail(world, undefined);
    await world.advanceTo(plus(start, 31 * minute));
    expect(world.request(id)).toMatchObject({ state: 'granted', beganAt: start, deadline });
    await world.advanceTo(deadline);
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
  });

  test('who asked is not written to where it comes back in time', async () => {
    const { world, id } = await approvedWithoutStore();
    await world.advanceTo(plus(start, 50_000));
    fail(world, undefined);
    await world.advanceTo(plus(start, 2 * minute));
    expect(world.request(id).state).toBe('granted');
    expect(heldUp(world)).toEqual([]);
  });

  test('nor ever where it stays away until the deadline, and what others gave is left alone', async () => {
    const { world, id } = await approvedWithoutStore(createWorld(), requested({ duration: 10 * minute }));
    world.target.members.add(ada.principalId);
    await world.advanceTo(plus(start, 15 * minute));
    expect(world.target.log).toEqual([]);
    fail(world, undefined);
    await world.advanceTo(plus(start, 17 * minute));
    expect(world.target.log).toEqual([]);
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_DEADLINE_PASSED' });
    expect(world.types(id)).toContain('grant-intended');
  });

  test('a broken glass is no exception', async () => {
    const review = { by: { people: [], groups: [owners] }, within: 24 * hour };
    const breakGlass = { people: [ada], tell: { people: [carla.userPrincipalName], groups: [] }, review };
    const world = createWorld();
    // The account is looked up first, for as long as two seconds.
    world.directory.gate = new Promise(() => {});
    const id = await world.submit(requested({ breakGlass, stages: [] }));
    fail(world, down);
    await world.advanceTo(plus(start, 10 * minute));
    expect(world.target.log).toEqual([]);
    expect(heldUp(world).map(({ to }) => to)).toEqual([ada.mail]);
    fail(world, undefined);
    await world.advanceTo(plus(start, 11 * minute));
    expect(world.request(id).state).toBe('granted');
  });

  test('they who left meanwhile are granted nothing', async () => {
    const { world, id } = await approvedWithoutStore();
    world.directory.groups.set(analysts, []);
    await world.advanceTo(plus(start, 5 * minute));
    fail(world, undefined);
    await world.advanceTo(plus(start, 6 * minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
    expect(world.target.log).toEqual([]);
  });
});

describe('where the store goes between the intent and the grant', () => {
  /** The intent is written; the directory keeps the grant waiting; then the store goes. */
  async function intended(world: World) {
    const id = await world.submit();
    world.holds.failure = down;
    await world.approve(id);
    expect(world.types(id).at(-1)).toBe('grant-intended');
    fail(world, down);
    return id;
  }

  test('it waits, and says so', async () => {
    const world = createWorld();
    const id = await intended(world);
    await world.advanceTo(plus(start, 20 * minute));
    expect(heldUp(world).map(({ to }) => to)).toEqual([ada.mail]);
    fail(world, undefined);
    await world.advanceTo(plus(start, 22 * minute));
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
  });

  test('an access that somebody has by another request goes on', async () => {
    const world = createWorld();
    const other = await world.submit(requested({ duration: 6 * hour }));
    await world.approve(other);
    await intended(world);
    await world.advanceTo(plus(start, 10 * minute));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    fail(world, undefined);
    await world.advanceTo(plus(start, 6 * hour));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    await world.advanceTo(deadline);
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
  });
});

describe('a grant that fails while nobody can say who else holds the same', () => {
  /** The second of two overlapping requests, whose grant the target refuses when it has its hold; then the holds are down. */
  async function refused(world: World, duration: number) {
    const other = await world.submit(requested({ duration: 6 * hour }));
    await world.approve(other);
    const { isHeld } = world.target;
    world.target.isHeld = async () => {
      world.target.isHeld = isHeld;
      world.holds.failure = down;
      throw new CurfewError('CURFEW_TARGET_REFUSED');
    };
    const id = await world.submit(requested({ duration }));
    await world.approve(id);
    return { id, other };
  }
  const holds = (world: World) => world.target.members.has(ada.principalId);

  test('leaves what they hold until that can be said', async () => {
    const world = createWorld();
    const { id, other } = await refused(world, 8 * hour);
    await world.advanceTo(plus(start, 90_000));
    world.holds.failure = undefined;
    await world.advanceTo(plus(start, 10 * minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', revoked: { evidence: [{ outcome: 'kept' }] } });
    await world.advanceTo(plus(start, 6 * hour));
    expect(world.request(other)).toMatchObject({ state: 'expired', revoked: { lateness: 0 } });
    expect(world.target.log.at(-1)).toMatchObject({ at: plus(start, 6 * hour), what: 'dropped' });
    expect(world.holds.all.size).toBe(0);
  });

  test('takes it without knowing at its deadline, whatever the pause between two tries', async () => {
    const world = createWorld();
    const { id } = await refused(world, hour + 10 * minute + 7);
    await world.advanceTo(plus(start, hour + 10 * minute));
    expect(holds(world)).toBe(true);
    await world.advanceTo(plus(start, hour + 10 * minute + 5_000));
    expect(holds(world)).toBe(false);
    expect(world.request(id)).toMatchObject({ state: 'failed', revoked: { evidence: [{ holdsUnknown: true }] } });
  });
});

test('what was dropped without knowing of another hold says so, though it is kept for that one by the time it is verified', async () => {
  const world = createWorld();
  const short = await world.submit(requested({ duration: hour }));
  const long = await world.submit(requested({ duration: 3 * hour }));
  for (const id of [short, long]) await world.approve(id);
  world.holds.failure = down;
  const { isHeld } = world.target;
  world.target.isHeld = () => {
    world.target.isHeld = isHeld;
    world.holds.failure = undefined;
    return Promise.reject(new CurfewError('CURFEW_TARGET_UNAVAILABLE'));
  };
  await world.advanceTo(plus(start, hour + minute));
  expect(world.target.log.at(-1)).toMatchObject({ at: plus(start, hour), what: 'dropped' });
  expect(world.request(short).revoked?.evidence).toMatchObject([
    { outcome: 'kept', droppedAt: plus(start, hour), holdsUnknown: true },
  ]);
});

describe('revocation waits for no store', () => {
  test('what happened meanwhile is written afterwards, in order, with its true times', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, -minute));
    fail(world, down);
    await world.advanceTo(plus(deadline, 10 * minute));
    expect(world.types(id).at(-1)).toBe('access-granted');
    fail(world, undefined);
    await world.advanceTo(plus(deadline, 12 * minute));
    const chain = await world.events.read(id);
    expect(verifyChain(id, chain)).toBeUndefined();
    const ends = chain.slice(-2).map(({ event }) => [event.type, event.at]);
    expect(ends).toEqual([
      ['revocation-began', deadline],
      ['access-revoked', deadline],
    ]);
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
  });

  test('with the target down as well people are alerted on time, and each step is written with its time', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, -minute));
    fail(world, down);
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.advanceTo(plus(deadline, minute));
    const alerts = () => world.notifier.sent.filter(({ subject }) => subject.startsWith('OVERDUE'));
    expect(alerts().map(({ to }) => to)).toEqual(expect.arrayContaining([ada.mail, bob.mail]));
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 3 * minute));
    expect(world.target.members.size).toBe(0);
    fail(world, undefined);
    await world.advanceTo(plus(deadline, 10 * minute));
    expect(world.request(id).state).toBe('expired');
    const times = (await world.events.read(id)).map(({ event }): Instant => event.at);
    expect(times).toEqual([...times].sort());
    expect(times.at(-1)).toBe(world.target.log.at(-1)?.at);
  });
});
