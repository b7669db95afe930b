import type { DurableClient } from 'durable-functions';
import { describe, expect, test } from 'vitest';
import { createHeartbeat } from '../../functions/heartbeat.ts';
import { createReconciler } from '../../functions/reconcile.ts';
import { orchestratorName } from '../../orchestrations/names.ts';
import { openDrifts } from '../../shared/domain/drift.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import { holdKey } from '../../shared/domain/holds.ts';
import { type CommandId, driftIdOf, type RequestId, type TargetId } from '../../shared/domain/ids.ts';
import type { DriftPolicy, Policy } from '../../shared/domain/policy.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { MemoryDrifts } from '../support/memory.ts';
import { ada, bob, carla, entitlement, eve, owners, policy, requested, stage, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, 8 * hour);
const orders = 'orders' as TargetId;
const onCall = 'on-call@contoso.example';

/** A world with a reconciler, which looks when it is told to. */
function reconciled(drift: DriftPolicy = { action: 'report', standing: [] }, world = createWorld()) {
  const drifts = new MemoryDrifts();
  const beats: Instant[] = [];
  const logged: string[] = [];
  const withDrift: Policy = {
    ...policy,
    targets: policy.targets.map((target) => ({ ...target, roles: target.roles.map((role) => ({ ...role, drift })) })),
  };
  const reconcile = createReconciler({
    ...world,
    clock: world.time.clock,
    drifts,
    log: (_, message) => logged.push(message),
    alertAddress: onCall,
    policy: () => withDrift,
    heartbeat: {
      beat: async () => void beats.push(world.time.now),
      last: async () => world.time.now,
      check: async () => {},
    },
  });
  const client = {
    async getStatus(id: string) {
      const status = world.engine.status(id);
      if (!status) throw new Error('no such instance');
      return status;
    },
    async startNew(_: string, { instanceId, input }: { instanceId: string; input: unknown }) {
      return world.engine.start(orchestratorName, instanceId, input);
    },
  } as unknown as DurableClient;
  return {
    world,
    drifts,
    beats,
    logged,
    async look() {
      await reconcile(client);
      await world.settle();
    },
    alerts: () => world.notifier.sent.filter(({ to }) => to === onCall).map(({ subject }) => subject),
    driftTypes: async () => (await drifts.read(orders)).map(({ event }) => event.type),
  };
}

async function grantedIn(world: World): Promise<RequestId> {
  const id = await world.submit();
  await world.approve(id);
  expect(world.request(id).state).toBe('granted');
  return id;
}

const loseInstance = async (world: World, id: RequestId, how: 'purged' | 'terminated') =>
  how === 'purged' ? world.engine.purge(id) : world.engine.terminate(id, 'by hand');

