import { describe, expect, test } from 'vitest';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { CommandId } from '../../shared/domain/ids.ts';
import { plus } from '../../shared/domain/time.ts';
import type { AccessProvider } from '../../shared/providers/provider.ts';
import { ada, analysts, bob, carla, owners, requested, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, 8 * hour);
const commandId = 'the-command' as CommandId;
const said = { stage: 0, through: 'link', comment: '' } as const;
const end = { kind: 'end', commandId, by: ada, as: 'requester', reason: 'Done' } as const;

describe('the story of a request', () => {
  test('an eight-hour grant is given at approval and taken at its deadline, to the millisecond', async () => {
    const world = createWorld();
    const id = await world.submit();
    expect(world.notifier.sent.map(({ to }) => to)).toEqual([bob.mail, carla.mail, ada.mail]);
    await world.approve(id);
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
    await world.advanceTo(plus(deadline, -1));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    world.target.sessions.set(ada.principalId, 2);
    await world.advanceTo(deadline);
    expect(world.target.log.map(({ at, what }) => [at, what])).toEqual([
      [start, 'granted'],
      [deadline, 'dropped'],
    ]);
    expect(world.request(id)).toMatchObject({
      state: 'expired',
      revoked: { lateness: 0, evidence: [{ sessionsEnded: 2 }] },
    });
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
  });

  test('its events tell it in order, and their chain holds', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(deadline);
    expect(world.types(id)).toEqual([
      'access-requested',
      'access-approved',
      'grant-intended',
      'access-granted',
      'revocation-began',
      'access-revoked',
    ]);
    expect(verifyChain(id, await world.events.read(id))).toBeUndefined();
  });

  test('with timers as early and late as Azure Storage’s nothing is dropped early', async () => {
    const world = createWorld({ timers: 'azure-storage' });
    const ids = [];
    for (let n = 0; n < 10; n++) ids.push(await world.submit(requested({ duration: hour + n * 7_919 })));
    for (const id of ids) await world.approve(id);
    await world.advanceTo(plus(start, 2 * hour));
    for (const id of ids) {
      const { state, revoked } = world.request(id);
      expect(state).toBe('expired');
      for (const { outcome, droppedAt } of revoked?.evidence ?? []) {
        if (outcome === 'revoked') expect(droppedAt && droppedAt >= (world.request(id).deadline ?? '')).toBe(true);
      }
    }
    expect(world.target.members.size).toBe(0);
  });

  test('a booked start is waited for, and its window ends when it was booked to', async () => {
    const world = createWorld();
    const startsAt = plus(start, 2 * hour);
    const id = await world.submit(requested({ startsAt }));
    await world.approve(id);
    expect(world.request(id).state).toBe('scheduled');
    await world.advanceTo(plus(startsAt, -1));
    expect(world.target.log).toEqual([]);
    await world.advanceTo(startsAt);
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline: plus(startsAt, 8 * hour) });
  });

  test('silence until the time-out ends the request, and a later approval changes nothing', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.advanceTo(plus(start, 24 * hour));
    expect(world.request(id).state).toBe('timed-out');
    await world.approve(id);
    expect(world.request(id).state).toBe('timed-out');
    expect(world.target.log).toEqual([]);
  });

  test('a denial ends it, and everybody concerned is told', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.command(id, { kind: 'deny', stage: 0, through: 'link', commandId, by: bob, comment: 'Use the report' });
    expect(world.request(id)).toMatchObject({ state: 'denied', decision: { comment: 'Use the report' } });
    expect(world.notifier.sent.slice(3).map(({ to }) => to)).toEqual([ada.mail, carla.mail]);
  });
});

