import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import { type Instant, millisecondsOf } from '../../domain/time.ts';
import { type Identity, loginSidOf, sidOf } from './sid.ts';

/**
 * Everything that is ever said to a database. T-SQL takes no parameters for names, for the SID of a new user and for
 * KILL: names go through quoteName, a SID is hex of bytes, a session id a checked integer. All else is a parameter.
 */
export interface Statement {
  /** What it does, for telemetry, which never sees the text. */
  readonly operation: string;
  readonly text: string;
  readonly values?: Readonly<Record<string, string | number | Buffer | Date>>;
}

/** A name as T-SQL takes it: in brackets, with `]` doubled. Whatever is in it, it stays one name. */
export function quoteName(name: string): string {
  if (name === '' || name.length > 128 || name.includes('\0')) {
    throw new CurfewError('CURFEW_TARGET_REFUSED', { detail: 'The database cannot have a name like this.' });
  }
  return `[${name.replaceAll(']', ']]')}]`;
}

const sids = (principal: Identity) => ({ sid: sidOf(principal), loginSid: loginSidOf(principal) });

export const ownNameRow = z.object({ name: z.string() });
export const ownName: Statement = { operation: 'ownName', text: 'SELECT USER_NAME() AS name' };

export const userRow = z.object({ name: z.string(), principal_id: z.int() });

/** The user of a principal, whatever its name there. */
export const findUser = (principal: Identity): Statement => ({
  operation: 'findUser',
  text: 'SELECT name, principal_id FROM sys.database_principals WHERE sid IN (@sid, @loginSid)',
  values: sids(principal),
});

/**
 * The catalog leaves out, without a word, what the asker may not see. So each answer on which Curfew relies says as well that it
 * was given in full; one that does not is no answer.
 */
export const seesAll = (permission: 'VIEW DEFINITION' | 'VIEW DATABASE STATE') =>
  `HAS_PERMS_BY_NAME(NULL, N'DATABASE', N'${permission}') AS sees`;
const sees = z.literal(1);
export const seesRow = z.object({ sees });

export const membershipRow = z.object({ held: z.int(), at: z.date(), sees });

/** Direct membership alone: what comes by way of another role or a group is neither given nor taken here. */
export const membership = (role: string, principal: Identity): Statement => ({
  operation: 'membership',
  text: `SELECT COUNT(*) AS held, SYSUTCDATETIME() AS at, ${seesAll('VIEW DEFINITION')} FROM sys.database_role_members AS m
    JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
    JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id
    WHERE r.name = @role AND u.sid IN (@sid, @loginSid)`,
  values: { role, ...sids(principal) },
});

export const memberRow = z.object({
  name: z.string(),
  type: z.string(),
  sid: z.custom<Uint8Array>((value) => value instanceof Uint8Array).nullable(),
});

/** Answers with whether it sees all, then with the members. */
export const members = (role: string): Statement => ({
  operation: 'members',
  text: `SELECT ${seesAll('VIEW DEFINITION')};
    SELECT u.name, u.type, u.sid FROM sys.database_role_members AS m
    JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
    JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id
    WHERE r.name = @role ORDER BY u.name`,
  values: { role },
});

export const startRow = z.object({ id: z.int(), name: z.string(), is_asked: z.int() });
export const nestingRow = memberRow.extend({ role_id: z.int(), role: z.string(), id: z.int(), is_wrapper: z.int() });

/**
 * Answers with whether it sees all; with the role and db_owner, in which everybody may do everything; and with all that roles
 * consist of, as far as it concerns the principal: roles, groups of Entra ID, and the principal's own user. A wrapper is a
 * role that gives nothing of its own, but what the roles give that it is in.
 */
export const nesting = (role: string, principal: Identity): Statement => ({
  operation: 'nesting',
  text: `SELECT ${seesAll('VIEW DEFINITION')};
    SELECT principal_id AS id, name, CASE WHEN name = @role THEN 1 ELSE 0 END AS is_asked FROM sys.database_principals
    WHERE type = N'R' AND name IN (@role, N'db_owner');
    SELECT r.principal_id AS role_id, r.name AS role, u.principal_id AS id, u.name, u.type, u.sid,
      CASE WHEN u.type = N'R' AND u.is_fixed_role = 0
        AND NOT EXISTS (SELECT 1 FROM sys.database_permissions AS p WHERE p.grantee_principal_id = u.principal_id)
        AND NOT EXISTS (SELECT 1 FROM sys.schemas AS s WHERE s.principal_id = u.principal_id)
        THEN 1 ELSE 0 END AS is_wrapper
    FROM sys.database_role_members AS m
    JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
    JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id
    WHERE u.type IN (N'R', N'X') OR u.sid IN (@sid, @loginSid) ORDER BY r.name, u.name`,
  values: { role, ...sids(principal) },
});

