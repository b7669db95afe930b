import type { DurableClient } from 'durable-functions';
import { describe, expect, test } from 'vitest';
import { armAtStart, armUpcoming, type Feeding, Reporter } from '../../functions/deadlines.ts';
import type { DeadlineScheduler } from '../../orchestrations/deadline/scheduler.ts';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import type { State } from '../../shared/domain/states.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Upcoming } from '../../shared/domain/upcoming.ts';
import { MemoryRequests } from '../support/memory.ts';
import { requestAfter, requested, start } from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const second = 1_000;
const minute = 60 * second;
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp() {
  const time = new VirtualClock();
  const requests = new MemoryRequests();
  const armed: Upcoming[] = [];
  const scheduler: DeadlineScheduler = {
    arm: (upcoming) => {
      if (upcoming) armed.push(upcoming);
    },
    settle: async () => undefined,
  };
  const logged: unknown[] = [];
  const log: Feeding['log'] = (level, message, properties) => void logged.push({ level, message, ...properties });
  const feeding: Feeding = { clock: time.clock, log, requests, scheduler };
  let count = 0;
  return {
    time,
    requests,
    armed,
    logged,
    feeding,
    advanceTo: (instant: Instant) => time.advanceTo(instant, settle),
    /** A request in the store, as it is known there. */
    store(state: State, deadline: Instant, more: Partial<AccessRequest> = {}): RequestId {
      const id = `req-${++count}` as RequestId;
      requests.all.set(id, { ...requestAfter(requested()), id, state, deadline, ...more } as AccessRequest);
      return id;
    },
    /** When the work ended; undefined while it lasts. */
    watch(work: Promise<void>): { ended: Instant | undefined } {
      const seen: { ended: Instant | undefined } = { ended: undefined };
      void work.then(() => {
        seen.ended = time.now;
      });
      return seen;
    },
  };
}

describe('what is due within three minutes', () => {
  test('is armed as soon as its deadline is recorded, though the projection does not show the grant yet', async () => {
    const world = setUp();
    const ids = [world.store('granting', plus(start, minute)), world.store('granted', plus(start, minute))];
    await armUpcomingSoon(world);
    expect(world.armed.map(({ id, kind, at }) => ({ id, kind, at }))).toEqual(
      ids.map((id) => ({ id, kind: 'end', at: plus(start, minute) })),
    );
  });

  test('is armed once it is booked to begin', async () => {
    const world = setUp();
    const startsAt = plus(start, 2 * minute);
    const { terms } = requestAfter(requested({ startsAt }));
    const id = world.store('scheduled', startsAt, { terms, deadline: undefined });
    await armUpcomingSoon(world);
    expect(world.armed).toMatchObject([{ id, kind: 'start', at: startsAt }]);
  });

  test('is armed a little after its time as well, for it may have been in the memory of a process that died', async () => {
    const world = setUp();
    const late = world.store('granted', plus(start, -timeline.feedBehindMs));
    world.store('granted', plus(start, -timeline.feedBehindMs - 1));
    await armUpcomingSoon(world);
    expect(world.armed.map(({ id }) => id)).toEqual([late]);
  });

  test('is all that is armed: not what is later, has ended, is ending, or is not for the scheduler', async () => {
    const world = setUp();
    const soon = plus(start, minute);
    world.store('granted', plus(start, timeline.feedAheadMs + 1));
    world.store('expired', soon);
    world.store('revoking', soon);
    world.store('overdue', soon);
    world.store('granted', soon, { revocation: { isScheduled: false, longestPause: minute } });
    await armUpcomingSoon(world);
    expect(world.armed).toEqual([]);
  });

  const pages = [['req-a', 'req-b'], ['req-c'], ['req-d']];

  /** A store that refuses each page so many times. */
  function inPages(world: ReturnType<typeof setUp>, refusals: readonly number[]): (string | undefined)[] {
    const asked: (string | undefined)[] = [];
    const left = [...refusals];
    world.requests.upcoming = async (_from: Instant, _to: Instant, _limit?: number, after?: string) => {
      asked.push(after);
      const page = after === undefined ? 0 : Number(after);
      const refused = left[page] ?? 0;
      left[page] = refused - 1;
      if (refused > 0) throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
      const upcoming = (pages[page] ?? []).map((id) => ({ id, kind: 'end', at: plus(start, minute) }) as Upcoming);
      return { upcoming, next: page + 1 < pages.length ? String(page + 1) : undefined };
    };
    return asked;
  }

  test('is read page by page', async () => {
    const world = setUp();
    const asked = inPages(world, []);
    await armUpcomingSoon(world);
    expect(asked).toEqual([undefined, '1', '2']);
    expect(world.armed.map(({ id }) => id)).toEqual(pages.flat());
  });

  test('is armed as far as it was read, and a page that the store refuses is asked for again each second', async () => {
    const world = setUp();
    const asked = inPages(world, [0, 3, 1]);
    const seen = world.watch(armUpcoming(world.feeding));
    await settle();
    expect(world.armed.map(({ id }) => id)).toEqual(['req-a', 'req-b']);
    await world.advanceTo(plus(start, 4 * second));
    expect(asked).toEqual([undefined, '1', '1', '1', '1', '2', '2']);
    expect(world.armed.map(({ id }) => id)).toEqual(pages.flat());
    expect(seen.ended).toBe(plus(start, 4 * second));
    expect(world.logged).toHaveLength(4);
  });

  async function armUpcomingSoon({ feeding, advanceTo }: ReturnType<typeof setUp>): Promise<void> {
    const arming = armUpcoming(feeding);
    await advanceTo(plus(start, minute));
    await arming;
  }
});

