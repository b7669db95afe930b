import type { PrincipalId } from '../../domain/ids.ts';
import { instantOf } from '../../domain/time.ts';
import type { Drop } from '../../ports.ts';
import { type Database, firstRow } from './database.ts';
import { isMissingOrForbidden } from './errors.ts';
import { dropMember, droppedRow, membershipRow } from './statements.ts';
import { membershipOf, nameOf } from './users.ts';

/**
 * `known` is the user's name as it was when the drop was prepared. Where the server knows no such user or role, or says so,
 * the membership is looked up again by SID: it is gone, or the user was renamed, or Curfew lacks the right.
 *
 * T-SQL drops by name. If somebody dropped the user after the preparation and gave its name to another person who was then
 * made a member of the same role, that person would lose it: too much is taken, never too little.
 */
export async function dropFromRole(
  database: Database,
  role: string,
  principalId: PrincipalId,
  known?: string,
): Promise<Drop> {
  const name = known ?? (await nameOf(database, principalId));
  try {
    if (name !== undefined) {
      const [before, after] = await database.send(dropMember(role, name, principalId));
      const outcome = firstRow(membershipRow, before).held > 0 ? 'revoked' : 'absent';
      return { outcome, droppedAt: instantOf(firstRow(droppedRow, after).at.getTime()) };
    }
  } catch (error) {
    if (!isMissingOrForbidden(error)) throw error;
    const { held } = await membershipOf(database, role, principalId);
    if (held > 0 && known === undefined) throw error;
    if (held > 0) return dropFromRole(database, role, principalId);
  }
  const { at } = await membershipOf(database, role, principalId);
  return { outcome: 'absent', droppedAt: instantOf(at.getTime()) };
}
