import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { signIn } from './company.ts';
import { type Figure, inParallel, mebibytes, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal } from './portal.ts';
import { calm, closeStage, openStage, places, type Stage, seed } from './seed.ts';
import type { Tally } from './service-app.ts';
import { type Setup, type System, startSystem } from './system.ts';

/** Whole lives that are counted while the others stand. */
const lives = 5;
/** Seconds that such an access lasts. */
const duration = 8;
/** The reconciler runs at this second of each minute. */
const reconcilerSecond = 30;
/** For so long it may read. Milliseconds. */
const reading = 20_000;
/** What writing one beforehand, and arming one, takes at most. Milliseconds. */
const each = 5;
const arming = 4.5;
/** From the last that is armed to the first claim, for what is measured meanwhile. Milliseconds. */
const rest = 30_000;
const minute = 60_000;

/** What a request costs, in requests to others, in memory and in the task hub, and how that grows with those that stand. */
export async function measureCost(setup: Setup, counts = [100, 1_000, 10_000]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of counts) figures.push(...(await measure(setup, count)));
  return figures;
}

async function measure(setup: Setup, count: number): Promise<Figure[]> {
  const system = await startSystem(setup, lives, { databases: places.slice(1) });
  const mailbox = new Mailbox(system);
  let history: Figure[] = [];
  let stage: Stage | undefined;
  try {
    stage = await openStage(system);
    // What is loaded and compiled once is nobody's cost.
    await live(system, mailbox);
    await calm(stage);
    const empty = await system.memory();
    const lead = count * arming + rest;
    const deadline = Date.now() + count * each + 3 * minute + lead;
    const seeds = Array.from({ length: count }, (_, number) => ({ number, place: places[0] ?? '', deadline, lead }));
    await seed(stage, seeds);
    const waiting = await system.memory();

    await sleep(untilSecond(reconcilerSecond) + reading);
    const before = await tally(system);
    await live(system, mailbox);
    await calm(stage, count);
    const lived = minus(await tally(system), before);
    await sleep(untilSecond(reconcilerSecond) - 1_000);
    const idle = await tally(system);
    await sleep(reading);
    const reconciled = minus(await tally(system), idle);

    // Once more, since those lives have left something behind.
    const rested = await system.memory();
    if (Date.now() > deadline - lead) throw new Error('They were armed before they had been measured waiting.');
    await sleep(deadline - rest + 5_000 - Date.now());
    const armed = await system.memory();
    await system.stop((folder) => {
      history = historyIn(folder);
    });
    const standing = `${round(count)} standing`;
    const grows = (from: NodeJS.MemoryUsage, to: NodeJS.MemoryUsage) =>
      `${round((to.heapUsed - from.heapUsed) / count / 1024, 2)} KiB each (${mebibytes(from.heapUsed)} → ${mebibytes(to.heapUsed)})`;
    return [
      [`one life from asking to its deadline, ${standing}`, tell(lived, lives)],
      [`the reconciler's reading, each minute, ${standing}`, tell(reconciled, 1)],
      [`heap of a granted request that waits, history and all, ${standing}`, grows(empty, waiting)],
      [`more when it is armed, ${standing}`, grows(rested, armed)],
      ...history.map(([what, value]) => [`${what}, ${standing}`, value] as const),
    ];
  } finally {
    mailbox.close();
    if (stage) await closeStage(stage);
    await system.stop();
  }
}

/** Some people ask, are approved by mail, and keep their access until its deadline. */
async function live(system: System, mailbox: Mailbox): Promise<void> {
  const portal = new Portal(system);
  await inParallel(lives, lives, async (number) => {
    const { id } = await portal.ask(await signIn(system, number), duration);
    await portal.approve(await mailbox.link(id, 'bob@contoso.example'));
  });
  await sleep(duration * 1_000);
}

async function tally({ api }: System): Promise<Tally> {
  return (await (await fetch(`${api}/bench/tally`)).json()) as Tally;
}

const minus = (after: Tally, before: Tally): Tally => ({
  store: after.store - before.store,
  charge: after.charge - before.charge,
  database: after.database - before.database,
});

const tell = ({ store, charge, database }: Tally, parts: number) =>
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
    running ? 'task hub, armed' : 'task hub, a whole life',
    `${round(Number(bytes) / 1024, 1)} KiB of history in ${round(Number(turns), 1)} turns, ${round(Number(input) / 1024, 1)} KiB of input`,
  ]);
}
