import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createDeadlineScheduler } from '../orchestrations/deadline/scheduler.ts';
import { actorIdOf } from '../shared/domain/ids.ts';
import { plus } from '../shared/domain/time.ts';
import type { Upcoming } from '../shared/domain/upcoming.ts';
import { MemoryHeartbeats, MemoryHolds, MemoryTarget } from '../test/support/memory.ts';
import { ada, entitlement } from '../test/support/samples.ts';
import { type Figure, round } from './figures.ts';
import { realTime } from './hub-time.ts';

const count = 10_000;
/** Before the deadline: far enough that no claim begins meanwhile. Milliseconds. */
const aheadMs = 120_000;

/** Measures the heap that the deadline scheduler holds for each armed revocation, at one instant and 2 ms apart. */
export async function measureArmed(): Promise<Figure[]> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const heap = () => {
    for (let times = 0; times < 4; times++) collect();
    return process.memoryUsage().heapUsed;
  };
  const { clock } = realTime();
  const scheduler = createDeadlineScheduler({
    clock,
    holds: new MemoryHolds(),
    heartbeats: new MemoryHeartbeats(),
    providers: { 'sql-role': new MemoryTarget(clock) },
    actor: actorIdOf(Buffer.alloc(8)),
    report: async () => {},
  });
  const start = plus(clock.now(), aheadMs);

  /** As the store gives it: every string is its own. */
  const read = (number: number, at: string): Upcoming =>
    JSON.parse(
      JSON.stringify({
        id: `armed-${number}`,
        kind: 'end',
        at,
        principal: { ...ada, principalId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` },
        entitlements: [entitlement],
      }),
    );
  const figures: Figure[] = [];
  for (const [index, [setting, apartMs]] of (
    [
      ['at one instant', 0],
      ['2 ms apart', 2],
    ] as const
  ).entries()) {
    const arm = (number: number) => scheduler.arm(read(index * 2 * count + number, plus(start, apartMs * number)));
    // The first ones make the code and the maps what they stay.
    for (let number = count; number < count + 500; number++) arm(number);
    const before = heap();
    for (let number = 0; number < count; number++) arm(number);
    await sleep(100);
    figures.push([
      `heap of an armed revocation, ${round(count)} ${setting}`,
      `${round((heap() - before) / count / 1_024, 2)} KiB each`,
    ]);
  }
  return figures;
}
