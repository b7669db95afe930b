import {
  type ChangeFeedIteratorResponse,
  ChangeFeedStartFrom,
  type Container,
  type ItemDefinition,
} from '@azure/cosmos';
import type { AnyEvent, Cursor, EventFeed } from '../../ports.ts';
import { expecting } from './client.ts';
import { readEvent } from './event-store.ts';

/** What is sent again where a process dies before the cursor was moved. */
const pageSize = 50;
const unchanged = 304;

type Start = ReturnType<typeof ChangeFeedStartFrom.Now> | ReturnType<typeof ChangeFeedStartFrom.Continuation>;

/** The change feed of the container `events`, in which nothing ever changes but by what is new. */
export function createEventFeed(container: Container): EventFeed {
  return {
    async end() {
      // Only what has been read to its end has a token for each of the container's partitions: one that was not looked at would
      // begin with the history of years.
      let cursor = '';
      for await (const page of pages(container, ChangeFeedStartFrom.Now())) cursor = page.continuationToken;
      return cursor as Cursor;
    },
    async *after(cursor) {
      for await (const page of pages(container, ChangeFeedStartFrom.Continuation(cursor))) {
        if (page.statusCode === unchanged) return;
        const events = page.result.flatMap((item) => eventIn(item) ?? []);
        yield { events, strangers: page.result.length - events.length, cursor: page.continuationToken as Cursor };
      }
    },
  };
}

/** To the one that says that there is no more. */
async function* pages(
  container: Container,
  changeFeedStartFrom: Start,
): AsyncGenerator<ChangeFeedIteratorResponse<ItemDefinition[]>> {
  const iterator = container.items.getChangeFeedIterator<ItemDefinition>({
    changeFeedStartFrom,
    maxItemCount: pageSize,
  });
  for (;;) {
    const page = await expecting('readChangeFeed', container, [], () => iterator.readNext());
    if (page) yield page;
    if (page?.statusCode === unchanged) return;
  }
}

function eventIn(item: unknown): AnyEvent | undefined {
  try {
    return readEvent(item);
  } catch {
    return undefined;
  }
}
