import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { Lack, Preflight } from '../provider.ts';
import { type Database, oneRow } from './database.ts';
import { quoteName, type Statement } from './statements.ts';

const needed = {
  'ALTER ANY USER': 'to make and drop users',
  'KILL DATABASE CONNECTION': 'to end sessions',
  'VIEW DATABASE STATE': 'to see sessions',
  'VIEW DEFINITION': 'to read back who is a member',
};
type Right = keyof typeof needed;
const rights = Object.keys(needed) as Right[];

const yes = z
  .int()
  .nullable()
  .transform((answer) => answer === 1);
const hereRow = z.object({
  me: z.string(),
  owner: yes,
  ...(Object.fromEntries(rights.map((right) => [right, yes])) as Record<Right, typeof yes>),
  alters: yes,
  roles: z.int(),
  fixed: z.int(),
  everybody: z.int(),
});

/** Who asks, and what they may: all in one round trip, since every grant asks it. */
const here = (role: string): Statement => ({
  operation: 'preflight',
  text: `SELECT USER_NAME() AS me, IS_ROLEMEMBER(N'db_owner') AS owner,
    ${rights.map((right) => `HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'${right}') AS [${right}]`).join(',\n    ')},
    HAS_PERMS_BY_NAME(@quoted, N'ROLE', N'ALTER') AS alters,
    (SELECT COUNT(*) FROM sys.database_principals WHERE name = @role AND type = N'R') AS roles,
    (SELECT COUNT(*) FROM sys.database_principals WHERE name = @role AND is_fixed_role = 1) AS fixed,
    (SELECT COUNT(*) FROM sys.database_principals WHERE name = @role AND principal_id = 0) AS everybody`,
  values: { role, quoted: quoteName(role) },
});

/**
 * What Curfew is in a database, and what it lacks there to give and take membership of a role. A fixed role (and public) counts as
 * lacking: only db_owner could change who is in it, and Curfew is not to be db_owner.
 */
export async function examine(database: Database, role: string) {
  const found = await oneRow(database, hereRow, here(role));
  const { me, owner: isOwner, roles, fixed, everybody } = found;
  const lacks: Lack[] = rights
    .filter((right) => !found[right])
    .map((right) => ({
      missing: `${right}, ${needed[right]}`,
      statement: `GRANT ${right} TO ${quoteName(me)};`,
    }));
  const answer = { user: me, isOwner, lacks } satisfies Preflight;
  if (everybody > 0) lacks.push(insteadOfPublic(me));
  else if (fixed > 0) lacks.push(wrap(role, me));
  if (fixed + everybody > 0) return answer;
  // Without VIEW DEFINITION a role may stand there unseen.
  if (roles === 0 && found['VIEW DEFINITION'])
    lacks.push({ missing: `the role ${role}`, statement: `CREATE ROLE ${quoteName(role)};` });
  // Whoever is dbo may do as it likes with a role that is yet to be made, and can't be granted anything.
  const mayAlter = roles === 0 ? me === 'dbo' : found.alters;
  if (!mayAlter) {
    const statement = `GRANT ALTER ON ROLE::${quoteName(role)} TO ${quoteName(me)};`;
    lacks.push({ missing: `ALTER on the role ${role}, to change who is in it`, statement });
  }
  return answer;
}

/** Fails where something is lacking: what could be given and then not be taken away, with its sessions, is not given. */
export async function needAll(database: Database, role: string): Promise<void> {
  const { lacks } = await examine(database, role);
  if (lacks.length === 0) return;
  throw new CurfewError('CURFEW_TARGET_REFUSED', {
    detail: 'Curfew lacks something there to give this and take it away again.',
    remedy: { kind: 'run-statements', statements: lacks.map(({ statement }) => statement) },
  });
}

/** A role of one's own, inside the fixed one, gives the same and can be left to Curfew. */
function wrap(fixedRole: string, me: string): Lack {
  const own = `curfew_${fixedRole}`;
  return {
    missing: `a role of its own instead of ${fixedRole}, which only db_owner can change; name ${own} in the policy`,
    statement: `${make(own)} ALTER ROLE ${quoteName(fixedRole)} ADD MEMBER ${quoteName(own)}; ${leave(own, me)}`,
  };
}

/** It can't have members: everybody is in it. */
function insteadOfPublic(me: string): Lack {
  const own = 'curfew_public';
  return {
    missing: `a role of its own instead of public, in which everybody is; grant ${own} what it is to give, and name it in the policy`,
    statement: `${make(own)} ${leave(own, me)}`,
  };
}

/** The policy names another role still when this has been run, so that it is found lacking, and run, once more. */
const make = (role: string) =>
  `IF DATABASE_PRINCIPAL_ID(N'${role.replaceAll("'", "''")}') IS NULL CREATE ROLE ${quoteName(role)};`;
const leave = (role: string, me: string) => `GRANT ALTER ON ROLE::${quoteName(role)} TO ${quoteName(me)};`;
