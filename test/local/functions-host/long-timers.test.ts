import type { OrchestrationHandler } from 'durable-functions';
import { afterEach, describe, expect, it } from 'vitest';
import type { DurableEngineOptions } from '../../../local/functions-host/durable/index.ts';
import { DAY, engines, later, SECOND, START } from './engines.ts';

const { setUp, closeAll } = engines();

afterEach(closeAll);

const timerOf = (days: number): OrchestrationHandler =>
  function* (context) {
    yield context.df.createTimer(later(context, days * DAY));
    return (context.df.currentUtcDateTime.getTime() - START) / DAY;
  };

/** Days after the start at which the timers of each turn's history were to fire. */
function watchLegs() {
  let legs: number[] = [];
  const onTurn: DurableEngineOptions['onTurn'] = (trigger) => {
    const { history } = JSON.parse(trigger) as { history: { EventType: number; FireAt?: string }[] };
    legs = history
      .filter(({ EventType }) => EventType === 10)
      .map(({ FireAt }) => (Date.parse(FireAt ?? '') - START) / DAY);
  };
  return { onTurn, legs: () => legs };
}

describe('a timer of more than six days', () => {
  it.each([
    [6, [6]],
    [7, [3, 6, 7]],
    [10, [3, 6, 9, 10]],
    [30, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]],
  ])('of %i days fires on time, after legs of three days', async (days, expected) => {
    const { onTurn, legs } = watchLegs();
    const { engine, moveTo } = setUp(timerOf(days), { onTurn });
    await engine.start('story', 'a');
    await moveTo(START + 40 * DAY);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: days });
    expect(legs()).toEqual(expected);
  });

  it('whose last leg fires early is followed by short ones until its instant has come', async () => {
    const { engine, moveTo } = setUp(timerOf(7), { timers: 'azure-storage', random: () => 0 });
    await engine.start('story', 'a');
    await moveTo(START + 8 * DAY);
    expect(engine.status('a')).toMatchObject({ runtimeStatus: 'Completed', output: 7 });
  });
});

/** The bug of durable-functions 3.5 that the real host brings about, and that the service has to avoid by waiting in steps. */
describe('a timer of more than six days that is cancelled', () => {
  const cancels: OrchestrationHandler = function* (context) {
    const go = context.df.waitForExternalEvent('go');
    const timer = context.df.createTimer(later(context, 9 * DAY));
    const winner = yield context.df.Task.any([go, timer]);
    if (winner === go) timer.cancel();
    yield context.df.callActivity('work');
    yield context.df.createTimer(later(context, 5 * DAY));
    yield context.df.callActivity('work');
    return 'done';
  };
  const run = async (eventAt: number) => {
    const { engine, moveTo } = setUp(cancels, { activities: { work: () => 1 } });
    await engine.start('story', 'a');
    await moveTo(START + eventAt);
    await engine.raiseEvent('a', 'go', null);
    await moveTo(START + 40 * DAY);
    return engine.status('a');
  };

  it('during its first leg makes the SDK lose count when the leg fires: the instance never ends', async () => {
    expect(await run(SECOND)).toMatchObject({ runtimeStatus: 'Running' });
  });

  it('during a later leg fails the instance as non-deterministic', async () => {
    const status = await run(4 * DAY);
    expect(status).toMatchObject({
      runtimeStatus: 'Failed',
      output: expect.stringContaining('Non-Deterministic workflow detected'),
    });
  });
});
