import { DatabaseSync } from 'node:sqlite';
import type { OrchestrationHandler } from 'durable-functions';
import * as df from 'durable-functions';
import { afterEach, describe, expect, it } from 'vitest';
import { isCurrentOrOlder } from '../../../local/functions-host/durable/version.ts';
import type { LogEntry } from '../../../local/functions-host/log.ts';
import { DAY, engines, later, SECOND, START } from './engines.ts';

const { setUp, stateFile, closeAll } = engines();

afterEach(closeAll);

const waitsFor = (ms: number): OrchestrationHandler =>
  function* (context) {
    yield context.df.createTimer(later(context, ms));
    return context.df.currentUtcDateTime.getTime();
  };

const waitsForEvent: OrchestrationHandler = function* (context) {
  return yield context.df.waitForExternalEvent('go');
};

describe('timers', () => {
  it('an exact timer fires at its millisecond and not before', async () => {
    const { engine, moveTo } = setUp(waitsFor(30 * DAY + 7));
    await engine.start('story', 'a');
    await moveTo(START + 30 * DAY + 6);
    expect(engine.status('a')?.runtimeStatus).toBe('Running');
    await moveTo(START + 30 * DAY + 7);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: START + 30 * DAY + 7 });
  });

  it('a timer of the Azure Storage backend can fire before its time and long after', async () => {
    const fired = async (share: number) => {
      const { engine, moveTo } = setUp(waitsFor(60 * SECOND), { timers: 'azure-storage', random: () => share });
      await engine.start('story', 'a');
      await moveTo(START + 120 * SECOND);
      return Number(engine.status('a')?.output) - (START + 60 * SECOND);
    };
    expect(await fired(0)).toBe(-900);
    expect(await fired(0.5)).toBe(1_296);
    expect(await fired(1)).toBe(25_521);
  });

  it('a timer of the Azure Storage backend of a second or less fires at once', async () => {
    const { engine, moveTo } = setUp(waitsFor(SECOND), { timers: 'azure-storage' });
    await engine.start('story', 'a');
    await moveTo(START + 10);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: START + 10 });
  });

  it('a thousand instances with one deadline all go on at that instant', async () => {
    const { engine, moveTo } = setUp(waitsFor(60 * SECOND));
    const ids = Array.from({ length: 1_000 }, (_, index) => `i${index}`);
    await Promise.all(ids.map((id) => engine.start('story', id)));
    await moveTo(START + 60 * SECOND);
    expect(new Set(ids.map((id) => engine.status(id)?.output))).toEqual(new Set([START + 60 * SECOND]));
  });
});

describe('a restart', () => {
  it('keeps timers, parked events and waiting instances', async () => {
    const statePath = stateFile();
    const story: OrchestrationHandler = function* (context) {
      yield context.df.createTimer(later(context, 60 * SECOND));
      return yield context.df.waitForExternalEvent('go');
    };
    const first = setUp(story, { statePath });
    await first.engine.start('story', 'a');
    await first.engine.raiseEvent('a', 'go', { early: true });
    first.engine.close();

    const second = setUp(story, { statePath });
    await second.moveTo(START + 60 * SECOND);
    expect(second.engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: { early: true } });
  });

  it('runs an activity again whose result was not written down', async () => {
    const statePath = stateFile();
    let calls = 0;
    const story: OrchestrationHandler = function* (context) {
      return yield context.df.callActivity('work', 1);
    };
    const hangs = () => {
      calls++;
      return new Promise<never>(() => {});
    };
    const first = setUp(story, { statePath, activities: { work: hangs } });
    await first.engine.start('story', 'a');
    await first.settle();
    first.engine.close();

    const second = setUp(story, { statePath, activities: { work: () => ++calls } });
    await second.settle();
    expect(second.engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 2 });
  });

  it('reads a state file from before starts of activities were written down', async () => {
    const statePath = stateFile();
    const old = new DatabaseSync(statePath);
    old.exec(
      `CREATE TABLE task (
        instance TEXT NOT NULL, execution TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT, PRIMARY KEY (instance, task)
      ) WITHOUT ROWID`,
    );
    old.close();
    const story: OrchestrationHandler = function* (context) {
      return yield context.df.callActivity('work');
    };
    const { engine, settle } = setUp(story, { statePath, redeliverAfter: SECOND, activities: { work: () => 1 } });
    await engine.start('story', 'a');
    await settle();
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 1 });
  });

  it('leaves an instance alone whose orchestrator is gone, until it is back', async () => {
    const statePath = stateFile();
    const first = setUp(waitsForEvent, { statePath });
    await first.engine.start('story', 'a');
    first.engine.close();

    const second = setUp(waitsForEvent, { statePath, orchestrators: {} });
    await second.engine.raiseEvent('a', 'go', 1);
    await second.settle();
    expect(second.engine.status('a')?.runtimeStatus).toBe('Running');
    second.engine.close();

    const third = setUp(waitsForEvent, { statePath });
    await third.settle();
    expect(third.engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 1 });
  });
});

