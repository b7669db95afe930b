import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateIn, trust } from '../../local/certificate.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
import { tokenFor } from '../../local/people.ts';
import { endedStates } from '../../shared/domain/states.ts';
import { type Evidence, gather } from './support/evidence.ts';
import { inconsistent, latenesses, leftOver, unexplained, unrightful } from './support/examine.ts';
import { Inbox } from './support/inbox.ts';
import { findPorts, LaptopChild } from './support/laptop-child.ts';
import { type Asked, createPortal, type Portal } from './support/portal.ts';
import { between, pick } from './support/random.ts';

/** What goes on with one request. In `quarrel` and `regret` two people want different things of it at once. */
const plots = [
  'expire',
  'expire',
  'expire',
  'expire',
  'deny',
  'withdraw',
  'revoke',
  'leave',
  'quarrel',
  'regret',
] as const;
const requesters = ['ada', 'fionn'] as const;
const approvers = ['bob', 'carla'] as const;
const count = 50;
const kills = 8;
/** How long requests keep coming in. Milliseconds. */
const rush = 15_000;

// The same seed makes the same people do the same and the process die at the same moments, as far as its clock lets it.
const seed = Number(process.env.CURFEW_KILL_SEED ?? Date.now() % 1_000_000);

describe('fifty requests, and a laptop that is killed again and again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-kill-'));
  const random = seededRandom(seed);
  let laptop: LaptopChild;
  let asked: Asked[];
  let evidence: Evidence;

  beforeAll(async () => {
    trust(await certificateIn(folder));
    // Nobody is limited here, and nobody is approved without being asked.
    const policy = readFileSync('policy.sample.yaml', 'utf8')
      .replace(/^ *automatic-approval:[\s\S]*?(?=^ {8}extension:)/m, '')
      .replaceAll(/^ *limits:.*$/gm, '');
    laptop = new LaptopChild({ folder, ports: await findPorts(random), policy });
    const { authority } = await laptop.start();
    const token = async (who: string) => [who, await tokenFor(who, authority, 'api://curfew/.default')] as const;
    const tokens = new Map(await Promise.all(requesters.map(token)));
    const inbox = new Inbox(laptop.options.ports.inbox);
    const portal = createPortal(laptop.options.ports.api, inbox, tokens);
    const done = new AbortController();
    const watching = inbox.watch(done.signal, approvers);
    const dying = dieAgainAndAgain(laptop, seededRandom(seed + 1));
    const scenes = Array.from({ length: count }, (_, index) => play(portal, index, seededRandom(seed + 100 + index)));
    [asked] = await Promise.all([Promise.all(scenes), dying]);
    await endAll(portal, asked);
    done.abort();
    await watching;
    // What a process that was killed may still have been doing is waited for.
    for (let tries = 40; tries > 0; tries--) {
      evidence = await gather(laptop.options, authority);
      if (leftOver(evidence).length === 0) break;
      await sleep(500);
    }
    tell(laptop, evidence);
  }, 120_000);

  afterAll(async () => {
    await laptop.kill();
    if (process.env.CURFEW_KEEP) console.log(folder);
    else rmSync(folder, { recursive: true, force: true });
  });

  it('was killed at least five times', () => {
    expect(laptop.outages.length).toBeGreaterThanOrEqual(5);
  });

  it('every accepted request ended in a way that its commands explain, and what was acknowledged came about', () => {
    expect(asked).toHaveLength(count);
    expect(unexplained(asked, evidence)).toEqual([]);
  });

  it('every chain holds, and no event is missing, doubled or left out of the projection', () => {
    expect(inconsistent(evidence)).toEqual([]);
  });

  it('nothing was given without intent, and nothing taken before its last hold ended', () => {
    expect(unrightful(evidence)).toEqual([]);
  });

  it('nobody is left in a role, and nothing of Curfew’s is left in the database or among the holds', () => {
    expect(leftOver(evidence)).toEqual([]);
  });
});

async function dieAgainAndAgain(laptop: LaptopChild, random: () => number): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    await sleep(between(random, 0, 3_000));
    await laptop.killAndRestart();
  }
}

/** One request with its people, from asking to their last word on it. */
async function play(portal: Portal, index: number, random: () => number): Promise<Asked> {
  const who = pick(random, requesters);
  const approver = pick(random, approvers);
  const plot = plots[index % plots.length];
  const duration = Math.round(between(random, 2, 8));
  const pause = between(random, 0, 1_500);
  await sleep(between(random, 0, rush));
  const asked = await portal.submit(who, `kill-${index}`, {
    target: 'orders',
    role: pick(random, ['reader', 'writer']),
    reason: `Case ${index}: ${plot}`,
    duration: `${duration}s`,
  });
  if (plot === 'leave') return asked;
  await sleep(pause);
  switch (plot) {
    case 'deny':
      await portal.decide(asked, approver, 'deny');
      break;
    case 'withdraw':
      await portal.tell(asked, who, 'withdraw');
      break;
    case 'quarrel':
      await Promise.all([portal.decide(asked, 'bob', 'approve'), portal.decide(asked, 'carla', 'deny')]);
      break;
    case 'regret':
      await Promise.all([portal.decide(asked, approver, 'approve'), portal.tell(asked, who, 'withdraw')]);
      break;
    case 'revoke':
      await portal.decide(asked, approver, 'approve');
      await sleep(between(random, 0, duration * 1_000));
      await portal.tell(asked, who, 'revoke');
      break;
    default:
      await portal.decide(asked, approver, 'approve');
  }
  return asked;
}

/** Left in peace, everything ends; what nobody decided on is withdrawn. */
async function endAll(portal: Portal, asked: readonly Asked[]): Promise<void> {
  const giveUp = performance.now() + 40_000;
  let open = [...asked];
  while (open.length > 0 && performance.now() < giveUp) {
    const states = await Promise.all(open.map((each) => portal.state(each)));
    const waiting = open.filter((_, index) => states[index] === 'waiting-for-approval');
    await Promise.all(waiting.map((each) => portal.tell(each, each.requester, 'withdraw')));
    open = open.filter((_, index) => !endedStates.some((state) => state === states[index]));
    await sleep(300);
  }
}

/** Lateness is no failure here, since the process was down; it is written down all the same. */
function tell({ outages, warnings }: LaptopChild, evidence: Evidence): void {
  const requests = [...evidence.projections.values()];
  const states = Map.groupBy(requests, ({ state }) => state);
  const blind = requests.filter(({ revoked }) => revoked?.evidence.some(({ holdsUnknown }) => holdsUnknown));
  console.log(
    [
      `kill -9 with seed ${seed}: down for ${outages.join(', ')} ms`,
      `dropped after the last hold’s end by ${latenesses(evidence).map(Math.round).join(', ')} ms`,
      [...states].map(([state, all]) => `${all.length} ${state}`).join(', '),
      `${blind.length} ended without the hold documents`,
      ...[...warnings].map(([message, times]) => `${times} × ${message}`),
    ].join('\n  '),
  );
}
