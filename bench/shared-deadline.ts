import { play, type Scene, title, type Way, warmUp } from './deadline-scene.ts';
import type { Figure } from './figures.ts';
import { awaitIdle, closeFixture, databases, type Fixture, openFixture } from './seed.ts';
import { type Setup, startSystem, type Variant } from './system.ts';

const ways: readonly Way[] = ['deadline scheduler', 'durable timer alone', 'setTimeout, one by one'];

/** From so many on, orchestrations still run for minutes after the figure is known: the next scene gets a fresh system. */
const crowd = 1_000;

/** Apart by what divides no interval of the service's, or one would meet what is done after another. */
const singles = { count: 100, spread: 100 * 870 };

/** Measures how late shared deadlines are kept, in three ways. */
export async function measureSharedDeadline(setup: Setup, counts = [100, 1_000, 10_000]): Promise<Figure[]> {
  const crowds = [
    { ...singles, databases: 1 },
    ...[1, databases.length].flatMap((some) => counts.map((count) => ({ count, databases: some }))),
  ];
  const scenes = crowds.flatMap((one) => ways.map((way) => ({ ...one, way })));
  return measure(setup, {}, [...scenes, { count: 1_000, databases: 1, way: 'deadline scheduler', spread: 60_000 }]);
}

/** Measures the same where each durable timer is late, by up to 30 s. */
export async function measureLateTimers(setup: Setup, counts = [100, 1_000]): Promise<Figure[]> {
  const crowds = [singles, ...counts.map((count) => ({ count }))];
  const scenes = crowds.map((one) => ({ ...one, databases: 1, way: 'deadline scheduler' as const }));
  const alone = { count: 100, databases: 1, way: 'durable timer alone' } as const;
  return measure(setup, { timers: 'late' }, [...scenes, alone], ', timers up to 30 s late');
}

/** Measures how late the revocations are where the process that armed them is killed shortly before the deadline. */
export async function measureKilled(counts = [1, 100, 500]): Promise<Figure[]> {
  const scenes = counts.flatMap((count) =>
    [12_000, 6_000, 4_000, 1_000].map((killedBefore) => ({
      count,
      databases: 1,
      way: 'deadline scheduler' as const,
      killedBefore,
    })),
  );
  return measure('apart', {}, scenes);
}

async function measure(setup: Setup, variant: Variant, scenes: readonly Scene[], circumstance = ''): Promise<Figure[]> {
  const figures: Figure[] = [];
  let fixture: Fixture | undefined;
  try {
    for (const scene of scenes) {
      fixture ??= await open(setup, { ...variant, databases: databases.slice(1) });
      const figure = [title(scene) + circumstance, await play(fixture, scene)] as const;
      // All scenes take minutes: standard error shows each as soon as it is known.
      console.error(figure.join(': '));
      figures.push(figure);
      if (scene.count < crowd) await awaitIdle(fixture);
      else {
        await close(fixture);
        fixture = undefined;
      }
    }
    return figures;
  } finally {
    if (fixture) await close(fixture);
  }
}

async function open(setup: Setup, variant: Variant): Promise<Fixture> {
  const fixture = await openFixture(await startSystem(setup, 1, variant));
  await warmUp(fixture);
  for (const some of [databases.length, 1]) {
    await play(fixture, { count: 400, databases: some, way: 'deadline scheduler' });
    await awaitIdle(fixture);
  }
  return fixture;
}

async function close(fixture: Fixture): Promise<void> {
  await closeFixture(fixture);
  await fixture.system.stop();
}