describe('ending early', () => {
  test('the requester ends a grant at once', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(start, minute));
    await world.command(id, end);
    expect(world.request(id)).toMatchObject({ state: 'revoked', cause: { kind: 'ended-early', by: ada } });
    expect(world.target.log.at(-1)).toMatchObject({ at: plus(start, minute), what: 'dropped' });
  });
  test('a withdrawal while waiting ends it without touching the target', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.command(id, { kind: 'withdraw', commandId, by: ada });
    await world.approve(id);
    expect(world.request(id).state).toBe('withdrawn');
    expect(world.target.log).toEqual([]);
  });
  test('a scheduled grant can be called off by an approver', async () => {
    const world = createWorld();
    const id = await world.submit(requested({ startsAt: plus(start, hour) }));
    await world.approve(id);
    await world.command(id, { ...end, by: bob, as: 'approver' });
    await world.advanceTo(plus(start, 3 * hour));
    expect(world.request(id).state).toBe('revoked');
    expect(world.target.log).toEqual([]);
  });
  test('a command that comes while an activity runs is not lost to a wait that was given up before', async () => {
    // The wait that lost to the booked start swallows the next event that comes while nobody waits. See mailbox.ts.
    const world = createWorld();
    const startsAt = plus(start, hour);
    const id = await world.submit(requested({ startsAt }));
    await world.approve(id);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.directory.gate = promise;
    await world.advanceTo(startsAt);
    await world.command(id, end);
    resolve();
    await world.advanceTo(plus(startsAt, 100));
    expect(world.request(id).state).toBe('revoked');
    expect(world.target.members.size).toBe(0);
  });
  test('a grant that the target delays can be ended meanwhile', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.approve(id);
    expect(world.request(id).state).toBe('granting');
    await world.command(id, end);
    world.target.failure = undefined;
    await world.advanceTo(plus(start, minute));
    expect(world.request(id).state).toBe('revoked');
    expect(world.target.log).toEqual([]);
  });
  test('of an approval, a denial and a withdrawal that come together exactly one wins', async () => {
    const world = createWorld();
    const id = await world.submit();
    await Promise.all([
      world.engine.raiseEvent(id, 'command', { kind: 'deny', ...said, commandId: 'one', by: carla }),
      world.engine.raiseEvent(id, 'command', { kind: 'approve', ...said, commandId: 'two', by: bob }),
      world.engine.raiseEvent(id, 'command', { kind: 'withdraw', commandId: 'three', by: ada }),
    ]);
    await world.settle();
    expect(world.types(id)).toEqual(['access-requested', 'access-denied']);
  });
});

