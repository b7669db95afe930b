import { describe, expect, test } from 'vitest';
import type { CommandId } from '../../shared/domain/ids.ts';
import type { Stage, Terms } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, analysts, bob, carla, eve, owners, requested, stage, start, terms } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const only = (...people: { userPrincipalName: string }[]): Stage['approvers'] => ({
  people: people.map(({ userPrincipalName }) => userPrincipalName),
  groups: [],
});
const worldWith = (...more: Parameters<typeof createWorld>): World => {
  const world = createWorld(...more);
  world.directory.people.push(eve);
  return world;
};
/** The link in the latest mail to somebody. */
const linksTo = (world: World, { mail }: { mail: string }) =>
  world.notifier.sent.filter(({ to, text }) => to === mail && text.includes('/approvals/')).length;

describe('stages', () => {
  const two: Partial<Terms> = {
    stages: [
      { ...stage, approvers: only(bob) },
      { ...stage, approvers: only(carla, bob) },
    ],
  };
  test('the second is asked when the first has approved, and who approved is not asked twice', async () => {
    const world = worldWith();
    const id = await world.submit({ ...requested(two), approvers: [bob] } as ReturnType<typeof requested>);
    expect([linksTo(world, bob), linksTo(world, carla)]).toEqual([1, 0]);
    await world.approve(id, bob);
    expect(world.request(id)).toMatchObject({ state: 'waiting-for-approval', stage: 1, approvers: [carla] });
    expect([linksTo(world, bob), linksTo(world, carla)]).toEqual([1, 1]);
    await world.approve(id, carla);
    expect(world.request(id).state).toBe('granted');
    expect(world.types(id).slice(0, 4)).toEqual([
      'access-requested',
      'access-approved',
      'stage-began',
      'access-approved',
    ]);
  });
  test('a stage whose only approver has approved before fails the request', async () => {
    const world = worldWith();
    const again = {
      stages: [
        { ...stage, approvers: only(bob) },
        { ...stage, approvers: only(bob) },
      ],
    };
    const id = await world.submit(requested(again));
    await world.approve(id, bob);
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_NO_APPROVER' });
    expect(world.target.log).toEqual([]);
  });
  test('the second stage’s time runs from the first stage’s end, whether the directory answers or not', async () => {
    const world = worldWith();
    const id = await world.submit(requested(two));
    await world.advanceTo(plus(start, hour));
    world.directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
    await world.approve(id, bob);
    await world.advanceTo(plus(start, 25 * hour - 1));
    expect(world.request(id).state).toBe('waiting-for-approval');
    await world.advanceTo(plus(start, 25 * hour));
    expect(world.request(id).state).toBe('timed-out');
  });
  test('a denial in the second stage ends it, and those of the first are told', async () => {
    const world = worldWith();
    const id = await world.submit(requested(two));
    await world.approve(id, bob);
    await world.command(id, {
      kind: 'deny',
      stage: 1,
      through: 'api',
      commandId: 'no' as CommandId,
      by: carla,
      comment: 'No',
    });
    expect(world.request(id)).toMatchObject({ state: 'denied', decision: { by: carla } });
    expect(world.notifier.sent.slice(-2).map(({ to }) => to)).toEqual([ada.mail, bob.mail]);
  });
  test('an approver of the first stage who left before the grant stops it', async () => {
    const world = worldWith();
    const grouped = {
      stages: [
        { ...stage, approvers: { people: [], groups: [owners] } },
        { ...stage, approvers: only(eve) },
      ],
    };
    const id = await world.submit(requested(grouped));
    await world.approve(id, bob);
    world.directory.groups.set(owners, [carla.principalId]);
    await world.approve(id, eve);
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_NOT_AN_APPROVER' });
  });
});

