import { describe, expect, test } from 'vitest';
import type { CommandId } from '../../shared/domain/ids.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, owners, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, 8 * hour);

/** Who was sent the alarm that an access is overdue, beside what the log says of those who could not be. */
async function overdue(world = createWorld()) {
  const id = await world.submit();
  await world.approve(id);
  await world.advanceTo(plus(deadline, -minute));
  world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
  world.notifier.refused.add(bob.mail);
  const before = { sent: world.notifier.sent.length, tried: world.notifier.tried };
  await world.advanceTo(plus(deadline, 2 * minute));
  const alerts = world.notifier.sent.slice(before.sent).filter(({ subject }) => subject.startsWith('OVERDUE'));
  return { world, id, told: alerts.map(({ to }) => to), tried: world.notifier.tried - before.tried };
}

test('an alarm for a dead mailbox is an error in the log, is not tried again, and reaches the others', async () => {
  const { world, id, told, tried } = await overdue();
  // There are no engineers here.
  expect([told, tried]).toEqual([[ada.mail, carla.mail], 3]);
  expect(world.logged).toContainEqual({
    level: 'error',
    message: expect.stringContaining('CURFEW_MAIL_REFUSED'),
    requestId: id,
    kind: 'overdue',
    principalId: bob.principalId,
  });
});

test('a story whose last mail nobody takes ends all the same', async () => {
  const world = createWorld();
  world.notifier.refused.add(ada.mail);
  const id = await world.submit();
  await world.approve(id);
  await world.advanceTo(deadline);
  expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  expect(new Set(world.logged.map(({ level }) => level))).toEqual(new Set(['warning']));
});

test('one of a group whose mailbox is busy keeps a bell from nobody else, and hears it later', async () => {
  const only = { people: [], groups: [owners] };
  const breakGlass = { people: [ada], tell: only, review: { by: only, within: 24 * hour } };
  const world = createWorld();
  world.notifier.busy.add(bob.mail);
  await world.submit(requested({ breakGlass, stages: [] }));
  const rung = () => world.notifier.sent.filter(({ subject }) => subject.startsWith('BREAK')).map(({ to }) => to);
  expect(rung()).toContain(carla.mail);
  expect(world.logged).toContainEqual(
    expect.objectContaining({
      level: 'error',
      kind: 'glass-broken',
      message: 'notify failed: CURFEW_MAIL_UNAVAILABLE',
    }),
  );
  world.notifier.busy.clear();
  await world.advanceTo(plus(start, minute));
  expect(rung()).toContain(bob.mail);
});

describe('while the mail server is away', () => {
  const approvals = (world: World) => world.notifier.sent.filter(({ subject }) => subject.includes('asks for'));

  test.each([10 * minute, 20 * hour])('for %i ms those who are to approve are asked when it is back', async (away) => {
    const world = createWorld();
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    const id = await world.submit();
    await world.advanceTo(plus(start, away));
    world.notifier.failure = undefined;
    await world.advanceTo(plus(start, Math.min(2 * away, away + hour)));
    expect(approvals(world).map(({ to }) => to)).toEqual([bob.mail, carla.mail]);
    expect(world.notifier.tried).toBeLessThan(120);
    await world.approve(id);
    expect(world.request(id).state).toBe('granted');
  });

  test('nobody is asked long after somebody has answered, nor warned of an end that has come', async () => {
    const world = createWorld();
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    const id = await world.submit(requested({ duration: hour }));
    await world.advanceTo(plus(start, 10 * minute));
    await world.approve(id);
    await world.advanceTo(plus(start, 2 * hour));
    world.notifier.failure = undefined;
    await world.advanceTo(plus(start, 5 * hour));
    const subjects = world.notifier.sent.map(({ subject }) => subject);
    expect(subjects).toEqual([
      expect.stringContaining('approved reader'),
      expect.stringContaining('approved reader'),
      expect.stringContaining('Ended at its deadline'),
    ]);
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  });

  test('what was decided and that it has ended is told for hours, and no longer', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    await world.command(id, {
      kind: 'deny',
      stage: 0,
      through: 'link',
      commandId: 'no' as CommandId,
      by: bob,
      comment: '',
    });
    await world.advanceTo(plus(start, 3 * hour));
    expect(world.engine.status(id)?.runtimeStatus).toBe('Running');
    await world.advanceTo(plus(start, 8 * hour));
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  });
});
