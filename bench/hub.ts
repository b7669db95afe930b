import type { InstanceCounters, StepPreset } from '../local/functions-host/index.ts';
import { type Figure, quantile, round } from './figures.ts';
import { type HubTime, realTime, virtualTime } from './hub-time.ts';
import { openHubWorld } from './hub-world.ts';

const hourMs = 3_600_000;
/** On the clock of this machine an access can't last for an hour. It lasts for as long as granting and claiming all takes at most. */
const shortMs = 10_000;
const grantingMs = 10;
/** From the start of the granted lifecycles to their deadline: for one, and more for each. Milliseconds. */
const restMs = 15_000;
const startingMs = 15;
const warmUps = 50;

/** What a lifecycle gives the task hub to do. */
type Work = Pick<InstanceCounters, 'turns' | 'activities' | 'timers' | 'events'>;

/**
 * Requests to Azure Tables, after DurableTask.AzureStorage 2: a turn reads the history, appends to it in one batch, and writes the
 * row of the instance. The start reads that row in the client and in the worker, and writes it; a raised event reads it.
 */
export const tableOperations = ({ turns, events }: Work) => 3 * turns + 3 + events;

/**
 * Requests to Azure Queues. A message is put, fetched and deleted: the start, an event, a timer when it fires, even where it was cancelled, and
 * an activity twice, for its call and its result. Renewals, empty polls, and fetches shared by several messages are not counted.
 */
export const queueOperations = ({ activities, timers, events }: Work) => 3 * (1 + events + timers + 2 * activities);

/**
 * Measures what lifecycles cost the task hub, and how long they wait for it: with the times of the real hub on a virtual clock, where
 * what this machine computes takes no time, and without such times on its own clock, where nothing else takes any.
 */
export async function measureHub(counts = [1, 100, 1_000]): Promise<Figure[]> {
  const figures: Figure[] = [];
  await measureLifecycles(realTime(), 'none', warmUps);
  for (const count of counts) {
    for (const [steps, time] of [['measured', virtualTime] as const, ['none', realTime] as const]) {
      const some = [...(await measureLifecycles(time(), steps, count)), await measureRevocations(time(), steps, count)];
      for (const figure of some) console.error(figure.join(': '));
      figures.push(...some);
    }
  }
  return figures;
}

/** Whole lifecycles, all submitted at once. Those on the virtual clock last an hour, as most do, and are counted. */
async function measureLifecycles(time: HubTime, steps: StepPreset, count: number): Promise<Figure[]> {
  const world = openHubWorld(time, steps, count);
  try {
    const isCounted = steps === 'measured';
    const ids = await world.submitAll(isCounted ? hourMs : shortMs + count * grantingMs);
    await world.finish(2 * hourMs);
    const all = ids.flatMap((id) => world.engine.measure(id) ?? []);
    const mean = (of: (counters: InstanceCounters) => number) =>
      round(all.reduce((sum, counters) => sum + of(counters), 0) / all.length, 1);
    const atOnce = `${round(count)} at once`;
    const delays = [...world.courses.values()].map(({ submitted, granted = Number.NaN }) => granted - submitted);
    return [
      ...(isCounted
        ? ([
            [`activities per lifecycle, ${atOnce}`, mean(({ activities }) => activities)],
            [`turns per lifecycle, ${atOnce}`, mean(({ turns }) => turns)],
            [`history per lifecycle, ${atOnce}`, `${mean(({ historyBytes }) => historyBytes)} bytes`],
            [`timers per lifecycle, ${atOnce}`, mean(({ timers }) => timers)],
            [`table operations per lifecycle, estimated, ${atOnce}`, mean(tableOperations)],
            [`queue operations per lifecycle, estimated, ${atOnce}`, mean(queueOperations)],
          ] as const)
        : []),
      [`from submission to granted, steps ${steps}, ${atOnce}`, describe(delays)],
    ];
  } finally {
    world.close();
  }
}

/** Grants with one deadline. */
async function measureRevocations(time: HubTime, steps: StepPreset, count: number): Promise<Figure> {
  const world = openHubWorld(time, steps, count);
  try {
    const deadline = time.host.now() + restMs + count * startingMs;
    await world.startGranted(deadline);
    await world.finish(hourMs);
    const courses = [...world.courses.values()];
    const early = courses.filter(({ dropped = 0 }) => dropped < deadline).length;
    if (early > 0) throw new Error(`${early} were revoked early, or at no known time.`);
    const delays = courses.map(({ dropped = 0, revocationRecorded = Number.NaN }) => revocationRecorded - dropped);
    return [`from drop to access-revoked recorded, steps ${steps}, ${round(count)} on one deadline`, describe(delays)];
  } finally {
    world.close();
  }
}

const describe = (delays: readonly number[]) =>
  `median ${round(quantile(delays, 0.5))} ms, p99 ${round(quantile(delays, 0.99))} ms, max ${round(Math.max(...delays))} ms`;
