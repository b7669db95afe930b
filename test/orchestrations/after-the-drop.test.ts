import { describe, expect, test } from 'vitest';
import type { OtherWay } from '../../shared/domain/events.ts';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import type { Terms } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, analysts, bob, carla, owners, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const deadline = plus(start, 8 * 60 * minute);

describe('once the access is gone', () => {
  test('what still lets them in is in the evidence, and told to the approvers', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    const groupWith = (groupId: PrincipalId) => ({ kind: 'group' as const, name: `group ${groupId}`, groupId });
    world.target.ways = [{ kind: 'role', name: 'orders_writer' }, groupWith(analysts), groupWith(owners)];
    await world.advanceTo(plus(deadline, 2 * minute));
    const ways = [{ kind: 'role', name: 'orders_writer' }, groupWith(analysts)];
    expect(world.request(id)).toMatchObject({
      state: 'expired',
      revoked: { lateness: 0, evidence: [{ stillBy: ways }] },
    });
    expect(world.request(id).revoked?.evidence[0]?.stillUnknown).toBeUndefined();
    const told = world.notifier.sent.filter(({ subject }) => subject.includes('still let in')).map(({ to }) => to);
    expect(new Set(told)).toEqual(new Set([bob.mail, carla.mail]));
    expect(world.notifier.sent.find(({ to, subject }) => to === ada.mail && subject.includes('Ended'))?.text).toContain(
      'orders_writer',
    );
  });
  test('where nothing else lets them in, nobody is told so', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id).revoked?.evidence[0]).toEqual({
      entitlement: expect.anything(),
      outcome: 'revoked',
      droppedAt: deadline,
      sessionsEnded: 0,
      verifiedAt: deadline,
    });
    expect(world.notifier.sent.filter(({ subject }) => subject.includes('still let in'))).toEqual([]);
  });
  test.each<[string, (world: World) => void, OtherWay[] | undefined]>([
    ['the target', ({ target }) => Object.assign(target, { ways: undefined }), undefined],
    [
      'the directory',
      ({ target, directory }) => {
        target.ways = [
          { kind: 'role', name: 'db_owner' },
          { kind: 'group', name: 'analysts', groupId: analysts },
        ];
        directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
      },
      [{ kind: 'role', name: 'db_owner' }],
    ],
    [
      'a target that hangs',
      ({ target }) => Object.assign(target, { residualAccess: () => new Promise(() => undefined) }),
      undefined,
    ],
  ])('the access has ended, whether or not %s says what else lets them in', async (_, breakIt, stillBy) => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    breakIt(world);
    await world.advanceTo(plus(deadline, minute));
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
    expect(world.request(id)).toMatchObject({
      state: 'expired',
      revoked: { lateness: 0, evidence: [{ stillUnknown: true }] },
    });
    expect(world.request(id).revoked?.evidence[0]?.stillBy).toEqual(stillBy);
  });
  test('what was kept for another request is not looked into', async () => {
    const world = createWorld();
    world.target.members.add(ada.principalId);
    world.target.ways = undefined;
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, minute));
    const [kept] = world.request(id).revoked?.evidence ?? [];
    expect([kept?.outcome, kept?.stillUnknown]).toEqual(['kept', undefined]);
  });
});

describe('a target that does not answer at the deadline', () => {
  const resourceId = '/subscriptions/5b/resourceGroups/shop/providers/Microsoft.Sql/servers/orders/databases/orders';
  const overdue = async (world: World, more: Partial<Terms> = { resourceId }) => {
    const id = await world.submit(requested(more));
    await world.approve(id);
    await world.advanceTo(plus(deadline, -minute));
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    return id;
  };
  test('and was deleted for good ends the request, with that for evidence', async () => {
    const world = createWorld();
    const id = await overdue(world);
    world.registry.deleted.add(resourceId);
    await world.advanceTo(plus(deadline, 10 * minute));
    expect(world.types(id).slice(-3)).toEqual(['revocation-began', 'revocation-delayed', 'access-revoked']);
    const { state, revoked } = world.request(id);
    expect(state).toBe('expired');
    expect(revoked?.lateness).toBeUndefined();
    expect(revoked?.evidence).toEqual([
      { entitlement: expect.anything(), outcome: 'target-gone', sessionsEnded: 0, verifiedAt: expect.any(String) },
    ]);
    expect(world.holds.all.size).toBe(0);
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  });
  test('and is registered still stays overdue, and so does one of which nobody can say', async () => {
    const world = createWorld();
    const id = await overdue(world);
    await world.advanceTo(plus(deadline, 10 * minute));
    expect([world.request(id).state, world.registry.asked > 0]).toEqual(['overdue', true]);
    world.registry.deleted.add(resourceId);
    world.registry.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.advanceTo(plus(deadline, 20 * minute));
    expect(world.request(id).state).toBe('overdue');
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 22 * minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'revoked' }] } });
  });
  test('and is registered nowhere stays overdue', async () => {
    const world = createWorld();
    const id = await overdue(world, {});
    await world.advanceTo(plus(deadline, 10 * minute));
    expect([world.request(id).state, world.registry.asked]).toEqual(['overdue', 0]);
  });
  test('but refuses is there, whatever the registry says', async () => {
    const world = createWorld();
    const id = await overdue(world);
    world.registry.deleted.add(resourceId);
    world.target.failure = 'CURFEW_TARGET_REFUSED';
    await world.advanceTo(plus(deadline, 10 * minute));
    expect(world.request(id).state).toBe('overdue');
  });
  test('is told in time though the registry hangs', async () => {
    const world = createWorld();
    const id = await overdue(world);
    Object.assign(world.registry, { isGone: () => new Promise(() => undefined) });
    const mails = world.notifier.sent.length;
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id).state).toBe('overdue');
    expect(world.notifier.sent.slice(mails).map(({ to }) => to)).toContain(bob.mail);
  });
});
