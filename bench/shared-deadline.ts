import { setTimeout as sleep } from 'node:timers/promises';
import mssql from 'mssql';
import { type Figure, quantile, round } from './figures.ts';
import { addMembers, analystOf, calm, closeStage, openStage, places, type Stage, seed } from './seed.ts';
import { type Setup, startSystem, type Variant } from './system.ts';

type Way = 'alarm' | 'durable timer alone' | 'setTimeout, one by one';
const ways: readonly Way[] = ['alarm', 'durable timer alone', 'setTimeout, one by one'];

/** What preparing one takes at most, with many. Milliseconds. */
const each = 5;
/** What arming and claiming one take at most, one core doing both. The lead of a crowd is the longer for it. Milliseconds. */
const arming = 9;
/** From what is late by more than this nothing more is waited for. Milliseconds. */
const patience = 30_000;
/** So many stories still go on for minutes after the figure is known. */
const crowd = 1_000;

interface Scene {
  readonly count: number;
  readonly databases: number;
  readonly way: Way;
  /** Milliseconds over which the deadlines are spread. */
  readonly spread?: number;
}

/** Apart by what is no part of any lead or pause of the service's, or one would meet the chores of another. */
const singles = { count: 100, spread: 100 * 870 };
/** What was given by hand is nobody's who has asked: their requests have ended, and the reconciler would end it. */
const strangers = 50_000;

/** Lateness as the database saw it, in one run, of three ways to end what shares a deadline. */
export async function measureSharedDeadline(setup: Setup, counts = [100, 1_000, 10_000]): Promise<Figure[]> {
  const crowds = [
    { ...singles, databases: 1 },
    ...[1, places.length].flatMap((databases) => counts.map((count) => ({ count, databases }))),
  ];
  const scenes = crowds.flatMap((one) => ways.map((way) => ({ ...one, way })));
  return measure(setup, 'exact', [...scenes, { count: 1000, databases: 1, way: 'alarm', spread: 60_000 }]);
}

/** The same where each durable timer is late, by up to 30 s: the alarm is armed further ahead. */
export async function measureLateTimers(setup: Setup, counts = [100, 1_000]): Promise<Figure[]> {
  const crowds = [singles, ...counts.map((count) => ({ count }))];
  const scenes = crowds.map((one) => ({ ...one, databases: 1, way: 'alarm' as const }));
  return measure(setup, 'late', [...scenes, { count: 100, databases: 1, way: 'durable timer alone' }]);
}

async function measure(setup: Setup, timers: 'exact' | 'late', scenes: readonly Scene[]): Promise<Figure[]> {
  const variant = { databases: places.slice(1), timers } satisfies Variant;
  const figures: Figure[] = [];
  let stage: Stage | undefined;
  try {
    for (const scene of scenes) {
      stage ??= await warmUp(await openStage(await startSystem(setup, 1, variant)));
      const figure = [title(scene, timers), await play(stage, scene, timers)] as const;
      // It takes minutes: whoever watches sees how it goes.
      console.error(figure.join(': '));
      figures.push(figure);
      if (scene.count < crowd) await calm(stage);
      else {
        await close(stage);
        stage = undefined;
      }
    }
    return figures;
  } finally {
    if (stage) await close(stage);
  }
}

/** What is loaded and compiled once is not to be the lateness of the first. */
async function warmUp(stage: Stage): Promise<Stage> {
  const strange = Array.from({ length: 1_000 }, (_, number) => ({ number: strangers + number, place: 'orders' }));
  const drops = strange.map(({ number }) => dropOf(number)).join('\n');
  for (let round = 0; round < 5; round++) {
    await addMembers(stage, strange);
    await stage.administrators[0]?.request().batch(`BEGIN TRANSACTION; ${drops} COMMIT TRANSACTION;`);
  }
  for (const databases of [places.length, 1]) {
    await play(stage, { count: 400, databases, way: 'alarm' }, 'exact');
    await calm(stage);
  }
  return stage;
}

async function close(stage: Stage): Promise<void> {
  await closeStage(stage);
  await stage.system.stop();
}

const title = ({ count, databases, way, spread }: Scene, timers: string) =>
  `${round(count)} ${spread ? `spread over ${spread / 1000} s` : 'at one instant'}, ${databases} database${databases > 1 ? 's' : ''}, ${way}${timers === 'exact' ? '' : ', timers up to 30 s late'}`;

