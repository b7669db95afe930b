import { describe, expect, test } from 'vitest';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { link, verifyChain } from '../../shared/domain/hash-chain.ts';
import { holdKey } from '../../shared/domain/holds.ts';
import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, entitlement, eve, owners, requested, stage, start } from '../support/samples.ts';
import type { World } from '../support/world.ts';
import { deadline, grantedIn, hour, minute, reconciled } from './reconciled.ts';

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

  test('was written and neither listed nor started, for its call died: it is found by its first event, and begun', async () => {
    const { world, look, logged } = reconciled();
    const id = await world.submit();
    await world.engine.purge(id);
    world.requests.all.delete(id);
    await look();
    expect(world.requests.all.has(id)).toBe(false);
    await world.advanceTo(plus(start, minute));
    await look();
    expect(world.request(id).state).toBe('waiting-for-approval');
    await look();
    expect(logged).toHaveLength(1);
    await world.approve(id);
    expect(world.request(id).state).toBe('granted');
  });

  test('is begun though another’s events or projection were forged, and what could not be looked at is said', async () => {
    const { world, look, logged, beats } = reconciled();
    const [forged, bent, lost] = [await grantedIn(world), await world.submit(), await world.submit()];
    world.requests.all.set(forged, { ...world.request(forged), deadline: undefined } as unknown as AccessRequest);
    const [first] = await world.events.read(bent);
    if (!first) throw new Error('no event');
    await world.events.append(link(bent, first, { type: 'access-granted', at: start, evidence: [] }));
    for (const id of [bent, lost]) {
      await world.engine.purge(id);
      world.requests.all.delete(id);
    }
    await world.advanceTo(plus(start, minute));
    await look();
    expect(world.request(lost).state).toBe('waiting-for-approval');
    expect(logged.filter((line) => line === 'the reconciler could not look')).toHaveLength(2);
    expect(beats).toEqual([]);
  });

  test('was written hours ago, and nothing came of it: it is not begun any more', async () => {
    const { world, look } = reconciled();
    const id = await world.submit();
    await world.engine.purge(id);
    world.requests.all.delete(id);
    await world.advanceTo(plus(start, 7 * hour));
    await look();
    expect(world.requests.all.has(id)).toBe(false);
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