describe('a silent stage', () => {
  const patient = (more: Partial<Stage>) => ({ stages: [{ ...stage, ...more }] });
  test('is reminded at the policy’s moments, and only those who have not answered', async () => {
    const world = worldWith();
    await world.submit(requested(patient({ quorum: 2, reminders: [hour, 3 * hour] })));
    const id = [...world.requests.all.keys()][0] as never;
    expect(linksTo(world, bob)).toBe(1);
    await world.advanceTo(plus(start, hour));
    expect([linksTo(world, bob), linksTo(world, carla)]).toEqual([2, 2]);
    await world.approve(id, bob);
    await world.advanceTo(plus(start, 3 * hour));
    expect([linksTo(world, bob), linksTo(world, carla)]).toEqual([2, 3]);
  });
  test('is escalated to others, who may then decide as well', async () => {
    const world = worldWith();
    const id = await world.submit(requested(patient({ escalation: { after: 2 * hour, to: only(eve) } })));
    await world.command(id, {
      kind: 'approve',
      stage: 0,
      through: 'api',
      commandId: 'early' as CommandId,
      by: eve,
      comment: '',
    });
    expect(world.request(id).state).toBe('waiting-for-approval');
    await world.advanceTo(plus(start, 2 * hour));
    expect(world.request(id).approvers.map(({ name }) => name)).toEqual([bob.name, carla.name, eve.name]);
    expect([linksTo(world, bob), linksTo(world, eve)]).toEqual([1, 1]);
    await world.approve(id, eve);
    expect(world.request(id).state).toBe('granted');
  });
  test('is escalated to the requester’s manager, never to the requester', async () => {
    const world = worldWith();
    world.directory.managers.set(ada.principalId, eve);
    const to = { people: [ada.userPrincipalName], groups: [], manager: true } as const;
    const id = await world.submit(requested(patient({ escalation: { after: hour, to } })));
    await world.advanceTo(plus(start, hour));
    expect(world.request(id).approvers.map(({ name }) => name)).toEqual([bob.name, carla.name, eve.name]);
  });
});

describe('less time', () => {
  test('is what the access lasts', async () => {
    const world = worldWith();
    const id = await world.submit();
    await world.approve(id, bob, { duration: hour });
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline: plus(start, hour) });
  });
});

