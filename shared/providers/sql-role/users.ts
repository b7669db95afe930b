import type { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { GrantEvidence } from '../../domain/events.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Principal } from '../provider.ts';
import { type Database, oneRow, rows } from './database.ts';
import { isNeededStill } from './errors.ts';
import { type Identity, principalIdOf } from './sid.ts';
import {
  addMember,
  createUser,
  dropUser,
  findUser,
  markUser,
  type memberRow,
  membership,
  membershipRow,
  tiesRow,
  userRow,
  userTies,
} from './statements.ts';

/** The name that the database has for a principal, which need not be the one it has in the directory. */
export async function nameOf(database: Database, principal: Identity): Promise<string | undefined> {
  return (await userOf(database, principal))?.name;
}

async function userOf(database: Database, principal: Identity) {
  const found = await rows(database, userRow, findUser(principal));
  if (found.length > 1) {
    throw new CurfewError('CURFEW_TARGET_REFUSED', {
      detail: 'The database has more than one user for the principal.',
    });
  }
  return found[0];
}

/** Whether the principal is a member, and the database's time at that moment. */
export function membershipOf(database: Database, role: string, principal: Identity) {
  return oneRow(database, membershipRow, membership(role, principal));
}

/** To be run in a transaction: if it fails half-way nothing of it may stay. */
export async function addToRole(
  database: Database,
  role: string,
  principal: Principal,
): Promise<GrantEvidence['outcome']> {
  const standing = await nameOf(database, principal);
  if (standing !== undefined && (await membershipOf(database, role, principal)).held > 0) return 'already-held';
  if (standing === undefined) {
    await database.send(createUser(principal.userPrincipalName, principal));
    await database.send(markUser(principal.userPrincipalName));
  }
  await database.send(addMember(role, standing ?? principal.userPrincipalName));
  return 'granted';
}

/** Drops the user if Curfew made it and nothing else has come to hang on it. To be run in a transaction. */
export async function dropIfUnneeded(database: Database, principal: Identity): Promise<void> {
  const user = await userOf(database, principal);
  if (!user) return;
  const { marks, sees: _, ...others } = await oneRow(database, tiesRow, userTies(user.principal_id));
  if (marks === 0 || Object.values(others).some((count) => count > 0)) return;
  try {
    await database.send(dropUser(user.name));
  } catch (error) {
    if (!isNeededStill(error)) throw error;
  }
}

/**
 * Users of SQL Server's own (whose SID may be as long as a GUID) and roles inside the role are nobody in Entra ID: they have a
 * name, and '' for an id. An application has its client id.
 */
export function holderOf({ name, type, sid }: z.infer<typeof memberRow>): { principalId: PrincipalId; name: string } {
  const principalId = sid && /^[EX]/.test(type) ? principalIdOf(sid) : undefined;
  return { principalId: principalId ?? ('' as PrincipalId), name };
}
