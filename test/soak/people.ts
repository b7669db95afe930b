import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '../../bench/figures.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { endedStates } from '../../shared/domain/states.ts';
import type { Asked, Portal } from '../e2e/support/portal.ts';
import { between, pick } from '../e2e/support/random.ts';

const approvers = ['bob', 'carla'] as const;
/** What goes on with one request. In `quarrel` and `regret` two people want different things of it at once. */
const plots = [
  'expire',
  'expire',
  'expire',
  'expire',
  'expire',
  'revoke',
  'revoke',
  'deny',
  'withdraw',
  'leave',
  'quarrel',
  'regret',
] as const;

export interface Cast {
  readonly portal: Portal;
  /** By the first part of the user principal name. */
  readonly people: readonly string[];
  readonly count: number;
  /** How long requests keep coming in. Milliseconds. */
  readonly rush: number;
  readonly seed: number;
}

export interface Played {
  readonly asked: Asked[];
  /** What people could not do, since nobody answered them. */
  readonly vain: string[];
}

/** All requests with their people, from asking to their last word on each. */
export async function playAll({ portal, people, count, rush, seed }: Cast): Promise<Played> {
  const played: Played = { asked: [], vain: [] };
  const scenes = Array.from({ length: count }, async (_, index) => {
    try {
      await play(index, seededRandom(seed + 100 + index));
    } catch (error) {
      played.vain.push(error instanceof Error ? error.message : String(error));
    }
  });
  await Promise.all(scenes);
  return played;

  async function play(index: number, random: () => number): Promise<void> {
    const who = people[Math.floor(random() * people.length)] ?? '';
    const approver = pick(random, approvers);
    const plot = plots[index % plots.length];
    const role = pick(random, ['reader', 'writer', 'keeper', 'keeper']);
    const duration = Math.round(between(random, 5, 60));
    const pause = between(random, 0, 3_000);
    const used = between(random, 0, duration * 1_000);
    await sleep(between(random, 0, rush));
    const reason = `Case ${index}: ${plot}`;
    const body = { target: 'orders', role, reason, duration: `${duration}s` };
    const asked = await portal.submit(who, `soak-${index}`, body);
    played.asked.push(asked);
    if (plot === 'leave') return;
    await sleep(pause);
    const approve = async (by: string = approver) => {
      if (role !== 'keeper') await portal.decide(asked, by, 'approve');
    };
    switch (plot) {
      case 'deny':
        if (role !== 'keeper') await portal.decide(asked, approver, 'deny');
        break;
      case 'withdraw':
        await portal.tell(asked, who, 'withdraw');
        break;
      case 'quarrel':
        if (role !== 'keeper') await Promise.all([approve('bob'), portal.decide(asked, 'carla', 'deny')]);
        break;
      case 'regret':
        await Promise.all([approve(), portal.tell(asked, who, 'withdraw')]);
        break;
      case 'revoke':
        await approve();
        await sleep(used);
        await portal.tell(asked, who, 'revoke');
        break;
      default:
        await approve();
    }
  }
}

/** Left in peace, everything ends; what nobody decided on is withdrawn. Gives those that have not ended by then. Milliseconds. */
export async function endAll(portal: Portal, asked: readonly Asked[], patience: number): Promise<Asked[]> {
  let open = [...asked];
  for (const giveUp = performance.now() + patience; open.length > 0 && performance.now() < giveUp; await sleep(500)) {
    const states = await inParallel(open.length, 4, async (index) => {
      const each = open[index];
      if (!each) return 'nobody’s';
      const state = await portal.state(each);
      if (state === 'waiting-for-approval') await portal.tell(each, each.requester, 'withdraw');
      return state;
    });
    open = open.filter((_, index) => !endedStates.some((state) => state === states[index]));
  }
  return open;
}
