import { setTimeout as sleep } from 'node:timers/promises';
import { connectAs } from '../local/database.ts';
import { tokenFor } from '../local/people.ts';
import { signIn } from './company.ts';
import { type Figure, inParallel, quantile, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal, type Seen } from './portal.ts';
import { type Setup, type System, startSystem } from './system.ts';

const count = 1000;
const atOnce = 16;
/** From the first asking to the deadline that all share, and from an asking to its booked start. Milliseconds. */
const ahead = 180_000;
const notice = 5_000;
/** How long after the deadline everything must have ended. */
const patience = 120_000;

/**
 * A thousand people, each with one grant, and one deadline for all: each asks for a window that starts soon, a whole number of
 * seconds before the deadline.
 */
export async function measureSharedDeadline(setup: Setup): Promise<Figure[]> {
  const system = await startSystem(setup, count);
  const mailbox = new Mailbox(system);
  try {
    const analysts = await inParallel(count, atOnce, (number) => signIn(system, number));
    const portal = new Portal(system);
    const begun = Date.now();
    const deadline = begun + ahead;
    const asked = await inParallel(count, atOnce, async (number) => {
      const analyst = analysts[number] ?? (await signIn(system, number));
      const duration = Math.floor((deadline - Date.now() - notice) / 1000);
      if (duration < 3) throw new Error('The deadline came before everybody had asked.');
      const { id } = await portal.ask(analyst, duration, deadline - duration * 1000);
      await portal.approve(await mailbox.link(id, 'bob@contoso.example'));
      return { analyst, id };
    });
    const approved = Date.now();
    await sleep(Math.max(0, deadline - 3_000 - Date.now()));
    const before = await inParallel(count, atOnce, (number) => look(number));
    const held = before.filter(({ state, deadline: end }) => state === 'granted' && Date.parse(end ?? '') === deadline);
    await sleep(Math.max(0, deadline - Date.now()));
    const giveUp = deadline + patience;
    let rest = asked.map((_, number) => number);
    while (rest.length > 0 && Date.now() < giveUp) {
      await sleep(1_000);
      const seen = await inParallel(rest.length, 4, (index) => look(rest[index] ?? 0));
      rest = rest.filter((_, index) => seen[index]?.state !== 'expired');
    }
    const ended = Date.now();
    const late = (await readDrops(system)).map((at) => at - deadline);
    return [
      [
        `asked and approved before the deadline, ${atOnce} at once`,
        `${count} in ${round((approved - begun) / 1000, 1)} s`,
      ],
      ['granted 3 s before the deadline', `${held.length} of ${count}`],
      [
        'dropped, as the database wrote it down',
        `${late.length}, of which early: ${late.filter((each) => each < 0).length}`,
      ],
      [
        'lateness of the drop',
        `median ${round(quantile(late, 0.5))} ms, p99 ${round(quantile(late, 0.99))} ms, max ${round(Math.max(...late))} ms`,
      ],
      [
        'all events written and seen as expired',
        `${count - rest.length}, ${round((ended - deadline) / 1000, 1)} s after the deadline`,
      ],
    ];

    async function look(number: number): Promise<Seen> {
      const one = asked[number];
      if (!one) throw new Error('Nobody asked that.');
      return portal.look(one.analyst, one.id);
    }
  } finally {
    mailbox.close();
    await system.stop();
  }
}

/** When each membership was dropped: the instant of the commit, by the database's own clock. */
async function readDrops({ authority, ports }: System): Promise<number[]> {
  const pool = await connectAs(await tokenFor('carla', authority, 'https://database.windows.net/.default'), ports.sql);
  try {
    const { recordset } = await pool
      .request()
      .query<{ at: number }>(
        "SELECT at FROM standin.audit WHERE action = 'ALTER ROLE DROP MEMBER' AND succeeded = 1 ORDER BY id",
      );
    return recordset.map(({ at }) => at);
  } finally {
    await pool.close();
  }
}
