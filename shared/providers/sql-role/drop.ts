import { CurfewError } from '../../domain/errors.ts';
import { type Instant, instantOf } from '../../domain/time.ts';
import type { Drop } from '../provider.ts';
import { type Database, firstRow } from './database.ts';
import { isMissingOrForbidden } from './errors.ts';
import type { Identity } from './sid.ts';
import { dropMember, membershipRow } from './statements.ts';
import { membershipOf, nameOf } from './users.ts';

/**
 * Takes the membership away, in one round trip if the user's name is known ahead. A name that has changed since is looked up
 * anew. Where the server knows no such user or role, or says so, the membership decides: gone is gone, and one that
 * stands means that Curfew lacks the right, or that it was too late.
 */
export async function dropFromRole(
  database: Database,
  role: string,
  principal: Identity,
  known?: string,
  notAfter?: Instant,
): Promise<Drop> {
  const absent = ({ at }: { at: Date }): Drop => ({ outcome: 'absent', droppedAt: instantOf(at.getTime()) });
  const name = known ?? (await nameOf(database, principal));
  if (name === undefined) return absent(await membershipOf(database, role, principal));
  try {
    const [before, after] = await database.send(dropMember(role, name, principal, notAfter));
    const { held, at } = firstRow(membershipRow, after);
    if (held > 0 && known !== undefined) return await dropFromRole(database, role, principal, undefined, notAfter);
    if (held > 0) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
    return firstRow(membershipRow, before).held > 0
      ? { outcome: 'revoked', droppedAt: instantOf(at.getTime()) }
      : absent({ at });
  } catch (error) {
    if (!isMissingOrForbidden(error)) throw error;
    const membership = await membershipOf(database, role, principal);
    if (membership.held > 0) throw error;
    return absent(membership);
  }
}
