import { DatabaseSync } from 'node:sqlite';
import type { OrchestrationHandler } from 'durable-functions';
import { afterEach, describe, expect, it } from 'vitest';
import { type DurableEngineOptions, stepTimes } from '../../../local/functions-host/durable/index.ts';
import { seededRandom } from '../../../local/functions-host/durable/timers.ts';
import { engines, later, MINUTE, SECOND, START } from './engines.ts';
import { virtualClock } from './virtual-clock.ts';

const { setUp, stateFile, closeAll } = engines();

afterEach(closeAll);

const works = (count: number): OrchestrationHandler =>
  function* (context) {
    for (let n = 0; n < count; n++) yield context.df.callActivity('work');
    return context.df.currentUtcDateTime.getTime() - START;
  };

/** As Curfew's: 15 activities that race timers, 22 turns. */
const life: OrchestrationHandler = function* (context) {
  for (let n = 0; n < 15; n++) {
    const timer = context.df.createTimer(later(context, MINUTE));
    yield context.df.Task.any([context.df.callActivity('work'), timer]);
    timer.cancel();
    if (n % 5 < 2) yield context.df.createTimer(context.df.currentUtcDateTime);
  }
};

const activities = { work: () => 1 };
const ms = (time: number) => () => time;

/** Keeps so many instances open until `total` have ended. Returns the median life in milliseconds and how many end in a second. */
async function load(story: OrchestrationHandler, atOnce: number, total: number) {
  const { clock, engine } = setUp(story, { steps: 'measured', activities });
  const open = new Map<string, number>();
  const lives: number[] = [];
  let begun = 0;
  const settle = async () => {
    await engine.idle();
    for (const [id, since] of open) {
      if (engine.status(id)?.runtimeStatus !== 'Completed') continue;
      open.delete(id);
      lives.push(clock.now() - since);
    }
    while (open.size < atOnce && begun < total) {
      const id = await engine.start('story', `i${begun++}`);
      open.set(id, clock.now());
    }
    await engine.idle();
  };
  while (lives.length < total) await clock.moveTo(clock.now() + 100, settle);
  lives.sort((one, other) => one - other);
  return { median: lives[total >> 1] ?? 0, perSecond: (total / (clock.now() - START)) * SECOND };
}

describe('step times', () => {
  it('without any, everything happens without the clock', async () => {
    const { engine, clock, settle } = setUp(works(3), { activities });
    await engine.start('story', 'a');
    await settle();
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 0 });
    expect(clock.pending()).toEqual([]);
  });

  it('add up: turn, activity, result, turn', async () => {
    const steps = { turnWait: ms(1), activityWait: ms(10), resultWait: ms(100) };
    const { engine, moveTo } = setUp(works(1), { steps, activities });
    await engine.start('story', 'a');
    await moveTo(START + 111);
    expect(engine.status('a')?.runtimeStatus).toBe('Running');
    await moveTo(START + 112);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 112 });
  });

  it('a raised event is acknowledged at once and reaches its instance later, in order, also when the host is restarted', async () => {
    const statePath = stateFile();
    const story: OrchestrationHandler = function* (context) {
      const first: unknown = yield context.df.waitForExternalEvent('go');
      const second: unknown = yield context.df.waitForExternalEvent('go');
      return [first, second];
    };
    const waits = [2_000, 1_000];
    const { engine, moveTo } = setUp(story, { statePath, steps: { eventWait: () => waits.shift() ?? 0 } });
    await engine.start('story', 'a');
    await engine.raiseEvent('a', 'go', 1);
    await engine.raiseEvent('a', 'go', 2);
    await moveTo(START + 1_999);
    expect(engine.status('a')?.runtimeStatus).toBe('Running');
    engine.close();
    const next = setUp(story, { statePath });
    await next.settle();
    expect(next.engine.status('a')?.output).toEqual([1, 2]);
  });

  it('an event that arrives after the end is gone, on disk as well', async () => {
    const statePath = stateFile();
    const { engine, moveTo } = setUp(works(1), {
      statePath,
      activities,
      steps: { eventWait: ms(50), activityWait: ms(10) },
    });
    await engine.start('story', 'a');
    await engine.raiseEvent('a', 'go', 1);
    await moveTo(START + 100);
    expect(engine.status('a')?.runtimeStatus).toBe('Completed');
    expect(engine.measure('a')?.events).toBe(0);
    engine.close();
    const disk = new DatabaseSync(statePath);
    expect(disk.prepare('SELECT count(*) AS left FROM inbox').get()).toEqual({ left: 0 });
    disk.close();
  });

  it('activities beyond the limit wait in the order in which they came', async () => {
    const begun: unknown[] = [];
    const ends: (() => void)[] = [];
    const story: OrchestrationHandler = function* (context) {
      yield context.df.Task.all([1, 2, 3].map((n) => context.df.callActivity('work', n)));
    };
    const work = (n: unknown) => {
      begun.push(n);
      return new Promise<void>((resolve) => void ends.push(resolve));
    };
    const { engine, settle } = setUp(story, { steps: { maxConcurrentActivityFunctions: 2 }, activities: { work } });
    await engine.start('story', 'a');
    await settle();
    expect(begun).toEqual([1, 2]);
    expect(engine.counters).toMatchObject({ activities: 3, outstanding: 3, mostOutstanding: 3 });
    ends[1]?.();
    await settle();
    expect(begun).toEqual([1, 2, 3]);
    for (const end of ends) end();
    await settle();
    expect(engine.status('a')?.runtimeStatus).toBe('Completed');
    expect(engine.counters).toMatchObject({ outstanding: 0, mostOutstanding: 3 });
  });

  it('turns beyond the limit wait, and let an activity go first', async () => {
    const order = async (limit: number | undefined) => {
      const seen: string[] = [];
      const { engine, moveTo } = setUp(works(1), {
        steps: { maxConcurrentOrchestratorFunctions: limit, turnWait: ms(1), storage: { step: 100, event: 0 } },
        activities: { work: () => void seen.push('work') },
        onTurn: (trigger) => void seen.push((JSON.parse(trigger) as { instanceId: string }).instanceId),
      });
      for (const id of ['a', 'b', 'c']) await engine.start('story', id);
      await moveTo(START + SECOND);
      return seen.slice(0, 4);
    };
    expect(await order(undefined)).toEqual(['a', 'b', 'c', 'work']);
    expect(await order(1)).toEqual(['a', 'b', 'work', 'c']);
  });

  it('a slow hub lets each activity wait for 10 to 60 s, the same in each run of one seed', async () => {
    const waited = async (seed: number) => {
      const { engine, moveTo } = setUp(works(1), { steps: 'slow', random: seededRandom(seed), activities });
      for (let n = 0; n < 20; n++) await engine.start('story', `i${n}`);
      await moveTo(START + 2 * MINUTE);
      return Array.from({ length: 20 }, (_, n) => Number(engine.status(`i${n}`)?.output));
    };
    const once = await waited(1);
    expect(Math.min(...once)).toBeGreaterThan(10 * SECOND);
    expect(Math.max(...once)).toBeLessThan(62 * SECOND);
    expect(await waited(1)).toEqual(once);
    expect(await waited(2)).not.toEqual(once);
  });

  it('a preset can be changed in part', () => {
    const steps = { ...stepTimes('measured'), maxConcurrentActivityFunctions: 10 };
    expect(steps).toMatchObject({ storage: { step: 4.6 }, maxConcurrentActivityFunctions: 10 });
  });
});