/** With its SID given, the server needs no look-up in the directory, and Curfew no right to make it do one. */
export const createUser = (name: string, principal: Identity): Statement => ({
  operation: 'createUser',
  text: `CREATE USER ${quoteName(name)} WITH SID = 0x${sidOf(principal).toString('hex')}, TYPE = E`,
});

export const markUser = (name: string): Statement => ({
  operation: 'markUser',
  text: "EXEC sp_addextendedproperty @name = N'Curfew', @value = N'created', @level0type = 'USER', @level0name = @user",
  values: { user: name },
});

export const addMember = (role: string, name: string): Statement => ({
  operation: 'addMember',
  text: `ALTER ROLE ${quoteName(role)} ADD MEMBER ${quoteName(name)}`,
});

/**
 * One round trip: who was a member before, the drop, and who is one after, with the time. T-SQL drops by name, so it looks
 * first whether the name is still this principal's, and whether it is too late: a statement that was held up on its way may arrive when
 * the same was granted again. If so, `after` shows the member still there.
 */
export const dropMember = (role: string, name: string, principal: Identity, notAfter?: Instant): Statement => {
  const { text, values } = membership(role, principal);
  const isTheirs = 'SELECT 1 FROM sys.database_principals WHERE name = @name AND sid IN (@sid, @loginSid)';
  const drop = `ALTER ROLE ${quoteName(role)} DROP MEMBER ${quoteName(name)}`;
  const inTime = notAfter === undefined ? '' : 'SYSUTCDATETIME() < @notAfter AND ';
  return {
    operation: 'dropMember',
    text: `${text};\nIF ${inTime}EXISTS (${isTheirs}) ${drop};\n${text}`,
    values: { ...values, name, ...(notAfter !== undefined && { notAfter: new Date(millisecondsOf(notAfter)) }) },
  };
};

export const dropUser = (name: string): Statement => ({ operation: 'dropUser', text: `DROP USER ${quoteName(name)}` });

export const tiesRow = z.object({
  marks: z.int(),
  roles: z.int(),
  schemas: z.int(),
  owned: z.int(),
  permissions: z.int(),
  sees,
});

/**
 * Curfew's mark on a user, and what else hangs on it. Every user has been granted CONNECT; a CONNECT denied is somebody's
 * decision, and would be lost with the user.
 */
export const userTies = (principal: number): Statement => ({
  operation: 'userTies',
  text: `SELECT
    (SELECT COUNT(*) FROM sys.extended_properties WHERE class = 4 AND major_id = @id AND name = N'Curfew') AS marks,
    (SELECT COUNT(*) FROM sys.database_role_members WHERE member_principal_id = @id) AS roles,
    (SELECT COUNT(*) FROM sys.schemas WHERE principal_id = @id) AS schemas,
    (SELECT COUNT(*) FROM sys.database_principals WHERE owning_principal_id = @id) AS owned,
    (SELECT COUNT(*) FROM sys.database_permissions WHERE grantor_principal_id = @id
      OR (grantee_principal_id = @id AND NOT (class = 0 AND permission_name = N'CONNECT' AND state = N'G'))) AS permissions,
    ${seesAll('VIEW DEFINITION')}`,
  values: { id: principal },
});

export const sessionRow = z.object({ session_id: z.int(), login_time: z.date() });

/** Never the session that asks. */
const theirSession =
  'FROM sys.dm_exec_sessions WHERE security_id IN (@sid, @loginSid) AND database_id = DB_ID() AND session_id <> @@SPID';

/** Answers with whether it sees all, then with the principal's sessions in this database. */
export const sessions = (principal: Identity): Statement => ({
  operation: 'sessions',
  text: `SELECT ${seesAll('VIEW DATABASE STATE')};
    SELECT session_id, login_time ${theirSession}`,
  values: sids(principal),
});

export const foundRow = z.object({ found: z.int() });

/** Numbers of sessions are used again: the one of that number is ended only if it is the principal's at that moment. */
export const killSession = (principal: Identity, session: number): Statement => {
  const found = `SELECT COUNT(*) AS found ${theirSession} AND session_id = @session`;
  const kill = `KILL ${z.int().positive().parse(session)}`;
  return {
    operation: 'killSession',
    text: `${found};\nIF (${found}) > 0 ${kill}`,
    values: { ...sids(principal), session },
  };
};
