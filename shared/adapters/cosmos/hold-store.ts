import { createHash } from 'node:crypto';
import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { HoldDocument } from '../../domain/holds.ts';
import type { HoldStore } from '../../ports.ts';
import { expecting, readItem, writeItem } from './client.ts';

const stored = z.object({
  standing: z.boolean().optional(),
  holds: z.record(z.string(), z.string()),
  claimedBy: z.string().optional(),
});

/** Container `holds`: partition key `/id`, one document per entitlement and principal, guarded by its ETag. */
export function createHoldStore(container: Container): HoldStore {
  return {
    async change(key, decide) {
      // Keys hold names with any characters, document ids may not.
      const id = createHash('sha256').update(key).digest('hex');
      for (;;) {
        const present = await readItem(container, id);
        const before = present && (stored.parse(present) as HoldDocument);
        const { document, answer } = decide(before);
        if (document === before) return answer;
        if (document) {
          if (await writeItem(container, { id, key, ...document }, present)) return answer;
        } else if (present) {
          const accessCondition = { type: 'IfMatch', condition: present._etag };
          const remove = (limit: object) => container.item(id, id).delete({ ...limit, accessCondition });
          if (await expecting([404, 412], remove)) return answer;
        }
      }
    },
  };
}