describe('the measured step times', () => {
  const within = (value: number, figure: number) => {
    expect(value).toBeGreaterThan((figure * 2) / 3);
    expect(value).toBeLessThan((figure * 4) / 3);
  };

  it.each([
    [5, 15.6],
    [8, 10.4],
    [15, 4.3],
  ])('instances of %i activities: %d a second', async (count, figure) => {
    within((await load(works(count), 50, 50)).perSecond, figure);
  });

  it.each([
    [1, 680],
    [8, 4_100],
    [16, 10_300],
  ])('a whole life with %i at once: %i ms', async (atOnce, figure) => {
    within((await load(life, atOnce, atOnce * 3)).median, figure);
  });
});

describe('counters', () => {
  it('count an instance and the total', async () => {
    const { engine, moveTo } = setUp(life, { activities });
    for (const id of ['a', 'b']) await engine.start('story', id);
    await moveTo(START + 2 * MINUTE);
    const one = { turns: 22, activities: 15, timers: 21, events: 0 };
    expect(engine.measure('a')).toEqual({ ...one, historyBytes: expect.any(Number) });
    expect(engine.counters).toMatchObject({ turns: 44, activities: 30, timers: 42, outstanding: 0 });
    expect(engine.counters.historyBytes).toBe(
      (engine.measure('a')?.historyBytes ?? 0) + (engine.measure('b')?.historyBytes ?? 0),
    );
    expect(engine.measure('nobody')).toBeUndefined();
  });

  it('raised events are counted', async () => {
    const story: OrchestrationHandler = function* (context) {
      yield context.df.waitForExternalEvent('go');
    };
    const { engine, settle } = setUp(story);
    await engine.start('story', 'a');
    await engine.raiseEvent('a', 'go', 1);
    await settle();
    expect([engine.counters.events, engine.measure('a')?.events]).toEqual([1, 1]);
  });
});

describe('an activity beyond functionTimeout', () => {
  const story: OrchestrationHandler = function* (context) {
    try {
      return yield context.df.callActivity('work');
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };
  const run = async (takes: number) => {
    const clock = virtualClock(START);
    const work = () => new Promise((resolve) => void clock.schedule(START + takes, () => resolve('done')));
    const host = setUp(story, { functionTimeout: 5 * MINUTE, activities: { work } }, clock);
    await host.engine.start('story', 'a');
    await host.moveTo(START + 20 * MINUTE);
    expect(host.engine.counters.outstanding).toBe(0);
    return host.engine.status('a')?.output;
  };

  it('counts as failed, whatever it returns later', async () => {
    expect(await run(5 * MINUTE + 1)).toMatch(
      /^Activity function 'work' failed: {2}Timeout value of 00:05:00 was exceeded by function: Functions\.work/,
    );
  });

  it('and one within it as done', async () => {
    expect(await run(5 * MINUTE - 1)).toBe('done');
  });
});

describe('an activity whose engine was closed', () => {
  const restarted = async (redeliverAfter: number | undefined, until: number) => {
    const statePath = stateFile();
    const never = () => new Promise<never>(() => {});
    const options: Partial<DurableEngineOptions> = redeliverAfter === undefined ? {} : { redeliverAfter };
    const first = setUp(works(1), { ...options, statePath, activities: { work: never } });
    await first.engine.start('story', 'a');
    await first.moveTo(START + MINUTE);
    first.engine.close();
    const second = setUp(works(1), { ...options, statePath, activities }, first.clock);
    await second.moveTo(START + until);
    return second;
  };

  it('starts again when its message is visible again, and not before', async () => {
    const { engine, moveTo } = await restarted(5 * MINUTE, 5 * MINUTE - 1);
    expect(engine.status('a')?.runtimeStatus).toBe('Running');
    expect(engine.counters.outstanding).toBe(1);
    await moveTo(START + 5 * MINUTE);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 5 * MINUTE });
  });

  it('starts again at once unless asked otherwise', async () => {
    const { engine } = await restarted(undefined, MINUTE);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: MINUTE });
  });
});