describe('automatic approval', () => {
  const automatic = { automatic: { name: 'on-call', requesters: { people: [], groups: [owners] } } };
  test('asks nobody, and the rule stands in the event', async () => {
    const world = worldWith();
    world.directory.groups.set(owners, [ada.principalId]);
    const id = await world.submit(requested(automatic));
    expect(world.request(id)).toMatchObject({ state: 'granted', decision: { rule: 'on-call' } });
    expect(world.types(id)[1]).toBe('access-approved-automatically');
    expect(linksTo(world, bob) + linksTo(world, carla)).toBe(0);
  });
  test('is worth nothing to who is no longer in the group that it is for', async () => {
    const world = worldWith();
    const id = await world.submit(requested(automatic));
    expect(world.request(id)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
  });
});

describe('broken glass', () => {
  const review = { by: only(carla), within: 24 * hour };
  const breakGlass = { people: [ada], tell: { people: [bob.userPrincipalName], groups: [owners] }, review };
  const broken = requested({ breakGlass, stages: [] });

  test('grants at once, rings every bell, and owes a review that is chased until it is given', async () => {
    const world = worldWith();
    const id = await world.submit(broken);
    expect(world.request(id)).toMatchObject({ state: 'granted', review: 'owed' });
    const bells = world.notifier.sent.filter(({ subject }) => subject.startsWith('BREAK-GLASS')).map(({ to }) => to);
    expect(new Set(bells)).toEqual(new Set([bob.mail, carla.mail]));
    await world.advanceTo(plus(start, 8 * hour));
    expect(world.request(id)).toMatchObject({ state: 'expired', review: 'owed' });
    expect(linksTo(world, carla)).toBe(1);
    await world.advanceTo(plus(start, 32 * hour));
    expect(linksTo(world, carla)).toBe(2);
    expect(world.engine.status(id)?.runtimeStatus).toBe('Running');
    await world.command(id, { kind: 'review', commandId: 'seen' as CommandId, by: carla, comment: 'As reported' });
    expect(world.request(id)).toMatchObject({ state: 'expired', review: { by: carla } });
    expect(world.engine.status(id)?.runtimeStatus).toBe('Completed');
    expect(world.types(id).at(-1)).toBe('access-reviewed');
  });
  test('works while directory and mail are down, and the bells ring when mail is back', async () => {
    const world = worldWith();
    world.directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
    world.notifier.failure = 'CURFEW_MAIL_UNAVAILABLE';
    const id = await world.submit(broken);
    expect(world.request(id).state).toBe('granted');
    await world.advanceTo(plus(start, 6 * hour));
    world.notifier.failure = undefined;
    await world.advanceTo(plus(start, 7 * hour + minute));
    const bells = world.notifier.sent.filter(({ subject }) => subject.startsWith('BREAK-GLASS')).map(({ to }) => to);
    expect(new Set(bells)).toEqual(new Set([bob.mail, carla.mail]));
  });
  test('a directory that hangs is not waited for, and one that says the account is off is believed', async () => {
    const world = worldWith();
    world.directory.gate = new Promise(() => {});
    const id = await world.submit(broken);
    await world.advanceTo(plus(start, 3_000));
    expect(world.request(id).state).toBe('granted');
    const other = worldWith();
    other.directory.people.shift();
    const refused = await other.submit(broken);
    expect(other.request(refused)).toMatchObject({ state: 'failed', failure: 'CURFEW_REQUESTER_INELIGIBLE' });
  });
  test('no audit, no access: not even now', async () => {
    const world = worldWith();
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    const submitted = world.submit(broken);
    await expect(submitted).rejects.toThrow('CURFEW_STORE_UNAVAILABLE');
    expect(world.target.log).toEqual([]);
  });
});

describe('the requester is told', () => {
  test('for whom it waits, what was decided, until when, ten minutes before the end, and that it has ended', async () => {
    const world = worldWith();
    const id = await world.submit();
    await world.approve(id);
    const told = () => world.notifier.sent.filter(({ to }) => to === ada.mail).length;
    expect(told()).toBe(3);
    await world.advanceTo(plus(start, 8 * hour - 10 * minute - 1));
    expect(told()).toBe(3);
    await world.advanceTo(plus(start, 8 * hour - 10 * minute));
    expect(told()).toBe(4);
    await world.advanceTo(plus(start, 8 * hour));
    expect(told()).toBe(5);
  });
  test('who has access for less than ten minutes is not warned of its end', async () => {
    const world = worldWith();
    const id = await world.submit(requested({ duration: 5 * minute }));
    await world.approve(id);
    await world.advanceTo(plus(start, 5 * minute));
    expect(world.notifier.sent.filter(({ to }) => to === ada.mail)).toHaveLength(4);
  });
});

describe('limits', () => {
  test('of two grants intended before the one is given, the later gives way and leaves nothing', async () => {
    const world = worldWith();
    const one = { limits: { perPerson: 1, perRole: null } };
    const ids = [await world.submit(requested(one)), await world.submit(requested(one))];
    await Promise.all(ids.map((id) => world.approve(id)));
    await world.advanceTo(plus(start, minute));
    expect(new Set(ids.map((id) => world.request(id).state))).toEqual(new Set(['failed', 'granted']));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    await world.advanceTo(plus(start, 9 * hour));
    expect(world.target.members.size).toBe(0);
    expect(world.holds.all.size).toBe(0);
  });
});

test('nobody but those asked can decide, whatever is raised at the orchestration', async () => {
  const world = worldWith();
  const id = await world.submit();
  for (const by of [ada, eve]) await world.approve(id, by);
  for (const forged of [
    { kind: 'approve-automatically' },
    { kind: 'break-glass' },
    { kind: 'begin-grant' },
    { kind: 'extend' },
    7,
    null,
  ]) {
    await world.engine.raiseEvent(id, 'command', forged);
    await world.settle();
  }
  expect(world.types(id)).toEqual(['access-requested']);
  expect(terms.requesters.groups).toEqual([analysts]);
});
