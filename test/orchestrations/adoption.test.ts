import { describe, expect, test } from 'vitest';
import { type OrchestratorInput, orchestratorName } from '../../orchestrations/contract.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import type { Stage } from '../../shared/domain/policy.ts';
import type { State } from '../../shared/domain/states.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, requested, stage, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, 8 * hour);

/** Its orchestration is lost, task hub and all. */
async function lose(world: World, id: RequestId): Promise<void> {
  await world.engine.terminate(id, 'lost').catch(() => undefined);
  await world.settle();
  await world.engine.purge(id);
}

/** Another goes on from what the store knows. */
async function adopt(world: World, id: RequestId): Promise<void> {
  await lose(world, id);
  const chain = await world.events.read(id);
  const [first, last] = [chain[0], chain.at(-1)];
  if (!first || !last) throw new Error('no such request');
  const request = world.request(id);
  const resumed = { request, last, outbox: { events: [], groups: [] }, attempts: request.delay?.attempt ?? 0 };
  await world.engine.start(orchestratorName, id, { first, resumed } satisfies OrchestratorInput);
  await world.settle();
}

async function expectGone(world: World, id: RequestId, state: State): Promise<void> {
  expect(world.request(id).state).toBe(state);
  expect(world.target.members.size).toBe(0);
  expect(world.holds.all.size).toBe(0);
  expect(verifyChain(id, await world.events.read(id))).toBeUndefined();
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
}

const mailsTo = ({ notifier }: World, { mail }: { mail: string }, about: RegExp) =>
  notifier.sent.filter(({ to, subject }) => to === mail && about.test(subject)).length;

describe('a request that is adopted', () => {
  test('while it waits is asked for again, of those who have not answered, and goes on to its end', async () => {
    const world = createWorld();
    const slow: Stage = { ...stage, quorum: 2, reminders: [hour, 3 * hour] };
    const id = await world.submit(requested({ stages: [slow] }));
    await world.approve(id, carla);
    await world.advanceTo(plus(start, 2 * hour));
    const before = [mailsTo(world, bob, /./), mailsTo(world, carla, /./)] as const;
    await adopt(world, id);
    // Asked, and not reminded of an hour that is past.
    expect([mailsTo(world, bob, /./), mailsTo(world, carla, /./)]).toEqual([before[0] + 1, before[1]]);
    await world.advanceTo(plus(start, 3 * hour));
    expect(mailsTo(world, bob, /^Reminder/)).toBe(2);
    await world.approve(id, bob);
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline: plus(start, 11 * hour) });
    await world.advanceTo(plus(start, 11 * hour));
    await expectGone(world, id, 'expired');
  });

  test('after the time to decide is over times out, and nobody is asked any more', async () => {
    const world = createWorld();
    const id = await world.submit();
    await lose(world, id);
    await world.advanceTo(plus(start, 25 * hour));
    const before = mailsTo(world, bob, /./);
    await adopt(world, id);
    await expectGone(world, id, 'timed-out');
    expect(mailsTo(world, bob, /./)).toBe(before);
  });

  test('when its start is booked begins and ends as booked', async () => {
    const world = createWorld();
    const id = await world.submit(requested({ startsAt: plus(start, hour) }));
    await world.approve(id);
    await adopt(world, id);
    await world.advanceTo(plus(start, hour));
    expect(world.target.log).toMatchObject([{ at: plus(start, hour), what: 'granted' }]);
    await world.advanceTo(plus(start, 9 * hour));
    await expectGone(world, id, 'expired');
  });

  test('between intent and grant is granted until the intended deadline, and the requester is told once', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.approve(id);
    expect(world.request(id)).toMatchObject({ state: 'granting', deadline });
    await world.advanceTo(plus(start, 3_500));
    world.target.failure = undefined;
    await adopt(world, id);
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
    await world.advanceTo(plus(start, hour));
    expect(mailsTo(world, ada, /^You have/)).toBe(1);
    await world.advanceTo(deadline);
    await expectGone(world, id, 'expired');
  });

  test('long after the deadline of a grant whose outcome nobody wrote down is revoked, alarmingly late', async () => {
    const world = createWorld();
    const { target } = world;
    const give = target.grant.bind(target);
    target.grant = (...words) => {
      world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
      return give(...words);
    };
    const unscheduled = { isScheduled: false, longestPause: minute };
    const id = await world.submit({ ...requested(), revocation: unscheduled } as CurfewEvent);
    await world.approve(id);
    await lose(world, id);
    world.events.failure = undefined;
    expect([world.request(id).state, world.target.members.size]).toEqual(['granting', 1]);
    await world.advanceTo(plus(deadline, 3 * hour));
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await adopt(world, id);
    expect(world.request(id)).toMatchObject({ state: 'overdue', endsSince: deadline });
    expect(mailsTo(world, bob, /^OVERDUE/)).toBe(1);
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 3 * hour + minute));
    await expectGone(world, id, 'failed');
  });

  test.each([
    ['long before', -4 * hour],
    ['after the process that armed it has claimed it, just before', -1_000],
  ])('%s its deadline ends on it to the millisecond, and nobody is told again that they have it', async (_, when) => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, when));
    await adopt(world, id);
    await world.advanceTo(deadline);
    expect(world.request(id)).toMatchObject({ revoked: { lateness: 0 } });
    expect(mailsTo(world, ada, /^You have/)).toBe(1);
    await expectGone(world, id, 'expired');
  });

  test('after its deadline is ended at once, as late as it is', async () => {
    const world = createWorld();
    const unscheduled = { isScheduled: false, longestPause: minute };
    const id = await world.submit({ ...requested(), revocation: unscheduled } as CurfewEvent);
    await world.approve(id);
    await lose(world, id);
    await world.advanceTo(plus(deadline, hour));
    await adopt(world, id);
    expect(world.request(id)).toMatchObject({ revoked: { lateness: hour } });
    await expectGone(world, id, 'expired');
  });

  test('after a deadline that the scheduler kept meanwhile says when it was dropped, which the hold document remembers', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await lose(world, id);
    world.target.sessions.set(ada.principalId, 2);
    await world.advanceTo(plus(deadline, hour));
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
    await adopt(world, id);
    expect(world.request(id).revoked).toMatchObject({
      lateness: 0,
      evidence: [{ outcome: 'revoked', sessionsEnded: 2 }],
    });
    await expectGone(world, id, 'expired');
  });

  test('while it is being ended early, or is overdue, goes on with that, and with the schedule of alerts', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    const commandId = 'end' as CommandId;
    await world.command(id, { kind: 'end', commandId, by: ada, as: 'requester', reason: '' });
    for (const after of [2 * minute, 20 * minute]) {
      await world.advanceTo(plus(start, after));
      await adopt(world, id);
    }
    await world.advanceTo(plus(start, hour + 1));
    expect(mailsTo(world, bob, /^OVERDUE/)).toBe(4);
    expect(world.request(id).delay?.attempt).toBeGreaterThan(50);
    world.target.failure = undefined;
    await world.advanceTo(plus(start, hour + 2 * minute));
    await expectGone(world, id, 'revoked');
  });

  test('when it has ended already ends at once, and tells nobody again', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(deadline);
    const [mails, events] = [world.notifier.sent.length, world.types(id).length];
    await adopt(world, id);
    await expectGone(world, id, 'expired');
    expect([world.notifier.sent.length, world.types(id).length]).toEqual([mails, events]);
  });
});
