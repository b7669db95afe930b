import { setTimeout as sleep } from 'node:timers/promises';
import mssql from 'mssql';
import { timeline } from '../shared/domain/timeline.ts';
import { changesSince, lastEntry } from './audit.ts';
import { describeLateness, round } from './figures.ts';
import { addMembers, analystOf, databases, type Fixture, type Seed, seed } from './seed.ts';

export type Way = 'deadline scheduler' | 'durable timer alone' | 'setTimeout, one by one';

/** What writing one, and arming one from the store, takes at most, with many. Milliseconds. */
const writingMs = 5;
const armingMs = 2;
/** A revocation that is later than this is not waited for. Milliseconds. */
const limitMs = 30_000;
/** The memberships that are given by hand are those of analysts without a request: the reconciler would end those of an ended one. */
const firstByHand = 50_000;

/** Grants that end together, and the way in which they end. */
export interface Scene {
  readonly count: number;
  readonly databases: number;
  readonly way: Way;
  /** Milliseconds over which the deadlines are spread. */
  readonly spread?: number;
  /** So long before the deadline the process that armed it is killed, and another is started. Milliseconds. */
  readonly killedBefore?: number;
}

export const title = ({ count, databases: some, way, spread, killedBefore }: Scene) =>
  [
    `${round(count)} ${spread ? `spread over ${spread / 1_000} s` : 'at one instant'}`,
    `${some} database${some > 1 ? 's' : ''}`,
    way,
    ...(killedBefore === undefined ? [] : [`killed ${killedBefore / 1_000} s before`]),
  ].join(', ');

/** Plays a scene and returns its figure: how late the revocations were by the database's audit. */
export async function play(fixture: Fixture, scene: Scene): Promise<string> {
  const { count, way, spread = 0, killedBefore } = scene;
  const { administrators, system } = fixture;
  const entries = await Promise.all(administrators.map(lastEntry));
  const prepared = Date.now() + 3_000 + count * writingMs;
  const first = prepared + leadTimeMs(scene);
  const isByHand = way === 'setTimeout, one by one';
  const from = isByHand ? firstByHand : 0;
  const members: readonly Seed[] = Array.from({ length: count }, (_, number) => ({
    number: from + number,
    database: databases[number % scene.databases] ?? 'orders',
    deadline: first + Math.floor((spread * number) / count),
    isScheduled: way === 'deadline scheduler',
  }));
  const pools = isByHand ? await openPools(fixture, scene.databases) : [];
  if (isByHand) await addMembers(fixture, members);
  else await seed(fixture, members);
  if (Date.now() > prepared) return 'not all were prepared in time';
  if (way === 'deadline scheduler') system.arm();
  // The garbage of making them is the bench's own.
  await system.memory();
  let downMs: number | undefined;
  if (isByHand) {
    await Promise.all(
      members.map(({ number, deadline }) => dropAt(pools[(number - from) % scene.databases], number, deadline)),
    );
    await Promise.all(pools.map((pool) => pool.close()));
  } else if (killedBefore !== undefined) {
    await sleep(first - killedBefore - Date.now());
    downMs = await system.killAndRestart();
  }
  await sleep(Math.max(0, first + spread + 500 - Date.now()));
  const late = await latenesses();
  const missing = Array.from({ length: count - late.length }, () => Number.POSITIVE_INFINITY);
  const figure = describeLateness([...late, ...missing], limitMs);
  return downMs === undefined ? figure : `${figure}; down for ${round(downMs / 1_000, 1)} s`;

  async function latenesses(): Promise<number[]> {
    const giveUp = first + spread + limitMs;
    for (;;) {
      const found = await Promise.all(
        administrators.map((pool, index) => changesSince(pool, entries[index] ?? 0, 'ALTER ROLE DROP MEMBER')),
      );
      const all = found.flat().flatMap(({ at, member }) => {
        const deadline = members[Number(/\d+/.exec(member)?.[0]) - from]?.deadline;
        return deadline === undefined ? [] : [at - deadline];
      });
      if (all.length >= count || Date.now() > giveUp) return all;
      await sleep(1_000);
    }
  }
}

/** From the last that is written to the first deadline, so that all are armed before their claims begin. */
function leadTimeMs({ count, way, killedBefore = 0 }: Scene): number {
  if (way !== 'deadline scheduler') return 10_000;
  const claimsMs = timeline.lastClaimMs + timeline.clockSkewMs + timeline.claimTimeMs * count;
  return Math.max(10_000, killedBefore + 5_000, Math.min(claimsMs, timeline.claimWindowMs) + 3_000) + count * armingMs;
}

function openPools({ token, ports }: Fixture, count: number) {
  return Promise.all(
    databases.slice(0, count).map((database) =>
      new mssql.ConnectionPool({
        server: 'localhost',
        port: ports.sql,
        database,
        authentication: { type: 'azure-active-directory-access-token', options: { token } },
        pool: { min: 10, max: 10, acquireTimeoutMillis: 2 * limitMs },
        options: { encrypt: true },
      }).connect(),
    ),
  );
}

/** The floor of revoking one by one. */
async function dropAt(pool: mssql.ConnectionPool | undefined, number: number, deadline: number): Promise<void> {
  await sleep(deadline - Date.now());
  while (Date.now() < deadline) await sleep(1);
  await pool?.request().batch(dropStatement(number));
}

const dropStatement = (number: number) =>
  `ALTER ROLE orders_reader DROP MEMBER [${analystOf(number).userPrincipalName}];`;

/** What is loaded and compiled once is not to be the lateness of the first scene. */
export async function warmUp(fixture: Fixture): Promise<void> {
  const members = Array.from({ length: 1_000 }, (_, number) => ({ number: firstByHand + number, database: 'orders' }));
  const drops = members.map(({ number }) => dropStatement(number)).join('\n');
  for (let round = 0; round < 5; round++) {
    await addMembers(fixture, members);
    await fixture.administrators[0]?.request().batch(`BEGIN TRANSACTION; ${drops} COMMIT TRANSACTION;`);
  }
}