async function play(stage: Stage, scene: Scene, timers: 'exact' | 'late'): Promise<string> {
  const { count, databases, way, spread = 0 } = scene;
  const marks = await Promise.all(stage.administrators.map(lastEntry));
  const longest = Math.max(timers === 'late' ? 45_000 : 10_000, count * arming);
  // Those that aren't armed are at rest for as long as the fewest.
  const lead = way === 'alarm' ? longest : 10_000;
  const prepared = Date.now() + 3_000 + count * each;
  const first = prepared + lead;
  const isByHand = way === 'setTimeout, one by one';
  const from = isByHand ? strangers : 0;
  const members = Array.from({ length: count }, (_, number) => ({
    number: from + number,
    place: places[number % databases] ?? 'orders',
    deadline: first + Math.floor((spread * number) / count),
  }));
  const pools = isByHand ? await openPools(stage, databases) : [];
  if (isByHand) await addMembers(stage, members);
  else
    await seed(
      stage,
      members.map((member) => ({ ...member, lead: way === 'alarm' ? lead : 0 })),
    );
  if (Date.now() > prepared) return 'not all were prepared in time';
  // What making them has left is the bench's own garbage.
  await stage.system.memory();
  if (isByHand) {
    await Promise.all(
      members.map(({ number, deadline }) => dropAt(pools[(number - from) % databases], number, deadline)),
    );
    await Promise.all(pools.map((pool) => pool.close()));
  }
  await sleep(first + spread + 500 - Date.now());
  const late = await lateness();
  const missing = count - late.length;
  const all = [...late, ...Array.from({ length: missing }, () => Number.POSITIVE_INFINITY)];
  const tell = (ms: number) => (Number.isFinite(ms) ? `${round(ms, 1)} ms` : `over ${patience / 1000} s`);
  return [
    `median ${tell(quantile(all, 0.5))}, p99 ${tell(quantile(all, 0.99))}, max ${tell(Math.max(...all))}`,
    `least ${tell(Math.min(...all))}, early ${late.filter((ms) => ms < 0).length}`,
    ...(missing > 0 ? [`${round(missing)} not waited for`] : []),
  ].join('; ');

  async function lateness(): Promise<number[]> {
    const giveUp = first + spread + patience;
    for (;;) {
      const found = await Promise.all(stage.administrators.map((pool, index) => dropsSince(pool, marks[index] ?? 0)));
      const all = found.flat().flatMap(({ at, member }) => {
        const deadline = members[Number(/\d+/.exec(member)?.[0]) - from]?.deadline;
        return deadline === undefined ? [] : [at - deadline];
      });
      if (all.length >= count || Date.now() > giveUp) return all;
      await sleep(1_000);
    }
  }
}
function openPools({ token, ports }: Stage, databases: number) {
  return Promise.all(
    places.slice(0, databases).map((database) =>
      new mssql.ConnectionPool({
        server: 'localhost',
        port: ports.sql,
        database,
        authentication: { type: 'azure-active-directory-access-token', options: { token } },
        pool: { min: 10, max: 10, acquireTimeoutMillis: 2 * patience },
        options: { encrypt: true },
      }).connect(),
    ),
  );
}

/** The floor of doing it one by one. */
async function dropAt(pool: mssql.ConnectionPool | undefined, number: number, deadline: number): Promise<void> {
  await sleep(deadline - Date.now());
  while (Date.now() < deadline) await sleep(1);
  await pool?.request().batch(dropOf(number));
}

const dropOf = (number: number) => `ALTER ROLE orders_reader DROP MEMBER [${analystOf(number).userPrincipalName}];`;

async function lastEntry(pool: mssql.ConnectionPool): Promise<number> {
  const { recordset } = await pool.request().query<{ last: number }>('SELECT MAX(id) AS last FROM standin.audit');
  return recordset[0]?.last ?? 0;
}

/** The instants of the commits, by the database's own clock. */
async function dropsSince(pool: mssql.ConnectionPool, mark: number): Promise<{ at: number; member: string }[]> {
  const { recordset } = await pool
    .request()
    .input('mark', mssql.Int, mark)
    .query<{ at: number; member: string }>(
      "SELECT at, member FROM standin.audit WHERE id > @mark AND action = 'ALTER ROLE DROP MEMBER' AND succeeded = 1",
    );
  return recordset;
}
