import { createHash } from 'node:crypto';
import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { HoldDocument } from '../../domain/holds.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Entitlement } from '../../domain/policy.ts';
import type { Held, HoldStore } from '../../ports.ts';
import { expecting, queryPage, readItem, writeItem } from './client.ts';

const stored = z.object({
  standing: z.boolean().optional(),
  holds: z.record(z.string(), z.string()),
  claimedBy: z.string().optional(),
  actor: z
    .object({
      id: z.string(),
      until: z.string(),
      isShared: z.literal(true).optional(),
      dropped: z.object({ at: z.string(), sessionsEnded: z.int() }).optional(),
    })
    .optional(),
});
const listed = z.object({ id: z.string(), key: z.string() });
const keyed = z.tuple([z.looseObject({ kind: z.string() }), z.string()]);

function readHeld(item: unknown): Held {
  const [entitlement, principalId] = keyed.parse(JSON.parse(listed.parse(item).key));
  return {
    entitlement: entitlement as unknown as Entitlement,
    principalId: principalId as PrincipalId,
    document: stored.parse(item) as HoldDocument,
  };
}

/** Container `holds`: partition key `/id`, one document per entitlement and principal, guarded by its ETag. */
export function createHoldStore(container: Container): HoldStore {
  return {
    async list(limit, after = '') {
      const query = 'SELECT * FROM c WHERE c.id > @after ORDER BY c.id OFFSET 0 LIMIT @limit';
      const parameters = [
        { name: '@after', value: after },
        { name: '@limit', value: limit + 1 },
      ];
      const { items, last } = await queryPage(container, { query, parameters }, limit);
      return { holds: items.map(readHeld), next: last === undefined ? undefined : listed.parse(last).id };
    },
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
          if (await expecting('delete', container, [404, 412], remove)) return answer;
        }
      }
    },
  };
}
