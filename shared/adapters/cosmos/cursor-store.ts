import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { Cursor, CursorStore, SinkName } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const stored = z.object({ cursor: z.string().min(1) });
const idOf = (sink: SinkName) => `published-${sink}`;

/** Container `reconciler`: partition key `/id`, one document for each sink. */
export function createCursorStore(container: Container): CursorStore {
  return {
    async save(sink, cursor) {
      const item = { id: idOf(sink), cursor };
      await expecting('upsert', container, [], (limit) => container.items.upsert(item, limit));
    },
    async find(sink) {
      const item = await readItem(container, idOf(sink));
      return item && (stored.parse(item).cursor as Cursor);
    },
  };
}