describe('a request without an orchestration', () => {
  test.each(['purged', 'terminated'] as const)(
    'is adopted when its instance was %s, and ends at its deadline',
    async (how) => {
      const { world, look, alerts } = reconciled();
      const id = await grantedIn(world);
      await loseInstance(world, id, how);
      await world.advanceTo(plus(start, minute));
      await look();
      expect(world.engine.status(id)?.runtimeStatus).toBe('Running');
      await world.advanceTo(deadline);
      expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
      expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 0 } });
      expect(world.types(id)).toEqual([
        'access-requested',
        'access-approved',
        'grant-intended',
        'access-granted',
        'revocation-began',
        'access-revoked',
      ]);
      expect(verifyChain(id, await world.events.read(id))).toBeUndefined();
      expect(world.holds.all.size).toBe(0);
      expect(alerts()).toEqual([]);
    },
  );

  test('is left alone while it is young, and while its instance goes on', async () => {
    const { world, look, logged } = reconciled();
    const id = await grantedIn(world);
    await look();
    await world.advanceTo(plus(start, minute));
    await look();
    expect(logged).toEqual([]);
    await world.engine.purge(id);
    const young = await world.submit({ ...requested(), at: world.time.now });
    await world.engine.purge(young);
    await look();
    expect(logged).toHaveLength(1);
    expect(world.engine.status(young)).toBeUndefined();
  });

  test('was accepted and never started: it is begun', async () => {
    const { world, look } = reconciled();
    const id = await world.submit();
    await world.engine.purge(id);
    await world.advanceTo(plus(start, minute));
    await look();
    await world.approve(id);
    expect(world.request(id).state).toBe('granted');
  });

  test('was waiting in its second stage: its approvers are asked again, its reminders are not, and it goes on', async () => {
    const { world, look } = reconciled();
    const stages = [
      { ...stage, approvers: { people: ['bob@contoso.example'], groups: [] } },
      { ...stage, approvers: { people: ['carla@contoso.example'], groups: [] }, reminders: [minute, 2 * minute] },
    ];
    const id = await world.submit(requested({ stages }));
    await world.approve(id, bob);
    await world.engine.purge(id);
    await world.advanceTo(plus(start, 5 * minute));
    const before = world.notifier.sent.length;
    await look();
    expect(world.notifier.sent.slice(before).map(({ to }) => to)).toEqual([carla.mail, ada.mail]);
    await world.approve(id, carla);
    expect(world.request(id).state).toBe('granted');
  });

  test('was waiting past its time: it times out', async () => {
    const { world, look } = reconciled();
    const id = await world.submit();
    await world.engine.purge(id);
    await world.advanceTo(plus(start, stage.timeOut + minute));
    await look();
    expect(world.request(id).state).toBe('timed-out');
  });

  test('was booked: it begins at its start', async () => {
    const { world, look } = reconciled();
    const startsAt = plus(start, hour);
    const id = await world.submit(requested({ startsAt, duration: hour }));
    await world.approve(id);
    await world.engine.purge(id);
    await world.advanceTo(plus(start, minute));
    await look();
    await world.advanceTo(plus(startsAt, hour));
    expect(world.target.log.map(({ at, what }) => [at, what])).toEqual([
      [startsAt, 'granted'],
      [plus(startsAt, hour), 'dropped'],
    ]);
  });

  test('was about to be granted: the grant whose outcome is unknown is made sure of, and ends at its deadline', async () => {
    const { world, look } = reconciled();
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    const id = await world.submit();
    await world.approve(id);
    expect(world.request(id).state).toBe('granting');
    await world.engine.purge(id);
    await world.advanceTo(plus(start, minute));
    world.target.failure = undefined;
    await look();
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
    expect(world.notifier.sent.at(-1)).toMatchObject({
      to: ada.mail,
      subject: expect.stringMatching(/^You have reader/),
    });
    await world.advanceTo(deadline);
    expect(world.request(id).state).toBe('expired');
  });

  test('was about to be granted, and its deadline has passed: what may have been granted is taken away', async () => {
    const { world, look } = reconciled();
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    const id = await world.submit();
    await world.approve(id);
    await world.engine.purge(id);
    world.target.failure = undefined;
    world.target.members.add(ada.principalId);
    await world.holds.change(holdKey(entitlement, ada.principalId), () => ({
      document: { standing: false, holds: { [id]: deadline } },
      answer: null,
    }));
    await world.advanceTo(plus(deadline, minute));
    await look();
    expect(world.target.members.size).toBe(0);
    expect(world.request(id).state).toBe('failed');
    expect(world.holds.all.size).toBe(0);
  });

  test('was overdue: it is tried on, and ends when the target is back', async () => {
    const { world, look } = reconciled();
    const id = await grantedIn(world);
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.advanceTo(plus(deadline, 5 * minute));
    expect(world.request(id).state).toBe('overdue');
    await world.engine.purge(id);
    await look();
    expect(world.engine.status(id)?.runtimeStatus).toBe('Running');
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 15 * minute));
    expect(world.request(id).state).toBe('expired');
    expect(verifyChain(id, await world.events.read(id))).toBeUndefined();
  });

  test('has broken the glass: everybody named hears of it again, and the review can be given after its end', async () => {
    const { world, look } = reconciled();
    const breakGlass = {
      people: [ada],
      tell: { people: [], groups: [owners] },
      review: { by: { people: ['bob@contoso.example'], groups: [] }, within: 24 * hour },
    };
    const id = await world.submit(requested({ breakGlass, stages: [], duration: hour }));
    await world.engine.purge(id);
    await world.advanceTo(plus(start, minute));
    const before = world.notifier.sent.length;
    await look();
    const told = world.notifier.sent.slice(before).filter(({ subject }) => subject.startsWith('BREAK-GLASS'));
    expect(told.map(({ to }) => to)).toEqual([bob.mail, carla.mail, bob.mail]);
    await world.advanceTo(plus(start, 2 * hour));
    expect(world.request(id)).toMatchObject({ state: 'expired', review: 'owed' });
    await world.engine.purge(id);
    await look();
    await world.command(id, { kind: 'review', commandId: 'seen' as CommandId, by: bob, comment: 'Fine' });
    expect(world.request(id).review).toMatchObject({ by: bob });
  });

  test('has ended by its events, and the projection does not know: it is brought up to date', async () => {
    const { world, look } = reconciled();
    const id = await grantedIn(world);
    const before = world.request(id);
    await world.advanceTo(deadline);
    world.requests.all.set(id, before);
    world.holds.all.set(holdKey(entitlement, ada.principalId), { standing: false, holds: { [id]: deadline } });
    await world.engine.purge(id);
    await world.advanceTo(plus(deadline, minute));
    await look();
    expect(world.request(id).state).toBe('expired');
    expect(world.types(id)).toHaveLength(6);
    expect(world.holds.all.size).toBe(0);
  });

  test('and that ends while it is looked at is not begun again', async () => {
    const { world, look, logged } = reconciled();
    const id = await grantedIn(world);
    const before = world.request(id);
    await world.advanceTo(plus(deadline, 5_000));
    world.requests.list = async () => ({ requests: [before] });
    await look();
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
    expect(logged).toEqual([]);
  });

  test('and whose story fails at once is begun again less and less often', async () => {
    const { world, look, logged } = reconciled();
    const id = await grantedIn(world);
    for (let minutes = 1; minutes <= 16; minutes++) {
      await world.engine.purge(id);
      await world.advanceTo(plus(start, minutes * minute));
      await look();
    }
    expect(logged).toHaveLength(5);
  });

  test.each([
    ['altered', (chain: RecordedEvent[]) => chain.splice(2, 1, { ...chain[2], sequence: 7 } as RecordedEvent)],
    ['cut off at its end', (chain: RecordedEvent[]) => chain.pop()],
    ['gone', (chain: RecordedEvent[]) => chain.splice(0)],
  ])(
    'and whose chain is %s is not gone on with: its access ends now, and somebody is told once an hour',
    async (_, alter) => {
      const { world, look, alerts } = reconciled();
      const id = await grantedIn(world);
      await world.engine.purge(id);
      alter(world.events.chains.get(id) ?? []);
      await world.advanceTo(plus(start, minute));
      await look();
      await look();
      expect(world.target.members.size).toBe(0);
      expect(world.engine.status(id)).toBeUndefined();
      expect(alerts()).toEqual(['A request’s events are not what they were']);
    },
  );
});

