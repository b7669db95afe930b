import { expect, test } from 'vitest';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import { type Instant, millisecondsOf, plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, entitlement, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const deadline = plus(start, hour);
const continueAsNew = 4;

/** A world that is watched: how many events a turn was given at most, and how often a story went on in a new history. */
function watched(options: Parameters<typeof createWorld>[0] = {}) {
  const seen = { longest: 0, heaviest: 0, renewals: 0, delivered: 0 };
  const world = createWorld({
    ...options,
    onTurn: (trigger, answer) => {
      const { history } = JSON.parse(trigger) as { history: readonly unknown[] };
      const { actions } = answer as { actions: readonly (readonly { actionType: number }[])[] };
      seen.longest = Math.max(seen.longest, history.length);
      seen.heaviest = Math.max(seen.heaviest, trigger.length);
      if (actions.flat().at(-1)?.actionType !== continueAsNew) return;
      if (seen.renewals++ === 0) seen.delivered = world.calls.get('deliver') ?? 0;
    },
  });
  return { world, seen };
}

/** A grant of an hour on a target that goes away a minute before its end. */
async function overdueIn(world: World): Promise<RequestId> {
  const asked = { ...requested({ duration: hour }), revocation: { isScheduled: true, longestPause: day } };
  const id = await world.submit(asked as ReturnType<typeof requested>);
  await world.approve(id);
  await world.advanceTo(plus(deadline, -minute));
  world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
  return id;
}

const mailsTo = ({ notifier }: World, { mail }: { mail: string }, about: RegExp) =>
  notifier.sent.filter(({ to, subject }) => to === mail && about.test(subject)).length;
const overdue = /^OVERDUE/;

/** Since the deadline. */
const minutes = (at: Instant) => Math.floor((millisecondsOf(at) - millisecondsOf(deadline)) / minute);

test('a target that is away for ninety days: told on the schedule and then daily, at little cost, and taken when it is back', async () => {
  const { world, seen } = watched();
  const id = await overdueIn(world);
  const told: number[] = [];
  for (const at of [1, 5, 15, 60, 240, 720, ...Array.from({ length: 90 }, (_, index) => (index + 1) * 1440)]) {
    await world.advanceTo(plus(deadline, at * minute - 1));
    told.push(mailsTo(world, bob, overdue));
    await world.advanceTo(plus(deadline, at * minute));
    told.push(mailsTo(world, bob, overdue));
  }
  expect(told).toEqual(Array.from({ length: 96 }, (_, index) => [index, index + 1]).flat());
  expect(mailsTo(world, ada, overdue)).toBe(96);
  expect(seen.renewals).toBeGreaterThan(5);
  expect(seen.longest).toBeLessThan(600);
  expect(seen.heaviest).toBeLessThan(200_000);
  // The first failure, and one with each alert.
  expect(world.types(id).filter((type) => type === 'revocation-delayed')).toHaveLength(97);
  expect(world.request(id)).toMatchObject({ state: 'overdue', endsSince: deadline });

  world.target.failure = undefined;
  await world.advanceTo(plus(deadline, 92 * day));
  const { state, revoked } = world.request(id);
  expect(state).toBe('expired');
  const [dropped] = world.target.log.filter(({ what }) => what === 'dropped');
  expect(revoked?.lateness).toBe(millisecondsOf(dropped?.at ?? start) - millisecondsOf(deadline));
  expect(minutes(dropped?.at ?? start)).toBeGreaterThan(90 * 1440);
  expect(verifyChain(id, await world.events.read(id))).toBeUndefined();
  expect(world.holds.all.size).toBe(0);
  // Waiting, decided, granted, ending soon, ended.
  expect(mailsTo(world, ada, /^(?!OVERDUE)/)).toBe(5);
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
}, 60_000);

test('with the store and mail away as well nothing is forgotten, and everybody is told the newest once', async () => {
  const { world, seen } = watched();
  const id = await overdueIn(world);
  world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
  world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
  await world.advanceTo(plus(deadline, 5 * hour));
  expect(seen.renewals).toBeGreaterThan(3);
  world.target.failure = undefined;
  await world.advanceTo(plus(deadline, 9 * hour));
  expect(world.target.members.size).toBe(0);
  expect(world.types(id).at(-1)).toBe('access-granted');
  const mails = world.notifier.sent.length;

  world.events.failure = undefined;
  world.notifier.failure = undefined;
  await world.advanceTo(plus(deadline, 11 * hour));
  expect(seen.longest).toBeLessThan(700);
  expect(world.request(id).state).toBe('expired');
  const chain = await world.events.read(id);
  expect(verifyChain(id, chain)).toBeUndefined();
  const delays = chain.flatMap(({ event }) => (event.type === 'revocation-delayed' ? [minutes(event.at)] : []));
  expect(delays).toEqual([0, 1, 5, 15, 60, 240]);
  expect(mailsTo(world, bob, overdue)).toBe(1);
  expect(mailsTo(world, ada, overdue)).toBe(1);
  expect(world.notifier.sent.slice(mails).filter(({ to }) => to === carla.mail)).toHaveLength(1);
  expect(world.holds.all.size).toBe(0);
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
}, 60_000);

test('what the scheduler reported is remembered until it can be verified', async () => {
  const { world, seen } = watched();
  const id = await overdueIn(world);
  await world.advanceTo(plus(deadline, minute));
  const droppedAt = plus(deadline, 7);
  const evidence = [{ entitlement, outcome: 'revoked', droppedAt, sessionsEnded: 1, verifiedAt: droppedAt }] as const;
  await world.engine.raiseEvent(id, 'command', { kind: 'revocation-fired', evidence });
  world.target.members.clear();
  await world.advanceTo(plus(deadline, 11 * day));
  expect(seen.renewals).toBeGreaterThan(0);
  world.target.failure = undefined;
  await world.advanceTo(plus(deadline, 14 * day));
  expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 7, evidence: [{ droppedAt }] } });
}, 30_000);

