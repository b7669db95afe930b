import { describe, expect, test } from 'vitest';
import { commandEvent } from '../../orchestrations/contract.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, requested, stage, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const second = 1000;
const hour = 3_600 * second;

/** A request that is granted now, and its deadline. */
async function granted(world: World, duration: number) {
  const id = await world.submit(requested({ duration, stages: [{ ...stage, timeOut: 30 * 24 * hour }] }));
  await world.approve(id);
  await world.advanceTo(plus(world.time.now, 5 * second));
  const { state, deadline = start } = world.request(id);
  return { id, state, deadline };
}

describe('an outage of the store at the end of one access', () => {
  test('does not keep the next one alive beyond its deadline', async () => {
    const world = createWorld();
    const first = await granted(world, hour);
    await world.advanceTo(plus(first.deadline, -5 * second));
    world.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.advanceTo(plus(first.deadline, 5 * second));
    expect([world.request(first.id).state, world.target.members.size]).toEqual(['expired', 0]);
    world.holds.failure = undefined;

    const next = await granted(world, hour);
    expect([next.state, world.target.members.size]).toEqual(['granted', 1]);
    await world.advanceTo(plus(next.deadline, 5 * second));
    expect(world.request(next.id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'revoked' }] } });
    expect([...world.target.members]).toEqual([]);
  });

  test('does not stand in the way of the next one for ever', async () => {
    const world = createWorld();
    const first = await granted(world, hour);
    await world.advanceTo(plus(first.deadline, -second));
    world.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.advanceTo(plus(first.deadline, 5 * second));
    expect([world.request(first.id).state, world.target.members.size]).toEqual(['expired', 0]);
    world.holds.failure = undefined;
    expect((await granted(world, hour)).state).toBe('granted');
  });

  test('lets two requests that overlap end one after the other as always', async () => {
    const world = createWorld();
    const first = await granted(world, hour);
    const second = await granted(world, hour);
    await world.advanceTo(plus(first.deadline, 100));
    expect(world.request(first.id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'kept' }] } });
    expect([...world.target.members]).toEqual([ada.principalId]);
    await world.advanceTo(plus(second.deadline, 100));
    expect([world.request(second.id).state, world.target.members.size]).toEqual(['expired', 0]);
  });
});

test('a holder whose own session blocks the drop is thrown out first, and not before the deadline', async () => {
  const world = createWorld();
  const { target } = world;
  const { id, deadline } = await granted(world, hour);
  target.sessions.set(ada.principalId, 2);
  const revoke = target.revoke.bind(target);
  target.revoke = async (...words) => {
    if (target.sessions.size === 0) return revoke(...words);
    await world.time.clock.sleepUntil(words[2]);
    throw new CurfewError('CURFEW_TARGET_UNAVAILABLE');
  };
  await world.advanceTo(plus(deadline, -1));
  expect([target.members.size, target.sessions.size]).toEqual([1, 1]);
  await world.advanceTo(plus(deadline, 1));
  expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ sessionsEnded: 2 }] } });
  expect(target.members.size).toBe(0);
});

test('a holder whose clients connect again and again is locked out, and the access still ends', async () => {
  const world = createWorld();
  const { target } = world;
  const { id, deadline } = await granted(world, hour);
  let isLockedOut = false;
  target.cleanUp = async () => {
    isLockedOut = true;
  };
  target.endSessions = async () => {
    if (!isLockedOut) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
    return 1;
  };
  await world.advanceTo(plus(deadline, 1));
  expect([world.request(id).state, target.members.size]).toEqual(['expired', 0]);
});

test('a late approval does not move a booked window: the access ends when the approver read that it would', async () => {
  const world = createWorld();
  const startsAt = plus(start, hour);
  const id = await world.submit(requested({ startsAt, duration: 2 * hour }));
  await world.advanceTo(plus(startsAt, hour));
  await world.approve(id);
  expect(world.request(id)).toMatchObject({ state: 'granted', deadline: plus(startsAt, 2 * hour) });
  await world.advanceTo(plus(startsAt, 2 * hour + second));
  expect([world.request(id).state, world.target.members.size]).toEqual(['expired', 0]);
});

describe('an event that is no command of a person', () => {
  const forged: [string, unknown][] = [
    ['nothing', null],
    ['a text', 'approve'],
    ['an unknown kind', { kind: 'open-sesame', commandId: 'x', by: bob }],
    ['an end by nobody', { kind: 'end', commandId: 'x', as: 'administrator', reason: '' }],
    ['a confirmation that all is gone', { kind: 'confirm-revocation', evidence: [] }],
    ['a refusal of the grant', { kind: 'refuse-grant', code: 'CURFEW_INTERNAL' }],
  ];

  test.each(forged)('%s neither ends the access early nor keeps it from ending', async (_what, event) => {
    const world = createWorld();
    const { id, deadline } = await granted(world, hour);
    await world.engine.raiseEvent(id, commandEvent, event);
    await world.settle();
    expect([world.request(id).state, world.target.members.size]).toEqual(['granted', 1]);
    await world.advanceTo(plus(deadline, 5 * second));
    expect([world.request(id).state, world.target.members.size]).toEqual(['expired', 0]);
  });

  test('an overdue access is not declared gone from outside', async () => {
    const world = createWorld();
    const { id, deadline } = await granted(world, hour);
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.advanceTo(plus(deadline, 10 * second));
    await world.engine.raiseEvent(id, commandEvent, { kind: 'confirm-revocation', evidence: [] });
    await world.advanceTo(plus(deadline, 15 * second));
    expect([world.request(id).state, world.target.members.size]).toEqual(['overdue', 1]);
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 180 * second));
    expect([world.request(id).state, world.target.members.size]).toEqual(['expired', 0]);
  });

  test('a forged approval before the decision gives nothing', async () => {
    const world = createWorld();
    const id = await world.submit();
    for (const by of [ada, { ...bob, principalId: 'a0000000-0000-4000-8000-00000000000f' }]) {
      await world.engine.raiseEvent(id, commandEvent, { kind: 'approve', commandId: 'x', by, comment: '' });
    }
    await world.engine.raiseEvent(id, commandEvent, { kind: 'begin-grant' });
    await world.settle();
    expect([world.request(id).state, world.types(id)]).toEqual(['waiting-for-approval', ['access-requested']]);
  });
});
