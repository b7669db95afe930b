import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeline } from '../shared/domain/timeline.ts';
import { signIn } from './company.ts';
import { type Figure, inParallel, mebibytes, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal } from './portal.ts';
import { awaitIdle, closeFixture, databases, type Fixture, openFixture, seed } from './seed.ts';
import type { Tally } from './service-app.ts';
import { type Setup, type System, startSystem } from './system.ts';

/** Lifecycles that are counted while the other requests wait. */
const counted = 5;
/** Seconds that such an access lasts. */
const duration = 8;
/** The reconciler runs at this second of each minute. */
const reconcilerSecond = 30;
/** For so long it may read. Milliseconds. */
const reading = 20_000;
/** What writing one beforehand, and arming one from the store, takes at most. Milliseconds. */
const writingMs = 5;
const armingMs = 1;
const minute = 60_000;

/** Measures what a request costs in calls to other systems, in memory and in the task hub, and how that grows with those that wait. */
export async function measureCost(setup: Setup, counts = [100, 1_000, 10_000]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of counts) figures.push(...(await measure(setup, count)));
  return figures;
}

async function measure(setup: Setup, count: number): Promise<Figure[]> {
  const system = await startSystem(setup, counted, { databases: databases.slice(1) });
  const mailbox = new Mailbox(system);
  let history: Figure[] = [];
  let fixture: Fixture | undefined;
  try {
    fixture = await openFixture(system);
    // What is loaded and compiled once is no request's cost.
    await live(system, mailbox);
    await awaitIdle(fixture);
    const empty = await system.memory();
    // The minute timer arms all of them in one of its runs, and none before.
    const arming = Math.ceil((Date.now() + count * writingMs + 4.5 * minute) / minute) * minute;
    const deadline = arming + timeline.feedAheadMs - 1_000;
    const seeds = Array.from({ length: count }, (_, number) => ({
      number,
      database: 'orders',
      deadline,
      isScheduled: true,
    }));
    await seed(fixture, seeds);
    const waiting = await system.memory();

    await sleep(untilSecond(reconcilerSecond) + reading);
    const before = await tally(system);
    await live(system, mailbox);
    await awaitIdle(fixture, count);
    const lived = minus(await tally(system), before);
    await sleep(untilSecond(reconcilerSecond) - 1_000);
    const idle = await tally(system);
    await sleep(reading);
    const reconciled = minus(await tally(system), idle);

    // Once more, since those lifecycles have left something behind.
    const rested = await leastMemory(system);
    if (Date.now() > arming) throw new Error('They were armed before they had been measured waiting.');
    await sleep(arming + 8_000 + count * armingMs - Date.now());
    const armed = await leastMemory(system);
    if (Date.now() > deadline - timeline.claimWindowMs) throw new Error('They were claimed before they were measured.');
    await system.stop((folder) => {
      history = historyIn(folder);
    });
    const waitingCount = `${round(count)} standing`;
    const grows = (from: NodeJS.MemoryUsage, to: NodeJS.MemoryUsage) =>
      `${round((to.heapUsed - from.heapUsed) / count / 1024, 2)} KiB each (${mebibytes(from.heapUsed)} → ${mebibytes(to.heapUsed)})`;
    return [
      [`one lifecycle up to its deadline, ${waitingCount}`, describe(lived, counted)],
      [`the reconciler's reading, each minute, ${waitingCount}`, describe(reconciled, 1)],
      [`heap of a granted request that waits, history and all, ${waitingCount}`, grows(empty, waiting)],
      [`more when it is armed, ${waitingCount}`, grows(rested, armed)],
      ...history.map(([what, value]) => [`${what}, ${waitingCount}`, value] as const),
    ];
  } finally {
    mailbox.close();
    if (fixture) await closeFixture(fixture);
    await system.stop();
  }
}

/** Requests are submitted, approved by mail, and granted until their deadline. */
async function live(system: System, mailbox: Mailbox): Promise<void> {
  const portal = new Portal(system);
  await inParallel(counted, counted, async (number) => {
    const { id } = await portal.ask(await signIn(system, number), duration);
    await portal.approve(await mailbox.link(id, 'bob@contoso.example'));
  });
  await sleep(duration * 1_000);
}

/** The least of several measurements, seconds apart: clients keep the answers to a query for a while. */
async function leastMemory(system: System): Promise<NodeJS.MemoryUsage> {
  let least = await system.memory();
  for (let round = 1; round < 4; round++) {
    await sleep(3_000);
    const memory = await system.memory();
    if (memory.heapUsed < least.heapUsed) least = memory;
  }
  return least;
}

async function tally({ api }: System): Promise<Tally> {
  return (await (await fetch(`${api}/bench/tally`)).json()) as Tally;
}

const minus = (after: Tally, before: Tally): Tally => ({
  store: after.store - before.store,
  charge: after.charge - before.charge,
  database: after.database - before.database,
});

const describe = ({ store, charge, database }: Tally, parts: number) =>
  `${round(charge / parts, 1)} RU in ${round(store / parts, 1)} requests to Cosmos DB, ${round(database / parts, 1)} round trips to SQL`;

/** Milliseconds until that second of a minute. */
const untilSecond = (second: number) => (minute + second * 1_000 - (Date.now() % minute)) % minute;

/** What the task hub keeps of an instance: its history, and its input beside it. */
function historyIn(folder: string): Figure[] {
  const hub = new DatabaseSync(join(folder, 'durable.sqlite'));
  const rows = hub
    .prepare(
      `SELECT status = 'Running' AS running, count(*) AS instances, avg(input) AS input, avg(bytes) AS bytes, avg(turns) AS turns
      FROM (SELECT i.status, length(i.input) AS input, sum(length(t.events)) AS bytes, count(*) AS turns
        FROM instance AS i JOIN turn AS t ON t.instance = i.id WHERE i.status IN ('Running', 'Completed') GROUP BY i.id)
      GROUP BY running ORDER BY running`,
    )
    .all();
  hub.close();
  return rows.map(({ running, input, bytes, turns }) => [
    running ? 'task hub, granted' : 'task hub, a whole lifecycle',
    `${round(Number(bytes) / 1024, 1)} KiB of history in ${round(Number(turns), 1)} turns, ${round(Number(input) / 1024, 1)} KiB of input`,
  ]);
}
