import { expect, test } from 'vitest';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, owners, requested, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

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
  const before = { sent: world.notifier.sent.length, tried: world.calls.get('notify') ?? 0 };
  await world.advanceTo(plus(deadline, 2 * minute));
  const alerts = world.notifier.sent.slice(before.sent).filter(({ subject }) => subject.startsWith('OVERDUE'));
  return { world, id, told: alerts.map(({ to }) => to), tried: (world.calls.get('notify') ?? 0) - before.tried };
}

test('an alarm for a dead mailbox is an error in the log, is not tried again, and reaches the others', async () => {
  const { world, id, told, tried } = await overdue();
  // The fourth is for the engineers, of whom there are none here.
  expect([told, tried]).toEqual([[ada.mail, carla.mail], 4]);
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