describe('access past its end', () => {
  test('is ended while the orchestration does nothing, and somebody is told', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(plus(deadline, -minute));
    await world.engine.suspend(id, 'by hand');
    await world.advanceTo(plus(deadline, 11_000));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(false);
    expect(alerts()).toEqual(['Access stood past its end, and was ended now']);
    await look();
    await world.engine.resume(id, 'by hand');
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'absent' }] } });
    expect(alerts()).toHaveLength(1);
    expect(world.holds.all.size).toBe(0);
  });

  test('is told once an hour where it cannot be ended', async () => {
    const { world, look, alerts, beats } = reconciled();
    await grantedIn(world);
    await world.advanceTo(plus(deadline, -minute));
    world.target.revoke = async () => Promise.reject(new Error('broken'));
    for (let minutes = 1; minutes <= 61; minutes++) {
      await world.advanceTo(plus(deadline, minutes * minute));
      await look();
    }
    const told = alerts().filter((subject) => subject.startsWith('Access stands past its end'));
    expect(told).toHaveLength(2);
    expect(beats).toEqual([]);
  });

  test('is told where ending it hangs', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(plus(deadline, -minute));
    await world.engine.suspend(id, 'by hand');
    await world.advanceTo(plus(deadline, minute));
    const { promise } = Promise.withResolvers<never>();
    world.target.revoke = () => promise;
    const looked = look();
    await world.advanceTo(plus(deadline, minute + 15_000));
    await looked;
    expect(alerts()).toEqual(['Access stands past its end, and can’t be ended']);
  });

  test('that was put back after its end is ended again, for ten minutes; then it is drift', async () => {
    const { world, look, alerts, driftTypes } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(plus(deadline, 5 * minute));
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(0);
    expect(alerts()).toEqual(['Access stood past its end, and was ended now']);
    expect(world.types(id)).toHaveLength(6);
    expect(world.holds.all.size).toBe(0);
    await world.advanceTo(plus(deadline, 10 * minute));
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(1);
    expect(await driftTypes()).toEqual(['drift-found']);
  });

  test('by a grant that came after its request had failed is ended', async () => {
    const { world, look } = reconciled();
    world.target.grant = async () => Promise.reject(new CurfewError('CURFEW_TARGET_REFUSED'));
    const id = await world.submit();
    await world.approve(id);
    expect(world.request(id).state).toBe('failed');
    expect(world.request(id).granted).toBeUndefined();
    expect(world.holds.all.size).toBe(0);
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(0);
  });

  test('by a hold that its ended request left behind is ended, and the hold forgotten', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(deadline);
    const key = holdKey(entitlement, ada.principalId);
    world.holds.all.set(key, { standing: false, holds: { [id]: deadline } });
    world.target.members.add(ada.principalId);
    await world.advanceTo(plus(deadline, hour));
    await look();
    expect(world.target.members.size).toBe(0);
    expect(world.holds.all.size).toBe(0);
    expect(alerts()).toHaveLength(1);
  });

  test('is not what somebody holds by another request', async () => {
    const { world, look, alerts } = reconciled();
    await grantedIn(world);
    await world.advanceTo(plus(deadline, -hour));
    const later = await world.submit(requested());
    await world.approve(later);
    await world.advanceTo(plus(deadline, minute));
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(alerts()).toEqual([]);
  });
});

