import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick } from '../e2e/support/random.ts';
import { type Cut, cuts, type Link } from './link.ts';
import type { Part } from './part.ts';

/** Milliseconds: how long a part or a link is left in peace, how long it then stays dead, and how long cut. */
const peace = [8_000, 24_000] as const;
const death = [0, 3_000] as const;
const cutting = [200, 5_000] as const;

/** Kills the part again and again. Where the time is over, it is up. */
export async function kill(part: Part, until: number, random: () => number): Promise<void> {
  for (;;) {
    const at = Date.now() + between(random, ...peace);
    const down = between(random, ...death);
    if (at + down > until) return;
    await sleepUntil(at);
    await part.kill();
    await sleep(down);
    await part.start();
  }
}

/** Cuts the link again and again. Where the time is over, it is whole. */
export async function cut(link: Link, until: number, random: () => number): Promise<void> {
  for (;;) {
    const at = Date.now() + between(random, ...peace);
    const how = pick(random, cuts);
    const lasts = between(random, ...cutting);
    if (at + lasts > until) return;
    await sleepUntil(at);
    await cutFor(link, how, lasts);
  }
}

export async function cutFor(link: Link, how: Cut, lasts: number): Promise<void> {
  link.cut(how);
  // What is only reset is whole again at once.
  if (how !== 'reset') await sleep(lasts);
  await link.mend();
}

export const sleepUntil = (at: number) => sleep(Math.max(0, at - Date.now()));
