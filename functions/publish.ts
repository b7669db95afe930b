import { asCurfewError } from '../shared/domain/errors.ts';
import { plus } from '../shared/domain/time.ts';
import { count } from '../shared/metrics.ts';
import type { Clock, CursorStore, EventFeed, Log, Sink } from '../shared/ports.ts';

export interface Publishing {
  readonly clock: Clock;
  readonly log: Log;
  readonly feed: EventFeed;
  readonly cursors: CursorStore;
  readonly sinks: readonly Sink[];
}

/** A run that would last longer, or send more, leaves the rest to the next. Milliseconds. */
const longestRun = 8_000;
const mostEvents = 1_000;
/** How long a sink is left alone that took nothing, at first and at most: the alert wants four tries in a quarter of an hour. Milliseconds. */
const shortestPause = 10_000;
const longestPause = 120_000;

/**
 * Sends what has come into the event store to each sink, in order within each chain, from where it was left. A sink that fails is tried
 * again without end and nothing is left out for it, so what it won't take holds up all that comes after; the others go on.
 */
export function createPublisher(publishing: Publishing): () => Promise<void> {
  const runs = publishing.sinks.map((sink) => publisherTo(sink, publishing));
  return async () => {
    await Promise.all(runs.map((run) => run()));
  };
}

function publisherTo(sink: Sink, { clock, log, feed, cursors }: Omit<Publishing, 'sinks'>): () => Promise<void> {
  /** Taken since the cursor was moved, so as not to be sent again where another of the same page fails. */
  const taken = new Set<string>();
  let failures = 0;
  let next = clock.now();

  const run = async () => {
    const end = plus(clock.now(), longestRun);
    let left = mostEvents;
    const cursor = await cursors.find(sink.name);
    // Who has never been told anything is told what happens from now on, and not the history of years.
    if (cursor === undefined) return cursors.save(sink.name, await feed.end());
    for await (const { events, strangers, cursor: behind } of feed.after(cursor)) {
      for (const event of events) {
        const id = `${event.requestId}/${event.sequence}`;
        if (taken.has(id)) continue;
        if (left === 0 || clock.now() >= end) return;
        await sink.send(event);
        left--;
        taken.add(id);
        failures = 0;
      }
      if (strangers > 0) {
        // They can't be sent, and waiting for them would silence everything else.
        log('error', 'the event store holds what is no event, and nobody was told of it', {
          sink: sink.name,
          strangers,
        });
        count('curfew.webhook.failures', { sink: sink.name, code: 'CURFEW_STORE_CONFLICT' });
      }
      await cursors.save(sink.name, behind);
      taken.clear();
    }
  };

  return async () => {
    if (clock.now() < next) return;
    try {
      await run();
    } catch (error) {
      const { code, message, refusal } = asCurfewError(error);
      // The store has figures and an alert of its own.
      if (code !== 'CURFEW_STORE_UNAVAILABLE') count('curfew.webhook.failures', { sink: sink.name, code });
      const wanted = Math.max(shortestPause * 2 ** failures++, (refusal.retryAfter ?? 0) * 1000);
      const pause = Math.min(longestPause, wanted);
      next = plus(clock.now(), pause);
      const seconds = pause / 1000;
      log('warning', 'events could not be sent on; trying again', { sink: sink.name, failure: message, seconds });
    }
  };
}