describe('drift', () => {
  test('is written down and told once when it is found, and written down when it is gone', async () => {
    const { world, look, alerts, drifts, driftTypes } = reconciled();
    world.target.members.add(eve.principalId);
    for (let times = 0; times < 3; times++) await look();
    expect(await driftTypes()).toEqual(['drift-found']);
    expect(world.target.members.has(eve.principalId)).toBe(true);
    expect(alerts()).toEqual(['Somebody holds what Curfew never granted']);
    expect(openDrifts(await drifts.read(orders)).size).toBe(1);
    world.target.members.delete(eve.principalId);
    for (let times = 0; times < 2; times++) await look();
    expect(await driftTypes()).toEqual(['drift-found', 'drift-gone']);
    expect(alerts()).toHaveLength(1);
    expect(verifyChain(driftIdOf(orders), await drifts.read(orders))).toBeUndefined();
  });

  test('is removed where the policy says so, with its sessions, and the evidence is written down', async () => {
    const { world, look, drifts, driftTypes } = reconciled({ action: 'remove', standing: [bob.principalId] });
    await grantedIn(world);
    world.target.members.add(eve.principalId);
    world.target.members.add(bob.principalId);
    world.target.sessions.set(eve.principalId, 2);
    await look();
    expect([...world.target.members].sort()).toEqual([ada.principalId, bob.principalId]);
    expect(await driftTypes()).toEqual(['drift-found', 'drift-removed']);
    expect((await drifts.read(orders))[1]?.event).toMatchObject({ evidence: { outcome: 'revoked', sessionsEnded: 2 } });
    await look();
    expect(await driftTypes()).toHaveLength(2);
  });

  test('that could not be removed is tried again, and told once', async () => {
    const { world, look, alerts, beats, driftTypes } = reconciled({ action: 'remove', standing: [] });
    world.target.members.add(eve.principalId);
    const { terminate } = world.target;
    world.target.terminate = async () => Promise.reject(new Error('broken'));
    await look();
    world.target.members.add(eve.principalId);
    world.target.terminate = terminate;
    expect(beats).toHaveLength(0);
    await look();
    expect(world.target.members.size).toBe(0);
    expect(await driftTypes()).toEqual(['drift-found', 'drift-removed']);
    expect(alerts()).toHaveLength(1);
  });

  test('is nobody who is gone when they are asked about, nor removed from a grant that has just begun', async () => {
    const { world, look, drifts, driftTypes } = reconciled({ action: 'remove', standing: [] });
    const { holders } = world.target;
    world.target.holders = async () => [{ principalId: eve.principalId, name: 'eve' }];
    await look();
    expect(await driftTypes()).toEqual([]);
    world.target.holders = holders;
    world.target.members.add(eve.principalId);
    const { append } = drifts;
    drifts.append = async (event) => {
      await append.call(drifts, event);
      const key = holdKey(entitlement, eve.principalId);
      world.holds.all.set(key, { holds: { ['req-another' as RequestId]: deadline } });
    };
    await look();
    expect(await driftTypes()).toEqual(['drift-found']);
    expect(world.target.members.has(eve.principalId)).toBe(true);
  });

  test('is nobody who was there before their grant, for as long as it lasts', async () => {
    const { world, look, driftTypes } = reconciled({ action: 'remove', standing: [] });
    world.target.members.add(ada.principalId);
    await grantedIn(world);
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(await driftTypes()).toEqual([]);
  });

  test('is nobody to be sure of while the holds cannot be read', async () => {
    const { world, look, beats, driftTypes } = reconciled({ action: 'remove', standing: [] });
    await grantedIn(world);
    const { list } = world.holds;
    let times = 0;
    world.holds.list = async () => {
      if (times++ > 0) return list.call(world.holds);
      throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
    };
    world.target.members.add(eve.principalId);
    await look();
    expect(world.target.members.size).toBe(2);
    expect(await driftTypes()).toEqual([]);
    expect(beats).toEqual([]);
  });

  test('is not whoever was being granted it while the store was read', async () => {
    const { world, look, driftTypes } = reconciled({ action: 'remove', standing: [] });
    await grantedIn(world);
    // What was read is of the moment before the hold was made.
    world.requests.list = async () => ({ requests: [] });
    const { list } = world.holds;
    let times = 0;
    world.holds.list = async () => (times++ === 0 ? { holds: [] } : list.call(world.holds));
    await look();
    expect(times).toBe(2);
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(await driftTypes()).toEqual([]);
  });
});