describe('versions', () => {
  const tellsVersion: OrchestrationHandler = function* (context) {
    const { rounds } = context.df.getInput() as { rounds: number };
    yield context.df.waitForExternalEvent('go');
    if (rounds > 0) context.df.continueAsNew({ rounds: rounds - 1 });
    return context.df.version;
  };

  it('an instance keeps the version that it was started with, in every history of its own', async () => {
    const statePath = stateFile();
    const first = setUp(tellsVersion, { statePath, version: '1.9' });
    await first.engine.start('story', 'a', { rounds: 1 });
    first.engine.close();
    const second = setUp(tellsVersion, { statePath, version: '1.10' });
    await second.engine.start('story', 'b', { rounds: 0 });
    for (const id of ['a', 'a', 'b']) {
      await second.engine.raiseEvent(id, 'go', null);
      await second.settle();
    }
    expect(['a', 'b'].map((id) => second.engine.status(id)?.output)).toEqual(['1.9', '1.10']);
  });

  it('an older host leaves what a newer one began, and the next newer one goes on with it', async () => {
    const statePath = stateFile();
    const first = setUp(waitsForEvent, { statePath, version: '1.10' });
    await first.engine.start('story', 'a');
    first.engine.close();
    const logged: LogEntry[] = [];
    const rolledBack = setUp(waitsForEvent, { statePath, version: '1.9', log: (entry) => void logged.push(entry) });
    await rolledBack.engine.raiseEvent('a', 'go', 1);
    await rolledBack.settle();
    expect(rolledBack.engine.status('a')?.runtimeStatus).toBe('Running');
    expect(logged).toEqual([
      { level: 'warning', category: 'durable', message: "Instance 'a' waits for a host of version 1.10 or newer." },
    ]);
    rolledBack.engine.close();
    const third = setUp(waitsForEvent, { statePath, version: '2.0' });
    await third.settle();
    expect(third.engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 1 });
  });

  it.each([
    ['1.0', '1.0', true],
    ['1.9', '1.10', true],
    ['1.10', '1.9', false],
    ['1.0', '1.0.0', true],
    ['1.0.0', '1.0', false],
    ['', '1.0', true],
    ['1.0', '', false],
    ['beta', 'Alpha', false],
    ['2026-11-21', '2026-11-22', true],
  ])('%j on a host of %j', (version, current, runs) => {
    expect(isCurrentOrOlder(version, current)).toBe(runs);
  });
});

describe('turns', () => {
  it('every turn begins at the beginning: no generator is kept', async () => {
    let begun = 0;
    const { engine, settle } = setUp(function* (context) {
      begun++;
      for (let count = 0; count < 4; count++) yield context.df.waitForExternalEvent('go');
    });
    await engine.start('story', 'a');
    for (let count = 0; count < 4; count++) {
      await engine.raiseEvent('a', 'go', null);
      await settle();
    }
    expect([begun, engine.status('a')?.runtimeStatus]).toEqual([5, 'Completed']);
  });
});

describe('clients', () => {
  it('of two simultaneous starts of one id both are accepted and one is lost', async () => {
    const { engine, settle } = setUp(function* (context) {
      yield context.df.waitForExternalEvent('go');
      return context.df.getInput();
    });
    await Promise.all([engine.start('story', 'a', 'first'), engine.start('story', 'a', 'second')]);
    await engine.raiseEvent('a', 'go', 1);
    await settle();
    expect(engine.status('a')?.output).toBe('first');
  });

  it('a running id is refused and an ended one replaced', async () => {
    const { engine, settle } = setUp(waitsForEvent);
    await engine.start('story', 'a');
    await expect(engine.start('story', 'a')).rejects.toMatchObject({ code: 'already-exists' });
    await engine.raiseEvent('a', 'go', 1);
    await settle();
    await engine.start('story', 'a');
    expect(engine.status('a')?.output).toBeNull();
  });

  it('calls to unknown and ended instances are refused each in its way', async () => {
    const { engine, settle } = setUp(waitsForEvent);
    await expect(engine.start('nobody', 'a')).rejects.toMatchObject({ code: 'unknown-orchestrator' });
    await expect(engine.raiseEvent('a', 'go', 1)).rejects.toMatchObject({ code: 'not-found' });
    await engine.start('story', 'a');
    await engine.terminate('a', 'enough');
    await settle();
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
    await expect(engine.raiseEvent('a', 'go', 1)).rejects.toMatchObject({ code: 'ended' });
    expect(await engine.purge('a')).toBe(true);
    expect(engine.status('a')).toBeUndefined();
  });
});

describe('refusals', () => {
  const fails = async (story: OrchestrationHandler) => {
    const { engine, settle } = setUp(story, {
      activities: { fail: () => Promise.reject(new Error('no')), ok: () => 1 },
    });
    await engine.start('story', 'a');
    await settle();
    await engine.raiseEvent('a', 'go', 1).catch(() => {});
    await settle();
    return engine.status('a')?.runtimeStatus;
  };

  it('one timer in two races fails the instance, even where the orchestrator swallows the error', async () => {
    const story: OrchestrationHandler = function* (context) {
      const timer = context.df.createTimer(later(context, 60 * SECOND));
      yield context.df.Task.any([context.df.waitForExternalEvent('go'), timer]);
      try {
        yield context.df.Task.any([context.df.waitForExternalEvent('more'), timer]);
      } catch {
        return 'unharmed';
      }
    };
    expect(await fails(story)).toBe('Failed');
  });

  it('a finished task in a race fails the instance', async () => {
    const story: OrchestrationHandler = function* (context) {
      const done = context.df.callActivity('ok');
      yield done;
      yield context.df.Task.any([done, context.df.waitForExternalEvent('more')]);
    };
    expect(await fails(story)).toBe('Failed');
  });

  it('sub-orchestrations, entities, durable HTTP calls and retry timeouts fail the instance', async () => {
    const options = new df.RetryOptions(SECOND, 3);
    options.retryTimeoutInMilliseconds = 5_000;
    const stories: OrchestrationHandler[] = [
      function* (context) {
        yield context.df.callSubOrchestrator('story');
      },
      function* (context) {
        yield context.df.callEntity(new df.EntityId('counter', 'a'), 'add', 1);
      },
      function* (context) {
        yield context.df.callHttp({ method: 'GET', url: 'http://127.0.0.1/' });
      },
      function* (context) {
        yield context.df.callActivityWithRetry('fail', options);
      },
    ];
    for (const story of stories) expect(await fails(story)).toBe('Failed');
  });
});
