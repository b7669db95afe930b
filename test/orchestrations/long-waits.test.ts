import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { ActionType, Event, type HistoryEvent } from '../../local/functions-host/durable/wire.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import type { Terms } from '../../shared/domain/policy.ts';
import type { State } from '../../shared/domain/states.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { ada, bob, requested, stage, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** The interval at which the host splits a timer. SDK and host lose count together where it splits one that is cancelled. */
const longestLeg = 3 * day;
/** How late a durable timer was measured to be on Azure Storage, at most. */
const latest = 26_000;
const commandId = 'command' as CommandId;

const runs = [
  { name: 'exact', timers: 'exact' as const, seed: 1 },
  ...[1, 2, 3].map((seed) => ({ name: `Azure Storage’s, seed ${seed}`, timers: 'azure-storage' as const, seed })),
];

/** A world, and every timer that an orchestrator asks for: by how much its instant lies ahead, in milliseconds. */
function createWatched({ timers, seed }: (typeof runs)[number]) {
  const legs: number[] = [];
  const seen = new Map<string, number>();
  const world = createWorld({
    timers,
    random: seededRandom(seed),
    onTurn: (trigger, answer) => {
      const { history } = JSON.parse(trigger) as { history: HistoryEvent[] };
      const execution = JSON.stringify(history[1]?.OrchestrationInstance);
      const now = Date.parse(
        history.findLast(({ EventType }) => EventType === Event.OrchestratorStarted)?.Timestamp ?? '',
      );
      const { actions } = JSON.parse(JSON.stringify(answer)) as {
        actions: {
          actionType: number;
          fireAt?: string;
          compoundActions?: { actionType: number; fireAt?: string }[];
        }[][];
      };
      const all = actions.flat();
      for (const action of all.slice(seen.get(execution) ?? 0)) {
        for (const { actionType, fireAt } of [action, ...(action.compoundActions ?? [])]) {
          if (actionType === ActionType.CreateTimer) legs.push(Date.parse(fireAt ?? '') - now);
        }
      }
      seen.set(execution, all.length);
    },
  });
  return { world, legs };
}

type Watched = ReturnType<typeof createWatched>;

/** The course of the request came to its end, and none of its timers was one that the host would have split. */
function expectWholeCourse({ world, legs }: Watched, id: RequestId, state: State): void {
  expect(world.request(id).state).toBe(state);
  expect(world.engine.status(id)).toMatchObject({ runtimeStatus: 'Completed', output: state });
  expect(legs.length).toBeGreaterThan(0);
  expect(legs.filter((leg) => !(leg <= longestLeg))).toEqual([]);
}

const changes = ({ target }: World) => target.log.map(({ at, what }) => [what, at]);

async function granted(world: World, duration: number, more: Partial<Terms> = {}): Promise<RequestId> {
  const id = await world.submit(requested({ duration, ...more }));
  await world.approve(id);
  return id;
}

