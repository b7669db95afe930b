import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultAzureCredential } from '@azure/identity';
import mssql from 'mssql';
import { connectAs } from '../local/database.ts';
import { tokenFor } from '../local/people.ts';
import { openContainers } from '../shared/adapters/cosmos/client.ts';
import { createEventStore } from '../shared/adapters/cosmos/event-store.ts';
import { createRequestStore } from '../shared/adapters/cosmos/request-store.ts';
import { evolve } from '../shared/domain/access-request.ts';
import { link } from '../shared/domain/hash-chain.ts';
import { type PrincipalId, type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import { instantOf } from '../shared/domain/time.ts';
import { signIn } from './company.ts';
import { type Figure, inParallel, quantile, round } from './figures.ts';
import { Portal } from './portal.ts';
import { type Setup, type System, startSystem } from './system.ts';

type Way = 'alarm' | 'durable timer alone' | 'setTimeout, one by one';

/** So many at once are prepared, and how long one takes. Milliseconds. */
const atOnce = 16;
const each = 100;
/** From the last that is prepared to the first deadline: more than the timers are late. Milliseconds. */
const calm = 12_000;
const lead = 10_000;
const places = Array.from({ length: 20 }, (_, number) => (number === 0 ? 'orders' : `orders${number + 1}`));

interface Scene {
  readonly count: number;
  readonly databases: number;
  readonly way: Way;
  /** Milliseconds over which the deadlines are spread. */
  readonly spread?: number;
}

/** Lateness as the database saw it, in one run, of three ways to end what shares a deadline. */
export async function measureSharedDeadline(setup: Setup, counts = [1, 100, 1000]): Promise<Figure[]> {
  return measure(setup, 'exact', [
    ...[1, places.length].flatMap((databases) =>
      counts.flatMap((count) =>
        (['alarm', 'durable timer alone', 'setTimeout, one by one'] as const).map((way) => ({ count, databases, way })),
      ),
    ),
    { count: 1000, databases: 1, way: 'alarm', spread: 60_000 },
  ]);
}

/** The same where durable timers are as late as on Azure Storage, up to 25 s: the alarm is armed further ahead. */
export async function measureLateTimers(setup: Setup): Promise<Figure[]> {
  return measure(setup, 'azure-storage', [
    { count: 100, databases: 1, way: 'alarm' },
    { count: 100, databases: 1, way: 'durable timer alone' },
    { count: 1000, databases: 1, way: 'alarm' },
  ]);
}

async function measure(setup: Setup, timers: 'exact' | 'azure-storage', scenes: readonly Scene[]): Promise<Figure[]> {
  const most = Math.max(...scenes.map(({ count }) => count));
  const system = await startSystem(setup, most, { databases: places.slice(1), timers });
  const slack = timers === 'exact' ? { calm, lead } : { calm: 50_000, lead: 45_000 };
  try {
    const stage = await prepare(system);
    const figures: Figure[] = [];
    for (const scene of scenes) {
      const figure = [title(scene, timers), await play(stage, scene, slack)] as const;
      // It takes minutes: whoever watches sees how it goes.
      console.error(figure.join(': '));
      figures.push(figure);
    }
    return figures;
  } finally {
    await system.stop();
  }
}

const title = ({ count, databases, way, spread }: Scene, timers: string) =>
  `${round(count)} ${spread ? `spread over ${spread / 1000} s` : 'at one instant'}, ${databases} database${databases > 1 ? 's' : ''}, ${way}${timers === 'exact' ? '' : ', late timers'}`;

type Stage = Awaited<ReturnType<typeof prepare>>;

/** A request that was made over the API is the pattern for all others. */
async function prepare(system: System) {
  Object.assign(process.env, system.settings);
  const { api, authority, ports, settings } = system;
  const credential = new DefaultAzureCredential({
    authorityHost: settings.CURFEW_AUTHORITY_HOST ?? '',
    disableInstanceDiscovery: true,
  });
  const { CURFEW_COSMOS_ENDPOINT: endpoint = '', CURFEW_COSMOS_DATABASE: database = '' } = settings;
  const containers = openContainers({ endpoint, database, credential });
  const [events, requests] = [createEventStore(containers.events), createRequestStore(containers.requests)];
  const { id } = await new Portal(system).ask(await signIn(system, 0), 3600);
  const [first] = await events.read(id as RequestId);
  if (first?.event.type !== 'access-requested') throw new Error('There is no first event.');
  const pattern = first.event;
  const token = await tokenFor('carla', authority, 'https://database.windows.net/.default');
  const administrators = await Promise.all(places.map((place) => connectAs(token, ports.sql, place)));
  return {
    administrators,
    ports,
    token,
    /** Has it granted without an approver: its first event is written and its story started, as the API does. */
    async grant(number: number, deadline: number, place: string, lead: number) {
      const id = requestIdOf(randomBytes(16));
      const { terms, requester } = pattern;
      const startsAt = Date.now() + 100;
      const event = {
        ...pattern,
        at: instantOf(Date.now()),
        requester: { ...requester, ...analyst(number) },
        revocation: { lead, longestPause: 60_000 },
        terms: {
          ...terms,
          stages: [],
          startsAt: instantOf(startsAt),
          duration: deadline - startsAt,
          automatic: { name: 'bench', requesters: terms.requesters },
          entitlements: terms.entitlements.map((entitlement) => ({ ...entitlement, database: place })),
        },
      };
      const recorded = link(id, undefined, event);
      await events.append(recorded);
      await requests.save(evolve(undefined, id, event));
      const response = await fetch(`${api}/bench/start`, { method: 'POST', body: JSON.stringify({ first: recorded }) });
      if (!response.ok) throw new Error(`The story was not started: ${response.status}`);
      return id;
    },
  };
}

function analyst(number: number) {
  const userPrincipalName = `analyst${String(number).padStart(4, '0')}@contoso.example`;
  const principalId = `e0000000-0000-4000-8000-${String(number).padStart(12, '0')}` as PrincipalId;
  return { principalId, userPrincipalName, displayName: `Analyst ${number}`, mail: userPrincipalName };
}

async function play(stage: Stage, scene: Scene, slack: { calm: number; lead: number }): Promise<string> {
  const { count, databases, way, spread = 0 } = scene;
  const marks = await Promise.all(stage.administrators.map(lastEntry));
  const begun = Date.now();
  const first = begun + count * each + slack.calm + (way === 'setTimeout, one by one' ? 0 : 3_000);
  const deadlineOf = (number: number) => first + Math.floor((spread * number) / count);
  const placeOf = (number: number) => places[number % databases] ?? 'orders';
  if (way === 'setTimeout, one by one') {
    const pools = await grantOutright(stage, scene);
    const drops = Array.from({ length: count }, (_, number) =>
      dropAt(pools[number % databases], number, deadlineOf(number)),
    );
    await Promise.all(drops);
    await Promise.all(pools.map((pool) => pool.close()));
  } else {
    await inParallel(count, atOnce, (number) =>
      stage.grant(number, deadlineOf(number), placeOf(number), way === 'alarm' ? slack.lead : 0),
    );
    if (Date.now() > first - slack.calm + 3_000) return 'not all were granted in time';
    await sleep(first + spread + 2_000 - Date.now());
  }
  const late = await lateness();
  const early = late.filter((ms) => ms < 0).length;
  const [p50, p99] = [quantile(late, 0.5), quantile(late, 0.99)];
  return `median ${round(p50, 1)} ms, p99 ${round(p99, 1)} ms, max ${round(Math.max(...late), 1)} ms; early ${early}${late.length === count ? '' : `; ${late.length} of ${count}`}`;

  /** Waits until all are dropped, for as long as a minute and a half. */
  async function lateness(): Promise<number[]> {
    const giveUp = Date.now() + 90_000;
    for (;;) {
      const found = await Promise.all(stage.administrators.map((pool, index) => dropsSince(pool, marks[index] ?? 0)));
      const all = found.flat().map(({ at, member }) => at - deadlineOf(Number(/\d+/.exec(member)?.[0] ?? 0)));
      if (all.length >= count || Date.now() > giveUp) return all;
      await sleep(500);
    }
  }
}

async function grantOutright({ administrators, token, ports }: Stage, { count, databases }: Scene) {
  const byPlace = Map.groupBy(
    Array.from({ length: count }, (_, number) => number),
    (number) => number % databases,
  );
  for (const [index, numbers] of byPlace) {
    const text = numbers.map((number) => {
      const { userPrincipalName: name } = analyst(number);
      return `IF DATABASE_PRINCIPAL_ID(N'${name}') IS NULL CREATE USER [${name}] WITHOUT LOGIN; ALTER ROLE orders_reader ADD MEMBER [${name}];`;
    });
    await administrators[index]?.request().batch(`BEGIN TRANSACTION; ${text.join('\n')} COMMIT TRANSACTION;`);
  }
  return Promise.all(
    places.slice(0, databases).map((database) =>
      new mssql.ConnectionPool({
        server: 'localhost',
        port: ports.sql,
        database,
        authentication: { type: 'azure-active-directory-access-token', options: { token } },
        pool: { min: 10, max: 10 },
        options: { encrypt: true },
      }).connect(),
    ),
  );
}

/** The floor of doing it one by one. */
async function dropAt(pool: mssql.ConnectionPool | undefined, number: number, deadline: number): Promise<void> {
  await sleep(deadline - Date.now());
  while (Date.now() < deadline) await sleep(1);
  await pool?.request().batch(`ALTER ROLE orders_reader DROP MEMBER [${analyst(number).userPrincipalName}]`);
}

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
