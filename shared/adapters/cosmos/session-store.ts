import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import type { PrincipalId } from '../../domain/ids.ts';
import { type Instant, millisecondsOf } from '../../domain/time.ts';
import type { Clock, SessionStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const stored = z.object({
  id: z.string(),
  principalId: z.string().transform((id) => id as PrincipalId),
  name: z.string(),
  authentication: z.array(z.literal('mfa').or(z.templateLiteral(['c', z.int()]))),
  expiresAt: z.string().transform((at) => at as Instant),
});

/** Container `sessions`: partition key `/id`, id = SHA-256 of the token. Cosmos DB forgets a session when its `ttl` is over. */
export function createSessionStore(container: Container, clock: Clock): SessionStore {
  return {
    async save({ tokenHash: id, ...session }) {
      const ttl = Math.max(1, Math.ceil((millisecondsOf(session.expiresAt) - millisecondsOf(clock.now())) / 1000));
      await expecting('create', container, [], (limit) => container.items.create({ id, ...session, ttl }, limit));
    },
    async find(tokenHash) {
      const item = await readItem(container, tokenHash);
      if (!item) return undefined;
      const { id, ...session } = stored.parse(item);
      return { tokenHash: id, ...session };
    },
    async remove(tokenHash) {
      await expecting('delete', container, [404], (limit) => container.item(tokenHash, tokenHash).delete(limit));
    },
  };
}
