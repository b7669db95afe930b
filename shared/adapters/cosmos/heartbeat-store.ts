import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { Instant } from '../../domain/time.ts';
import type { HeartbeatStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const id = 'last-success';
const stored = z.object({ at: z.iso.datetime({ precision: 3 }) });

/** For so long a process that has said nothing is remembered. Seconds. */
const remembered = 3_600;

/** Container `reconciler`: partition key `/id`, one document for the reconciler and one a process. */
export function createHeartbeatStore(container: Container): HeartbeatStore {
  return {
    async save(at) {
      await expecting('upsert', container, [], () => container.items.upsert({ id, at }));
    },
    async find() {
      const item = await readItem(container, id);
      return item && (stored.parse(item).at as Instant);
    },
    async beat(process, at) {
      const item = { id: `process-${process}`, at, ttl: remembered };
      await expecting('upsert', container, [], () => container.items.upsert(item));
    },
    async pulse(process) {
      const item = await readItem(container, `process-${process}`);
      return item && (stored.parse(item).at as Instant);
    },
  };
}
