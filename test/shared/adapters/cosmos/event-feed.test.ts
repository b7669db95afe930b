import type { Container } from '@azure/cosmos';
import { expect, test } from 'vitest';
import { createEventFeed } from '../../../../shared/adapters/cosmos/event-feed.ts';

/** A change feed that answers with these, one after the other. */
function feedOf(...answers: object[]) {
  const container = {
    id: 'events',
    database: { id: 'curfew' },
    items: {
      getChangeFeedIterator: () => ({ readNext: async () => answers.shift() ?? Promise.reject(new Error('away')) }),
    },
  };
  return createEventFeed(container as unknown as Container);
}

test('the end is where every partition has been looked at, though the first of them has something new', async () => {
  const feed = feedOf(
    { statusCode: 200, result: [{}], continuationToken: 'of the first partition alone' },
    { statusCode: 304, result: [], continuationToken: 'of all' },
  );
  expect(await feed.end()).toBe('of all');
});

test('a feed that breaks off is an outage of the store, and has no end', async () => {
  const feed = feedOf({ statusCode: 200, result: [{}], continuationToken: 'half-way' });
  await expect(feed.end()).rejects.toMatchObject({ code: 'CURFEW_STORE_UNAVAILABLE' });
});
