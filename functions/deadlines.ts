import type { DurableClient } from 'durable-functions';
import { commandEvent } from '../orchestrations/contract.ts';
import type { SchedulerReport } from '../orchestrations/deadline/report.ts';
import type { DeadlineScheduler } from '../orchestrations/deadline/scheduler.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import { earliest, type Instant, plus } from '../shared/domain/time.ts';
import { timeline } from '../shared/domain/timeline.ts';
import type { Clock, Log, RequestStore } from '../shared/ports.ts';

/** How many are read at once. */
const pageSize = 1_000;
/** The pause before the store is asked again. Milliseconds. */
const feedPause = 1_000;

export interface Feeding {
  readonly clock: Clock;
  readonly log: Log;
  readonly requests: RequestStore;
  readonly scheduler: DeadlineScheduler;
}

/**
 * Arms from the store what begins or ends within the next minutes. Stays until that is over, for less than a minute, so that the host
 * keeps the process meanwhile. Fails with CURFEW_STORE_UNAVAILABLE where the store doesn't answer by then.
 */
export async function armUpcoming(feeding: Feeding): Promise<void> {
  const { clock } = feeding;
  const open = plus(clock.now(), timeline.feedOpenMs);
  const last = await feed(feeding, open);
  if (last !== undefined) await clock.sleepUntil(earliest(open, plus(last, timeline.claimLastsMs)));
}

/** Arms once at the start of the app, which may be in the place of a process that died. The minute timer goes on where this fails. */
export async function armAtStart(feeding: Feeding): Promise<void> {
  await feed(feeding, plus(feeding.clock.now(), timeline.feedIntervalMs)).catch(() => undefined);
}

/**
 * Reads soonest first, so that what is due first is armed even where a page is refused; asks for that page again until `open`.
 * Returns the last instant before `open` at which something is due.
 */
async function feed({ clock, log, requests, scheduler }: Feeding, open: Instant): Promise<Instant | undefined> {
  const now = clock.now();
  const [from, to] = [plus(now, -timeline.feedBehindMs), plus(now, timeline.feedAheadMs)];
  let last: Instant | undefined;
  let after: string | undefined;
  for (;;) {
    try {
      const page = await requests.upcoming(from, to, pageSize, after);
      for (const upcoming of page.upcoming) {
        scheduler.arm(upcoming);
        if (upcoming.at <= open) last = upcoming.at;
      }
      after = page.next;
      if (after === undefined) return last;
    } catch (error) {
      if (clock.now() >= open) throw error;
      const failure = error instanceof CurfewError ? error.code : 'CURFEW_INTERNAL';
      log('warning', 'what is due soon could not be read yet', { failure });
      await clock.sleepUntil(plus(clock.now(), feedPause));
    }
  }
}

/** Sends reports to orchestrations, also from what no invocation began: it keeps the client of the newest one. */
export class Reporter {
  readonly #clock: Clock;
  readonly #known = Promise.withResolvers<void>();
  #client: DurableClient | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the client, and keeps it. */
  keep(client: DurableClient): DurableClient {
    this.#client = client;
    this.#known.resolve();
    return client;
  }

  /** Where no invocation has come for a minute, the orchestration has long found out by itself. */
  async report(id: RequestId, report: SchedulerReport): Promise<void> {
    const giveUp = this.#clock.sleepUntil(plus(this.#clock.now(), timeline.evidenceKeptMs));
    await Promise.race([this.#known.promise, giveUp]);
    await this.#client?.raiseEvent(id, commandEvent, report);
  }
}