describe('when something fails', () => {
  test('the event store is down: nothing is granted until the intent is written', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.approve(id);
    await world.advanceTo(plus(start, 5 * minute));
    expect(world.target.log).toEqual([]);
    world.events.failure = undefined;
    await world.advanceTo(plus(start, 7 * minute));
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
  });
  test('the event store is down until the intended grant would have ended: nothing is granted any more', async () => {
    const world = createWorld();
    const id = await world.submit(requested({ duration: 5 * minute }));
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.approve(id);
    await world.advanceTo(plus(start, 10 * minute));
    world.events.failure = undefined;
    await world.advanceTo(plus(start, 12 * minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_DEADLINE_PASSED' });
    expect(world.request(id).endsSince).toBe(plus(start, 5 * minute));
    expect(world.target.log).toEqual([]);
    expect(world.holds.all.size).toBe(0);
  });
  test('the event store is down at the deadline: the access goes on time, and is written when the store is back', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.advanceTo(plus(deadline, 10 * minute));
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
    expect(world.types(id).at(-1)).toBe('access-granted');
    world.events.failure = undefined;
    await world.advanceTo(plus(deadline, 12 * minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 0 } });
  });
  test('the target is down at the deadline: overdue, told, and taken when it is back, however long it takes', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, -minute));
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    const mails = world.notifier.sent.length;
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'overdue', delay: { code: 'CURFEW_TARGET_UNAVAILABLE' } });
    expect(world.notifier.sent.slice(mails).map(({ to }) => to)).toContain(bob.mail);
    await world.advanceTo(plus(deadline, 20 * minute));
    expect(world.request(id).state).toBe('overdue');
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 22 * minute));
    expect(world.request(id).state).toBe('expired');
    expect(world.request(id).revoked?.lateness).toBeGreaterThan(20 * minute);
    expect(world.target.members.size).toBe(0);
    expect(world.holds.all.size).toBe(0);
  });
  test('the hold documents are down at the deadline: the access goes all the same', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    world.holds.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.advanceTo(plus(deadline, minute));
    expect(world.target.log.at(-1)).toMatchObject({ at: deadline, what: 'dropped' });
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ holdsUnknown: true }] } });
  });
  test('a grant that the target refuses fails, and leaves nothing', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.target.failure = 'CURFEW_TARGET_REFUSED';
    await world.approve(id);
    world.target.failure = undefined;
    await world.advanceTo(plus(start, minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_TARGET_REFUSED' });
    expect(world.target.members.size).toBe(0);
    expect(world.holds.all.size).toBe(0);
  });
  test.each([
    ['grant', 'crash-before'],
    ['grant', 'crash-after'],
    ['deliver', 'crash-before'],
    ['deliver', 'crash-after'],
  ] as const)('the host loses one %s to a %s: it is done again, and the access is granted', async (name, fault) => {
    const world = createWorld({ faults: { [name]: (call: number) => (call === 1 ? fault : undefined) } });
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(start, 5_000));
    expect(world.request(id)).toMatchObject({ state: 'granted', granted: { evidence: [{ outcome: 'granted' }] } });
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'revoked' }] } });
  });
  test('people who can never be checked are granted nothing', async () => {
    const world = createWorld();
    world.directory.memberGroups = () => Promise.reject(new Error('out of order'));
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(start, 2 * minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_INTERNAL' });
    expect(world.types(id)).not.toContain('grant-intended');
  });
  test('a grant whose activity crashes after its work, each time, counts as granted, and is revoked', async () => {
    const world = createWorld({ faults: { grant: () => 'crash-after' } });
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(start, minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_INTERNAL' });
    expect(world.target.log.map(({ what }) => what)).toEqual(['granted', 'dropped']);
  });
  test('a grant that has its effect and hangs, each time that it is tried, is taken away when it is given up', async () => {
    const world = createWorld({
      around: async (call, run) => {
        const answer = await run();
        if (call === 'target.grant') await world.time.clock.sleepUntil(plus(deadline, hour));
        return answer;
      },
    });
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, 2 * hour));
    const { state, changedAt } = world.request(id);
    expect(state).toBe('failed');
    expect(changedAt < plus(start, 5 * minute)).toBe(true);
    expect(world.target.log.at(-1)).toMatchObject({ at: changedAt, what: 'dropped' });
    expect(world.holds.all.size).toBe(0);
  });
  test.each([60_000, 6_000, 4_000, 3_000])(
    'the process dies %i ms before the deadline, with the revocation in its memory: the next one revokes at the instant',
    async (before) => {
      const world = createWorld();
      const id = await world.submit();
      await world.approve(id);
      await world.advanceTo(plus(deadline, -before));
      world.die();
      await world.advanceTo(plus(deadline, minute));
      expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 0 } });
    },
  );
  test.each([1_000, 500, 1])(
    'the process dies %i ms before the deadline: the next one revokes within two seconds',
    async (before) => {
      const world = createWorld();
      const id = await world.submit();
      await world.approve(id);
      await world.advanceTo(plus(deadline, -before));
      world.die();
      await world.advanceTo(plus(deadline, minute));
      expect(world.request(id).state).toBe('expired');
      expect(world.request(id).revoked?.lateness).toBeLessThanOrEqual(2_000);
    },
  );
  test('the process dies and the next one can’t read what is due: the durable timer sees to the revocation', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, -1_000));
    world.requests.upcoming = () => Promise.reject(new CurfewError('CURFEW_STORE_UNAVAILABLE'));
    world.die();
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 5_000 } });
  });
  test('the scheduler’s drop could not be verified: it is verified soon afterwards, and its instant stands in the event', async () => {
    const world = createWorld();
    const { target } = world;
    target.revokeTogether = (members) =>
      Promise.all(
        members.map(async ({ entitlement, principal }) => {
          const { droppedAt } = await target.revoke(entitlement, principal, world.time.now);
          return { outcome: 'unverified', droppedAt };
        }),
      );
    const id = await world.submit();
    await world.approve(id);
    target.sessions.set(ada.principalId, 1);
    await world.advanceTo(plus(deadline, 1_000));
    expect(world.request(id)).toMatchObject({
      state: 'expired',
      revoked: { lateness: 0, evidence: [{ outcome: 'revoked', droppedAt: deadline, sessionsEnded: 1 }] },
    });
  });

  const fails = () => Promise.reject(new CurfewError('CURFEW_TARGET_UNAVAILABLE'));
  test.each<[string, Partial<AccessProvider>]>([
    ['end the sessions', { endSessions: fails }],
    ['end the sessions, but hangs', { endSessions: () => new Promise(() => {}) }],
    ['read it back', { isHeld: fails }],
  ])(
    'without the scheduler, an attempt that dropped it and could not %s: the next one verifies it, and keeps the instant',
    async (_, broken) => {
      const world = createWorld();
      const id = await world.submit({
        ...requested(),
        revocation: { isScheduled: false, longestPause: minute },
      } as CurfewEvent);
      await world.approve(id);
      const whole = { endSessions: world.target.endSessions, isHeld: world.target.isHeld };
      Object.assign(world.target, broken);
      await world.advanceTo(deadline);
      expect(world.target.members.size).toBe(0);
      Object.assign(world.target, whole);
      await world.advanceTo(plus(deadline, minute));
      expect(world.request(id)).toMatchObject({
        state: 'expired',
        revoked: { lateness: 0, evidence: [{ outcome: 'revoked', droppedAt: deadline }] },
      });
    },
  );
  test('an access that is ended early, and dropped by a try that could not verify it, keeps the instant too', async () => {
    const world = createWorld();
    const id = await world.submit();
    await world.approve(id);
    const { isHeld } = world.target;
    world.target.isHeld = fails;
    await world.advanceTo(plus(start, hour));
    await world.command(id, end);
    world.target.isHeld = isHeld;
    await world.advanceTo(plus(start, hour + minute));
    expect(world.request(id)).toMatchObject({
      state: 'revoked',
      revoked: { evidence: [{ outcome: 'revoked', droppedAt: plus(start, hour) }] },
    });
  });
  test('the scheduler’s call hangs and does nothing: the durable timer’s work is done before anybody has to be alerted', async () => {
    const world = createWorld();
    world.target.revokeTogether = () => new Promise(() => {});
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 12_000 } });
    expect(world.types(id)).not.toContain('revocation-delayed');
  });
  test('a claim that hangs until the access is gone leaves nothing in the hold documents', async () => {
    let calls = 0;
    const world = createWorld({
      around: async (call, run) => {
        if (call === 'holds.change' && ++calls === 4) await world.time.clock.sleepUntil(plus(deadline, minute));
        return run();
      },
    });
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, hour));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { lateness: 5_000 } });
    expect(world.request(id).revoked?.evidence[0]?.holdsUnknown).toBeUndefined();
    expect(world.holds.all.size).toBe(0);
  });
  test('a revocation that crashed after its work is done again and ends well', async () => {
    const world = createWorld({ faults: { revoke: (call) => (call === 1 ? 'crash-after' : undefined) } });
    const id = await world.submit();
    await world.approve(id);
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id).state).toBe('expired');
    expect(world.target.log.filter(({ what }) => what === 'dropped')).toHaveLength(1);
  });
  test('the requester left the group before the grant: nothing is granted', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.directory.groups.set(analysts, []);
    await world.approve(id);
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
    expect(world.types(id)).not.toContain('grant-intended');
  });
  test('the approver left the group before the grant: nothing is granted', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.directory.groups.set(owners, [bob.principalId]);
    await world.approve(id, carla);
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_NOT_AN_APPROVER' });
  });
  test.each([
    ['events', 'CURFEW_STORE_UNAVAILABLE'],
    ['target', 'CURFEW_TARGET_UNAVAILABLE'],
  ] as const)('who left during an outage of the %s is granted nothing after it', async (system, failure) => {
    const world = createWorld();
    const id = await world.submit();
    world[system].failure = failure;
    await world.approve(id);
    world.directory.groups.set(analysts, []);
    await world.advanceTo(plus(start, 5_000));
    world[system].failure = undefined;
    await world.advanceTo(plus(start, minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
    expect(world.target.log).toEqual([]);
    expect(world.holds.all.size).toBe(0);
  });

  test('the directory is down for good: not granted', async () => {
    const world = createWorld();
    const id = await world.submit();
    world.directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
    await world.approve(id);
    await world.advanceTo(plus(start, 10 * minute));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_DIRECTORY_UNAVAILABLE' });
    expect(world.target.log).toEqual([]);
  });
  test('mail that can’t be sent is sent when the server is back, and holds nothing up', async () => {
    const world = createWorld();
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    const id = await world.submit();
    await world.advanceTo(plus(start, 20_000));
    world.notifier.failure = undefined;
    await world.advanceTo(plus(start, minute));
    expect(world.notifier.sent.map(({ to }) => to)).toEqual([bob.mail, carla.mail, ada.mail]);
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    await world.approve(id);
    expect(world.request(id).state).toBe('granted');
  });
});

