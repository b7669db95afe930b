import { z } from 'zod';
import { type Database, oneRow } from './database.ts';
import { quoteName, type Statement } from './statements.ts';

export interface Lack {
  readonly missing: string;
  /** What an administrator runs to mend it. */
  readonly statement: string;
}

const needed = {
  'ALTER ANY USER': 'to make and drop users',
  'KILL DATABASE CONNECTION': 'to end sessions',
  'VIEW DATABASE STATE': 'to see sessions',
  'VIEW DEFINITION': 'to read back who is a member',
};

const hereRow = z.object({ me: z.string(), roles: z.int(), fixed: z.int() });
const here = (role: string): Statement => ({
  operation: 'here',
  text: `SELECT USER_NAME() AS me,
    (SELECT COUNT(*) FROM sys.database_principals WHERE name = @role AND type = N'R') AS roles,
    (SELECT COUNT(*) FROM sys.database_principals WHERE name = @role AND (is_fixed_role = 1 OR principal_id = 0)) AS fixed`,
  values: { role },
});

const permissionRow = z.object({ has: z.int().nullable() });
const onDatabase = (permission: string): Statement => ({
  operation: 'onDatabase',
  text: "SELECT HAS_PERMS_BY_NAME(NULL, N'DATABASE', @permission) AS has",
  values: { permission },
});
const onRole = (role: string, permission: string): Statement => ({
  operation: 'onRole',
  text: "SELECT HAS_PERMS_BY_NAME(@role, N'ROLE', @permission) AS has",
  values: { role: quoteName(role), permission },
});

/**
 * What Curfew lacks in a database to give and take membership of a role. A fixed role (and public) counts as lacking: only
 * db_owner could change who is in it, and Curfew is not to be db_owner.
 */
export async function findLacks(database: Database, role: string): Promise<Lack[]> {
  const { me, roles, fixed } = await oneRow(database, hereRow, here(role));
  const has = async (statement: Statement) => (await oneRow(database, permissionRow, statement)).has === 1;
  const lacks: Lack[] = [];
  for (const [right, why] of Object.entries(needed)) {
    if (await has(onDatabase(right))) continue;
    lacks.push({ missing: `${right}, ${why}`, statement: `GRANT ${right} TO ${quoteName(me)};` });
  }
  if (fixed > 0) return [...lacks, wrap(role, me)];
  // Without VIEW DEFINITION a role may stand there unseen.
  const seesRoles = await has(onDatabase('VIEW DEFINITION'));
  if (roles === 0 && seesRoles)
    lacks.push({ missing: `the role ${role}`, statement: `CREATE ROLE ${quoteName(role)};` });
  // Whoever is dbo may do as it likes with a role that is yet to be made, and can't be granted anything.
  const mayAlter = roles === 0 ? me === 'dbo' : await has(onRole(role, 'ALTER'));
  if (!mayAlter) {
    const statement = `GRANT ALTER ON ROLE::${quoteName(role)} TO ${quoteName(me)};`;
    lacks.push({ missing: `ALTER on the role ${role}, to change who is in it`, statement });
  }
  return lacks;
}

/** A role of one's own, inside the fixed one, gives the same and can be left to Curfew. */
function wrap(fixedRole: string, me: string): Lack {
  const role = quoteName(`curfew_${fixedRole}`);
  return {
    missing: `a role of its own instead of ${fixedRole}, which only db_owner can change; name the new one in the policy`,
    statement: `CREATE ROLE ${role}; ALTER ROLE ${quoteName(fixedRole)} ADD MEMBER ${role}; GRANT ALTER ON ROLE::${role} TO ${quoteName(me)};`,
  };
}