describe('the invocation that arms', () => {
  test('ends at once where nothing is due', async () => {
    const world = setUp();
    world.store('granted', plus(start, timeline.feedOpenMs + 1));
    const seen = world.watch(armUpcoming(world.feeding));
    await settle();
    expect(seen.ended).toBe(start);
  });

  test.each([
    [10 * second, 12 * second],
    [43 * second, 45 * second],
    [44 * second, 45 * second],
    [45 * second, 45 * second],
  ])('stays open until what is due after %i ms is over, until %i ms', async (due, until) => {
    const world = setUp();
    world.store('granted', plus(start, due));
    world.store('granted', plus(start, second));
    const seen = world.watch(armUpcoming(world.feeding));
    await world.advanceTo(plus(start, until - 1));
    expect(seen.ended).toBeUndefined();
    await world.advanceTo(plus(start, until));
    expect(seen.ended).toBe(plus(start, until));
  });

  test('leaves the host time before the next one', () => {
    expect(timeline.feedOpenMs).toBeLessThanOrEqual(45 * second);
    expect(timeline.feedOpenMs).toBeLessThan(timeline.feedIntervalMs);
    // What falls due while none is open was armed two invocations before.
    expect(timeline.feedAheadMs).toBeGreaterThanOrEqual(3 * timeline.feedIntervalMs);
  });

  test('fails where the store does not answer as long as it stays open, for the host to show it', async () => {
    const world = setUp();
    world.requests.failure = 'CURFEW_STORE_UNAVAILABLE';
    const failed = expect(armUpcoming(world.feeding)).rejects.toMatchObject({ code: 'CURFEW_STORE_UNAVAILABLE' });
    await world.advanceTo(plus(start, timeline.feedOpenMs));
    await failed;
  });
});

describe('at the start of the app', () => {
  test('what is due is armed at once, and nothing is waited for', async () => {
    const world = setUp();
    const id = world.store('granted', plus(start, second));
    const seen = world.watch(armAtStart(world.feeding));
    await settle();
    expect(seen.ended).toBe(start);
    expect(world.armed.map((each) => each.id)).toEqual([id]);
  });

  test('the store is asked every second until it answers', async () => {
    const world = setUp();
    const id = world.store('granted', plus(start, 20 * second));
    world.requests.failure = 'CURFEW_STORE_UNAVAILABLE';
    const seen = world.watch(armAtStart(world.feeding));
    await world.advanceTo(plus(start, 9 * second));
    expect(world.armed).toEqual([]);
    world.requests.failure = undefined;
    await world.advanceTo(plus(start, 10 * second));
    expect(world.armed.map((each) => each.id)).toEqual([id]);
    expect(seen.ended).toBe(plus(start, 10 * second));
    expect(world.logged).toHaveLength(10);
    expect(world.logged[0]).toMatchObject({ level: 'warning', failure: 'CURFEW_STORE_UNAVAILABLE' });
  });

  test('it is left to the minute timer after a minute, and nothing is thrown', async () => {
    const world = setUp();
    world.requests.upcoming = () => Promise.reject(new Error('no CurfewError'));
    const seen = world.watch(armAtStart(world.feeding));
    await world.advanceTo(plus(start, 2 * minute));
    expect(seen.ended).toBe(plus(start, minute));
    expect(world.logged.at(-1)).toMatchObject({ failure: 'CURFEW_INTERNAL' });
  });
});

describe('a report', () => {
  const id = 'req-a' as RequestId;
  const clientOf = (sent: unknown[], name = 'client') =>
    ({
      raiseEvent: async (...words: unknown[]) => {
        sent.push([name, ...words]);
      },
    }) as unknown as DurableClient;

  test('waits for the first invocation, which brings a client', async () => {
    const world = setUp();
    const reporter = new Reporter(world.time.clock);
    const sent: unknown[] = [];
    const seen = world.watch(reporter.report(id, { kind: 'start-near' }));
    await world.advanceTo(plus(start, 59 * second));
    expect([sent, seen.ended]).toEqual([[], undefined]);
    reporter.keep(clientOf(sent));
    await settle();
    expect(sent).toEqual([['client', id, 'command', { kind: 'start-near' }]]);
    expect(seen.ended).toBe(plus(start, 59 * second));
  });

  test('is given up after a minute without one, and is not sent any more', async () => {
    const world = setUp();
    const reporter = new Reporter(world.time.clock);
    const sent: unknown[] = [];
    const seen = world.watch(reporter.report(id, { kind: 'start-near' }));
    await world.advanceTo(plus(start, minute));
    expect(seen.ended).toBe(plus(start, minute));
    reporter.keep(clientOf(sent));
    await world.advanceTo(plus(start, 2 * minute));
    expect(sent).toEqual([]);
  });

  test('goes out at once by the client of the newest invocation', async () => {
    const world = setUp();
    const reporter = new Reporter(world.time.clock);
    const sent: unknown[] = [];
    reporter.keep(clientOf(sent, 'older'));
    const newer = clientOf(sent, 'newer');
    expect(reporter.keep(newer)).toBe(newer);
    await reporter.report(id, { kind: 'revocation-fired', evidence: [] });
    expect(sent).toEqual([['newer', id, 'command', { kind: 'revocation-fired', evidence: [] }]]);
  });

  test('that the task hub refuses fails, so that it is not taken for sent', async () => {
    const reporter = new Reporter(setUp().time.clock);
    const raiseEvent = () => Promise.reject(new CurfewError('CURFEW_HUB_BUSY'));
    reporter.keep({ raiseEvent } as unknown as DurableClient);
    await expect(reporter.report(id, { kind: 'start-near' })).rejects.toMatchObject({ code: 'CURFEW_HUB_BUSY' });
  });
});
