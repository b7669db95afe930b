import { createHash } from 'node:crypto';

/** What is kept of an approval link's token, and what a link is looked up by: its SHA-256, in hex. */
export function tokenHashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
