import type { Container } from '@azure/cosmos';
import { z } from 'zod';
import { millisecondsOf } from '../../domain/time.ts';
import type { ApprovalLink, Clock, LinkStore } from '../../ports.ts';
import { expecting, readItem } from './client.ts';

const stored = z.object({
  id: z.string(),
  requestId: z.string(),
  purpose: z.int().or(z.literal('review')),
  approver: z.looseObject({
    principalId: z.string(),
    name: z.string(),
    userPrincipalName: z.string(),
    mail: z.string(),
  }),
  expiresAt: z.string(),
});

/** Container `links`: partition key `/id`, id = SHA-256 of the token. Cosmos DB forgets a link when its `ttl` is over. */
export function createLinkStore(container: Container, clock: Clock): LinkStore {
  return {
    async save({ tokenHash: id, ...link }) {
      const ttl = Math.max(1, Math.ceil((millisecondsOf(link.expiresAt) - millisecondsOf(clock.now())) / 1000));
      await expecting('create', container, [], (limit) => container.items.create({ id, ...link, ttl }, limit));
    },
    async find(tokenHash) {
      const item = await readItem(container, tokenHash);
      if (!item) return undefined;
      const { id, ...link } = stored.parse(item);
      return { tokenHash: id, ...link } as unknown as ApprovalLink;
    },
  };
}
