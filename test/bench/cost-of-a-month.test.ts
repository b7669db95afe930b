import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { breakEven, costs, figures, inputs, priceList } from '../../bench/cost-of-a-month.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { record } from '../replay/history.ts';
import { stories as lifecycles } from '../replay/stories.ts';
import { createWorld } from '../support/world.ts';

const read = (path: string) => readFileSync(path, 'utf8');
const expire = lifecycles.expire ?? (() => expect.unreachable());

test('docs/cost.md has what bench/cost-of-a-month.ts prints', () => {
  const page = read('docs/cost.md');
  for (const part of [costs, breakEven(), inputs, priceList]) expect(page).toContain(part);
});

test('what it takes from the bench stands there', () => {
  const bench = read('bench/README.md');
  expect(bench).toContain(`one lifecycle up to its deadline, 100 standing | apart | ${figures.life.is} RU `);
  const [, history, input] =
    /task hub, a whole lifecycle, 100 standing \| apart \| ([\d.]+) KiB .*, ([\d.]+) KiB of input/.exec(bench) ?? [];
  expect(Number(history) + Number(input)).toBeCloseTo(figures.history.is);
  const readings = bench.matchAll(/reading, each minute, ([\d,]+) standing \| apart \| ([\d.,]+) RU/g);
  for (const [, standing, units = ''] of readings) {
    expect(inputs).toContain(
      `| ${units.replaceAll(',', '')} | request units that the reconciler reads each minute, ${standing} `,
    );
  }
});

test('what it counts is what happens', async () => {
  const [recording] = await record(expire);
  const types = recording?.turns.flatMap(({ history }) => history.map(({ EventType }) => EventType)) ?? [];
  const countOf = (type: number) => types.filter((each) => each === type).length;
  const world = createWorld();
  await expire(world);
  const kept = JSON.stringify([...world.events.chains.values(), ...world.requests.all.values()]).length / 1024;
  const mails = world.notifier.sent.reduce((sum, mail) => sum + JSON.stringify(mail).length / 1024, 0);
  expect({
    turns: countOf(12),
    activities: countOf(4),
    timers: countOf(10),
    events: countOf(15),
    mails: world.notifier.sent.length,
    mail: Math.round(mails / world.notifier.sent.length),
    kept: Math.round(kept * 2) / 2,
  }).toEqual(
    Object.fromEntries(
      (['turns', 'activities', 'timers', 'events', 'mails', 'mail', 'kept'] as const).map((name) => [
        name,
        figures[name].is,
      ]),
    ),
  );
  world.close();
});

test('what it says is deployed is', () => {
  const { partitionCount, maxQueuePollingInterval } = (
    JSON.parse(read('host.json')) as {
      extensions: { durableTask: { storageProvider: { partitionCount: number; maxQueuePollingInterval: string } } };
    }
  ).extensions.durableTask.storageProvider;
  const host = read('infra/host.bicep');
  const every = [...read('infra/monitoring.bicep').matchAll(/ every: '(PT\dM)'/g)].map(([, each]) => each);
  expect(timeline.feedOpenMs).toBe(figures.feedOpen.is * 1_000);
  expect({
    memory: Number(/instanceMemoryMB: (\d+)/.exec(host)?.[1]) / 1024,
    always: /instanceCount: (\d+)/.exec(host)?.[1],
    // The control queues, and one of work.
    queues: partitionCount + 1,
    interval: maxQueuePollingInterval,
    alerts: [
      every.filter((each) => each === 'PT1M').length,
      every.filter((each) => each === 'PT5M').length,
      every.length,
    ],
  }).toEqual({
    memory: figures.memory.is,
    always: '1',
    queues: figures.queues.is,
    interval: '00:00:01',
    alerts: [figures.minuteAlerts.is, figures.alerts.is, figures.minuteAlerts.is + figures.alerts.is],
  });
});
