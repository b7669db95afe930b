import { signIn } from './company.ts';
import { type Figure, inParallel, quantile, round } from './figures.ts';
import { Mailbox } from './mailbox.ts';
import { Portal } from './portal.ts';
import { type Setup, startSystem } from './system.ts';

const count = 200;
const atOnce = 16;
const warmUp = 32;

/** Ask, approve by the mailed link, granted in the database, end it early, gone from the database. */
export async function measureLifecycles(setup: Setup): Promise<Figure[]> {
  const system = await startSystem(setup, count + warmUp);
  const mailbox = new Mailbox(system);
  try {
    const analysts = await inParallel(count + warmUp, atOnce, (number) => signIn(system, number));
    const portal = new Portal(system);
    const times: number[] = [];
    const live = async (number: number) => {
      const analyst = analysts[number] ?? (await signIn(system, number));
      const begun = performance.now();
      const { id } = await portal.ask(analyst, 3600);
      await portal.approve(await mailbox.link(id, 'bob@contoso.example'));
      const { state } = await portal.revoke(analyst, id);
      if (state !== 'revoked') throw new Error(`A request ended as ${state}.`);
      times.push(performance.now() - begun);
    };
    await inParallel(warmUp, atOnce, (number) => live(count + number));
    times.length = 0;
    const begun = performance.now();
    await inParallel(count, atOnce, live);
    const seconds = (performance.now() - begun) / 1000;
    return [
      [
        `lifecycles per second, ${count} with ${atOnce} at once`,
        `${round(count / seconds, 1)} (${round(seconds, 1)} s in all)`,
      ],
      ['one lifecycle', `median ${round(quantile(times, 0.5))} ms, p99 ${round(quantile(times, 0.99))} ms`],
    ];
  } finally {
    mailbox.close();
    await system.stop();
  }
}
