import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { RecordedEvent } from '../../domain/events.ts';
import type { EventStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const recorded = z.object({
  requestId: z.string(),
  sequence: z.int().nonnegative(),
  previousHash: hex,
  event: z.looseObject({ type: z.string(), at: z.string() }),
  hash: hex,
});

/** What Cosmos DB adds of its own (`id`, `_etag` …) is no part of the event. The chain vouches for the rest. */
export function readEvent(item: unknown): RecordedEvent {
  return recorded.parse(item) as unknown as RecordedEvent;
}

function itemId(sequence: number): string {
  return String(sequence).padStart(8, '0');
}

/** Container `events`: partition key `/requestId`, id = sequence, create-only. */
export function createEventStore(container: Container): EventStore {
  return {
    async append(event) {
      const id = itemId(event.sequence);
      if (await expecting([409], (limit) => container.items.create({ id, ...event }, limit))) return;
      const present = await readItem(container, id, event.requestId);
      if (present?.hash !== event.hash) throw new CurfewError('CURFEW_STORE_CONFLICT');
    },
    async read(requestId) {
      const query = 'SELECT * FROM c ORDER BY c.sequence';
      const answer = await expecting([], (limit) =>
        container.items.query(query, { ...limit, partitionKey: requestId }).fetchAll(),
      );
      return (answer?.resources ?? []).map(readEvent);
    },
  };
}