describe.each(runs)('on timers that are $name', (run) => {
  test.each([5, 9, 30])('a grant of %i days is revoked at its deadline', async (days) => {
    const watched = createWatched(run);
    const { world } = watched;
    const id = await granted(world, days * day);
    const deadline = plus(start, days * day);
    await world.advanceTo(plus(deadline, -1));
    expect(world.request(id)).toMatchObject({ state: 'granted', deadline });
    await world.advanceTo(plus(deadline, 5 * minute));
    expect(changes(world)).toEqual([
      ['granted', start],
      ['dropped', deadline],
    ]);
    expect(world.request(id)).toMatchObject({ cause: { kind: 'deadline' }, revoked: { lateness: 0 } });
    const warnings = world.notifier.sent.filter(({ to, subject }) => to === ada.mail && subject.includes('ends in'));
    expect(warnings).toHaveLength(1);
    expectWholeCourse(watched, id, 'expired');
  });

  test.each([5, 9, 30])('a grant of %i days is revoked without the scheduler as well', async (days) => {
    const watched = createWatched(run);
    const { world } = watched;
    const event = requested({ duration: days * day });
    const id = await world.submit({
      ...event,
      revocation: { isScheduled: false, longestPause: minute },
    } as CurfewEvent);
    await world.approve(id);
    const deadline = plus(start, days * day);
    await world.advanceTo(plus(deadline, 5 * minute));
    const [, dropped] = world.target.log;
    expect(dropped?.at).toSatisfy((at: Instant) => at >= deadline && at <= plus(deadline, latest));
    if (run.timers === 'exact') expect(dropped?.at).toBe(deadline);
    expectWholeCourse(watched, id, 'expired');
  });

  test.each([
    ['without a reminder', []],
    ['after a reminder on day two', [2 * day]],
    ['before a reminder on day eight', [8 * day]],
  ])('a stage of ten days that is answered on day four, %s, leads to the grant', async (_, reminders) => {
    const watched = createWatched(run);
    const { world } = watched;
    const stages = [{ ...stage, timeOut: 10 * day, reminders }];
    const id = await world.submit(requested({ duration: hour, stages }));
    const answered = plus(start, 4 * day);
    await world.advanceTo(answered);
    expect(world.request(id).state).toBe('waiting-for-approval');
    const reminded = world.notifier.sent.filter(({ to, subject }) => to === bob.mail && /remind/i.test(subject));
    expect(reminded).toHaveLength(reminders.some((after) => after <= 4 * day) ? 1 : 0);
    await world.approve(id);
    // Far enough for every leg that was cancelled to fire.
    await world.advanceTo(plus(start, 12 * day));
    expect(changes(world)).toEqual([
      ['granted', answered],
      ['dropped', plus(answered, hour)],
    ]);
    expectWholeCourse(watched, id, 'expired');
  });

  test('a stage of ten days that nobody answers is timed out after ten days', async () => {
    const watched = createWatched(run);
    const { world } = watched;
    const id = await world.submit(requested({ stages: [{ ...stage, timeOut: 10 * day, reminders: [day, 7 * day] }] }));
    await world.advanceTo(plus(start, 10 * day - minute));
    expect(world.request(id).state).toBe('waiting-for-approval');
    await world.advanceTo(plus(start, 10 * day + minute));
    expectWholeCourse(watched, id, 'timed-out');
  });

  test('a booking 25 days ahead begins at its start, and ends at its deadline', async () => {
    const watched = createWatched(run);
    const { world } = watched;
    const startsAt = plus(start, 25 * day);
    const id = await granted(world, 2 * hour, { startsAt });
    await world.advanceTo(plus(startsAt, -minute));
    expect(world.request(id).state).toBe('scheduled');
    await world.advanceTo(plus(startsAt, -1));
    expect(changes(world)).toEqual([]);
    await world.advanceTo(plus(startsAt, 2 * hour + 5 * minute));
    expect(changes(world)).toEqual([
      ['granted', startsAt],
      ['dropped', plus(startsAt, 2 * hour)],
    ]);
    expectWholeCourse(watched, id, 'expired');
  });

  test('a booking 25 days ahead that is cancelled on day four gives nothing', async () => {
    const watched = createWatched(run);
    const { world } = watched;
    const id = await granted(world, 2 * hour, { startsAt: plus(start, 25 * day) });
    await world.advanceTo(plus(start, 4 * day));
    await world.command(id, { kind: 'end', commandId, by: bob, as: 'approver', reason: '' });
    await world.advanceTo(plus(start, 26 * day));
    expect(changes(world)).toEqual([]);
    expectWholeCourse(watched, id, 'revoked');
  });

  test.each([1, 4, 8])('a grant of nine days that is ended on day %i is revoked then', async (days) => {
    const watched = createWatched(run);
    const { world } = watched;
    const id = await granted(world, 9 * day);
    const ended = plus(start, days * day);
    await world.advanceTo(ended);
    await world.command(id, { kind: 'end', commandId, by: ada, as: 'requester', reason: 'Done' });
    await world.advanceTo(plus(start, 14 * day));
    expect(changes(world)).toEqual([
      ['granted', start],
      ['dropped', ended],
    ]);
    expectWholeCourse(watched, id, 'revoked');
  });

  test.each([9, 30])('a grant of %i days that is extended on day four ends at the moved deadline', async (days) => {
    const watched = createWatched(run);
    const { world } = watched;
    const extension = { times: 1, total: (days + 7) * day };
    const id = await granted(world, days * day, { extension });
    await world.advanceTo(plus(start, 4 * day));
    const asked = { ...requested({ extension, duration: 7 * day }), at: world.time.now, extends: id } as CurfewEvent;
    const later = await world.submit(asked);
    await world.approve(later);
    await world.advanceTo(plus(start, 4 * day + 5 * minute));
    const deadline = plus(start, (days + 7) * day);
    expect(world.request(later)).toMatchObject({ state: 'extended', movedTo: deadline });
    await world.advanceTo(plus(deadline, 5 * minute));
    expect(changes(world)).toEqual([
      ['granted', start],
      ['dropped', deadline],
    ]);
    expectWholeCourse(watched, id, 'expired');
  });
});
