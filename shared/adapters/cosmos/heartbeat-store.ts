import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { Instant } from '../../domain/time.ts';
import type { HeartbeatStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const id = 'last-success';
const stored = z.object({ at: z.iso.datetime({ precision: 3 }) });

/** Container `reconciler`: partition key `/id`, and in it one document. */
export function createHeartbeatStore(container: Container): HeartbeatStore {
  return {
    async save(at) {
      await expecting('upsert', container, [], () => container.items.upsert({ id, at }));
    },
    async find() {
      const item = await readItem(container, id);
      return item && (stored.parse(item).at as Instant);
    },
  };
}