const review = { by: { people: [carla.userPrincipalName], groups: [] }, within: day };
const breakGlass = { people: [ada], tell: { people: [bob.userPrincipalName], groups: [] }, review };
const broken = requested({ duration: hour, breakGlass, stages: [] });
const reviewed = { kind: 'review', commandId: 'seen' as CommandId, by: carla, comment: 'As reported' } as const;

test('reviews are chased at their time, however often the story goes on in a new history', async () => {
  const { world, seen } = watched();
  await world.submit(broken);
  await world.advanceTo(plus(deadline, minute));
  const before = mailsTo(world, carla, /review/i);
  world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
  await world.advanceTo(plus(deadline, 5 * day + minute));
  expect(seen.renewals).toBeGreaterThan(0);
  world.notifier.failure = undefined;
  await world.advanceTo(plus(deadline, 6 * day - minute));
  expect(mailsTo(world, carla, /review/i)).toBe(before + 1);
  await world.advanceTo(plus(deadline, 6 * day + minute));
  expect(mailsTo(world, carla, /review/i)).toBe(before + 2);
}, 60_000);

test('a review that comes just before the story goes on in a new history counts', async () => {
  /** Runs until the first renewal, or until the review counts. During the call `during` two events come: one is swallowed by an old wait, one finds none. */
  const run = async (during?: number) => {
    const { world, seen } = watched({
      faults: {
        deliver: (call) => {
          if (call !== during) return undefined;
          void world.engine.raiseEvent(id, 'command', { ...reviewed, by: ada, commandId: 'mine' });
          void world.engine.raiseEvent(id, 'command', 'nonsense');
          void world.engine.raiseEvent(id, 'command', reviewed);
          return undefined;
        },
      },
    });
    const id: RequestId = await world.submit(broken);
    await world.advanceTo(plus(deadline, minute));
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    for (let at = deadline; seen.renewals === 0 && !world.types(id).includes('access-reviewed'); at = plus(at, hour)) {
      await world.advanceTo(at);
    }
    return { world, id, last: seen.delivered };
  };
  const { last } = await run();
  for (const during of [last - 1, last]) {
    const { world, id } = await run(during);
    await world.advanceTo(plus(world.time.now, hour));
    expect(world.request(id)).toMatchObject({ state: 'expired', review: { by: carla } });
  }
}, 60_000);