describe('others who hold the same', () => {
  test('a standing member keeps the membership, and the request says so', async () => {
    const world = createWorld();
    world.target.members.add(ada.principalId);
    const id = await world.submit();
    await world.approve(id);
    expect(world.request(id)).toMatchObject({ state: 'granted', granted: { evidence: [{ outcome: 'already-held' }] } });
    await world.advanceTo(deadline);
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'kept' }] } });
    expect(world.target.members.has(ada.principalId)).toBe(true);
  });
  test('overlapping requests neither cut each other short nor keep the access alive', async () => {
    const world = createWorld();
    const short = await world.submit(requested({ duration: hour }));
    const long = await world.submit(requested({ duration: 3 * hour }));
    await world.approve(short);
    await world.approve(long);
    await world.advanceTo(plus(start, 2 * hour));
    expect(world.request(short).state).toBe('expired');
    expect(world.target.members.has(ada.principalId)).toBe(true);
    await world.advanceTo(plus(start, 3 * hour));
    expect(world.request(long).state).toBe('expired');
    expect(world.target.log.at(-1)).toMatchObject({ at: plus(start, 3 * hour), what: 'dropped' });
    expect(world.holds.all.size).toBe(0);
  });
  test('two requests with one deadline both end, and the last hold takes the access', async () => {
    const world = createWorld();
    const ids = [await world.submit(requested({ duration: hour })), await world.submit(requested({ duration: hour }))];
    for (const id of ids) await world.approve(id);
    await world.advanceTo(plus(start, hour));
    expect(ids.map((id) => world.request(id).state)).toEqual(['expired', 'expired']);
    expect(world.target.members.size).toBe(0);
  });
});

describe('what may not leak', () => {
  test('the token stands in the mail alone: not in events, links or the durable history', async () => {
    const world = createWorld();
    const id = await world.submit();
    const token = /approvals\/([\w-]{43})/.exec(world.notifier.sent[0]?.text ?? '')?.[1] ?? 'missing';
    const written = JSON.stringify([
      await world.events.read(id),
      [...world.links.all.values()],
      world.engine.status(id),
    ]);
    expect(token).toHaveLength(43);
    expect(written).not.toContain(token);
  });
});
