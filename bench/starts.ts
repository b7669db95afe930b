import { setTimeout as sleep } from 'node:timers/promises';
import { connectAs } from '../local/database.ts';
import { tokenFor } from '../local/people.ts';
import { changesSince, lastEntry } from './audit.ts';
import { signIn } from './company.ts';
import { describeLateness, type Figure, inParallel, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal } from './portal.ts';
import { type Setup, startSystem } from './system.ts';

const atOnce = 16;
/** What submitting and approving one takes at most. Milliseconds. */
const bookingMs = 500;
/** A start that is later than this is not waited for. Milliseconds. */
const limitMs = 60_000;

/** Measures how late access is where many booked starts come at one instant, by the database's audit. */
export async function measureStarts(
  setup: Setup,
  count = 100,
  steps: 'none' | 'measured' = 'measured',
): Promise<Figure[]> {
  const system = await startSystem(setup, count, { steps });
  const mailbox = new Mailbox(system);
  let administrator: Awaited<ReturnType<typeof connectAs>> | undefined;
  try {
    const token = await tokenFor('carla', system.authority, 'https://database.windows.net/.default');
    administrator = await connectAs(token, system.ports.sql, 'orders');
    const analysts = await inParallel(count, atOnce, (number) => signIn(system, number));
    const names = new Set(analysts.map(({ userPrincipalName }) => userPrincipalName));
    const portal = new Portal(system);
    const start = Math.ceil((Date.now() + 20_000 + count * bookingMs) / 1_000) * 1_000;
    await inParallel(count, atOnce, async (number) => {
      const analyst = analysts[number] ?? (await signIn(system, number));
      const { id } = await portal.ask(analyst, 3_600, start);
      await portal.approve(await mailbox.link(id, 'bob@contoso.example'));
    });
    if (Date.now() > start - 15_000) throw new Error('Not all were booked in time.');
    const entry = await lastEntry(administrator);
    await sleep(start - Date.now());
    let late: number[] = [];
    for (const giveUp = start + limitMs; late.length < count && Date.now() < giveUp; await sleep(1_000)) {
      const changes = await changesSince(administrator, entry, 'ALTER ROLE ADD MEMBER');
      late = changes.flatMap(({ at, member }) => (names.has(member) ? [at - start] : []));
    }
    const missing = Array.from({ length: count - late.length }, () => Number.POSITIVE_INFINITY);
    return [
      [
        `${round(count)} booked starts at one instant, steps ${steps}`,
        describeLateness([...late, ...missing], limitMs),
      ],
    ];
  } finally {
    mailbox.close();
    await administrator?.close();
    await system.stop();
  }
}
