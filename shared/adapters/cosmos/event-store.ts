import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { RecordedDrift } from '../../domain/drift.ts';
import { CurfewError } from '../../domain/errors.ts';
import type { Recorded, RecordedEvent } from '../../domain/events.ts';
import { driftIdOf, type RequestId } from '../../domain/ids.ts';
import type { DriftStore, EventStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const recorded = z.object({
  requestId: z.string(),
  sequence: z.int().nonnegative(),
  previousHash: hex,
  event: z.looseObject({ type: z.string(), at: z.string() }),
  hash: hex,
});

const begun = recorded.pick({ requestId: true });

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
    append: (event) => append(container, event),
    read: async (requestId) => (await readChain(container, requestId)).map(readEvent),
    async begunSince(instant) {
      // Chains of drift begin otherwise.
      const query = `SELECT c.requestId FROM c WHERE c.sequence = 0 AND c.event.type = 'access-requested' AND c.event.at >= @instant`;
      const parameters = [{ name: '@instant', value: instant }];
      const answer = await expecting('query', container, [], (limit) =>
        container.items.query({ query, parameters }, { ...limit, maxItemCount: 1_000 }).fetchAll(),
      );
      return (answer?.resources ?? []).map((item) => begun.parse(item).requestId as RequestId);
    },
  };
}

/** The chains of drift stand beside those of the requests, one for each target. */
export function createDriftStore(container: Container): DriftStore {
  return {
    append: (event) => append(container, event),
    async read(target) {
      const items = await readChain(container, driftIdOf(target));
      return items.map((item) => recorded.parse(item) as unknown as RecordedDrift);
    },
  };
}

async function append(container: Container, event: Recorded<string, unknown>): Promise<void> {
  const id = itemId(event.sequence);
  if (await expecting('create', container, [409], (limit) => container.items.create({ id, ...event }, limit))) return;
  const present = await readItem(container, id, event.requestId);
  if (present?.hash !== event.hash) throw new CurfewError('CURFEW_STORE_CONFLICT');
}

async function readChain(container: Container, chain: string): Promise<unknown[]> {
  const query = 'SELECT * FROM c ORDER BY c.sequence';
  const answer = await expecting('query', container, [], (limit) =>
    container.items.query(query, { ...limit, partitionKey: chain }).fetchAll(),
  );
  return answer?.resources ?? [];
}