describe('one thing that fails does not stop the rest', () => {
  test('a target that cannot be reached: requests are adopted all the same, and it was no success', async () => {
    const { world, look, beats } = reconciled();
    const id = await grantedIn(world);
    await world.engine.purge(id);
    await world.advanceTo(plus(start, minute));
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await look();
    expect(world.engine.status(id)?.runtimeStatus).toBe('Running');
    expect(beats).toEqual([]);
    world.target.failure = undefined;
    await look();
    expect(beats).toEqual([world.time.now]);
  });

  test('a target that never answers is given up on', async () => {
    const { world, look, beats } = reconciled();
    const { promise } = Promise.withResolvers<never>();
    world.target.holders = () => promise;
    const looked = look();
    await world.advanceTo(plus(start, 10_000));
    await looked;
    expect(beats).toEqual([]);
  });

  test('mail: an alert is sent when it is back', async () => {
    const { world, look, alerts } = reconciled();
    world.target.members.add(eve.principalId);
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    await look();
    world.notifier.failure = undefined;
    await look();
    expect(alerts()).toEqual(['Somebody holds what Curfew never granted']);
  });
});

describe('its health', () => {
  const world = createWorld();
  const { clock } = world.time;
  let stored: Instant | undefined;
  let isDown = false;
  const store = {
    save: async (at: Instant) => {
      stored = at;
    },
    find: async () => {
      if (isDown) throw new Error('down');
      return stored;
    },
  };
  test('lasts for five minutes after a success, on every instance, and for the first five without one', async () => {
    const here = createHeartbeat(store, clock);
    const there = createHeartbeat(store, clock);
    await world.advanceTo(plus(start, 5 * minute));
    await expect(here.check()).resolves.toBeUndefined();
    await world.advanceTo(plus(start, 5 * minute + 1));
    await expect(here.check()).rejects.toThrow();
    await here.beat();
    await expect(there.check()).resolves.toBeUndefined();
    isDown = true;
    await expect(here.check()).resolves.toBeUndefined();
    await expect(there.check()).rejects.toThrow();
    isDown = false;
    await world.advanceTo(plus(start, 10 * minute + 2));
    await expect(here.check()).rejects.toThrow();
    await expect(there.check()).rejects.toThrow();
  });
});
