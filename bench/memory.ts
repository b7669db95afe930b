import { signIn } from './company.ts';
import { type Figure, inParallel, mebibytes, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal } from './portal.ts';
import { type Setup, startSystem } from './system.ts';

const count = 1000;
const warmUp = 100;
const atOnce = 16;

/** What a request costs while it waits for its approver, in the process that Curfew runs in. */
export async function measureMemory(setup: Setup): Promise<Figure[]> {
  const system = await startSystem(setup, 1);
  const mailbox = new Mailbox(system);
  try {
    const analyst = await signIn(system, 0);
    const portal = new Portal(system);
    const ask = async () => {
      const { id } = await portal.ask(analyst, 3600);
      await mailbox.link(id, 'bob@contoso.example');
      await mailbox.link(id, 'carla@contoso.example');
    };
    // So that what is loaded and compiled once is not counted as the price of a request.
    await inParallel(warmUp, atOnce, ask);
    const before = await system.memory();
    await inParallel(count, atOnce, ask);
    const after = await system.memory();
    const describe = (what: 'rss' | 'heapUsed') =>
      `${mebibytes(before[what])} → ${mebibytes(after[what])}, ${round((after[what] - before[what]) / count / 1024, 1)} KiB each`;
    return [
      [`RSS, ${warmUp} → ${warmUp + count} waiting requests`, describe('rss')],
      [`heap in use, ${warmUp} → ${warmUp + count} waiting requests`, describe('heapUsed')],
    ];
  } finally {
    mailbox.close();
    await system.stop();
  }
}
