import { z } from 'zod';
import { type Identity, loginSidOf, loginSuffix, sidOf } from './sid.ts';
import { quoteName, type Statement, seesAll } from './statements.ts';

/** Somebody to be dropped from a role, by the name that the database is thought to have for them. */
export interface Dropping {
  readonly role: string;
  readonly name: string;
  readonly principal: Identity;
}

/**
 * However many there are, they are one parameter, so that the text, and with it the server's plan, stays the same: an entry for
 * each SID under which the database may know somebody, with the number of whose it is.
 */
function listed(members: readonly { readonly principal: Identity; readonly role?: string }[]) {
  const entries = members.flatMap(({ principal, role }, number) =>
    [sidOf(principal), loginSidOf(principal)].map((sid) => ({ number, sid: sid.toString('hex'), role })),
  );
  return { members: JSON.stringify(entries) };
}

const field = (name: string) => `JSON_VALUE(k.value, N'$.${name}')`;
const number = `CONVERT(int, ${field('number')}) AS number`;
const theirs = `OPENJSON(@members) AS k
  JOIN sys.database_principals AS u ON u.sid = CONVERT(varbinary(85), ${field('sid')}, 2)`;
const inRole = 'JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id';

export const nameRow = z.object({ number: z.int(), name: z.string() });

/** Answers with whether it sees all, then with the names of those whom the database knows. */
export const findUsers = (principals: readonly Identity[]): Statement => ({
  operation: 'findUsers',
  text: `SELECT ${seesAll('VIEW DEFINITION')}; SELECT ${number}, u.name FROM ${theirs}`,
  values: listed(principals.map((principal) => ({ principal }))),
});

export const knownRow = z.object({ number: z.int(), held: z.int() });
export const droppedRow = z.object({ errors: z.string(), at: z.date().nullable() });

/**
 * All of them or nobody: nobody too where a name is somebody else's by now, or it is too late. One transaction, since the server
 * writes its log to disk for each, and a short text, since it reads every word of it at the deadline. Answers with who is known by
 * the name and was a member; then with the error that stood in the way, and the time when it was done, or null.
 */
export const dropMembers = (members: readonly Dropping[], giveUp: Date): Statement =>
  dropping(
    'dropMembers',
    members,
    giveUp,
    // Whoever is locked is waited for by `dropEach`.
    0,
    `BEGIN TRY
BEGIN TRANSACTION;
${members.map(dropOf).join('\n')}
COMMIT TRANSACTION; SET @at = SYSUTCDATETIME();
END TRY
BEGIN CATCH SET @errors = CONCAT(N'', ERROR_NUMBER()); IF XACT_STATE() <> 0 ROLLBACK TRANSACTION; END CATCH;`,
  );

/**
 * The same, but one who can't be dropped leaves the others alone. It waits for a lock once only, so that a locked user doesn't
 * hold up the rest. The errors are `number:error` each.
 */
export const dropEach = (members: readonly Dropping[], giveUp: Date): Statement => {
  const drops = members.map(
    (member, position) => `BEGIN TRY ${dropOf(member)} END TRY
BEGIN CATCH SET @error = ERROR_NUMBER(); SET @errors = CONCAT(@errors, N' ${position}:', @error); IF @error = 1222 SET LOCK_TIMEOUT 0; END CATCH;`,
  );
  return dropping(
    'dropEach',
    members,
    giveUp,
    lockTimeout,
    `BEGIN TRANSACTION;
${drops.join('\n')}
IF XACT_STATE() = 1 BEGIN COMMIT TRANSACTION; SET @at = SYSUTCDATETIME(); END
ELSE IF XACT_STATE() = -1 ROLLBACK TRANSACTION;`,
  );
};

const dropOf = ({ role, name }: Dropping) => `ALTER ROLE ${quoteName(role)} DROP MEMBER ${quoteName(name)};`;

function dropping(
  operation: string,
  members: readonly Dropping[],
  giveUp: Date,
  lockTimeout: number,
  text: string,
): Statement {
  const entries = members.map(({ principal, role, name }, number) => {
    return { number, sid: sidOf(principal).toString('hex'), role, name };
  });
  return {
    operation,
    text: `SET NOCOUNT ON; SET XACT_ABORT OFF; SET LOCK_TIMEOUT ${lockTimeout};
DECLARE @errors nvarchar(max) = N'', @error int, @at datetime2(7);
SELECT ${number}, (SELECT COUNT(*) FROM sys.database_role_members AS m ${inRole}
  WHERE m.member_principal_id = u.principal_id AND r.name = ${field('role')}) AS held
FROM OPENJSON(@members) AS k JOIN sys.database_principals AS u ON u.name = ${field('name')}
  AND u.sid IN (CONVERT(varbinary(85), ${field('sid')}, 2), CONVERT(varbinary(85), CONCAT(${field('sid')}, N'${loginSuffix}'), 2));
IF @@ROWCOUNT = @count AND SYSUTCDATETIME() < @giveUp
BEGIN
${text}
END
SELECT @errors AS errors, @at AS at;`,
    values: { members: JSON.stringify(entries), count: members.length, giveUp },
  };
}

/** Milliseconds. Somebody whose user is locked for longer is dropped once their sessions are gone. */
const lockTimeout = 100;

export const numberRow = z.object({ number: z.int() });

/** Answers with whether it sees all, then with those who are members still. */
export const remaining = (members: readonly Omit<Dropping, 'name'>[]): Statement => ({
  operation: 'remaining',
  text: `SELECT ${seesAll('VIEW DEFINITION')}; SELECT ${number} FROM ${theirs}
    JOIN sys.database_role_members AS m ON m.member_principal_id = u.principal_id ${inRole} AND r.name = ${field('role')}`,
  values: listed(members),
});

export const theirSessionRow = z.object({ number: z.int(), session_id: z.int(), login_time: z.date() });

/** Answers with whether it sees all, then with the sessions of all these in this database. */
export const sessionsOf = (principals: readonly Identity[]): Statement => ({
  operation: 'sessionsOf',
  text: `SELECT ${seesAll('VIEW DATABASE STATE')}; SELECT ${number}, s.session_id, s.login_time FROM OPENJSON(@members) AS k
    JOIN sys.dm_exec_sessions AS s ON s.security_id = CONVERT(varbinary(85), ${field('sid')}, 2)
    WHERE s.database_id = DB_ID() AND s.session_id <> @@SPID`,
  values: listed(principals.map((principal) => ({ principal }))),
});

/**
 * Ends each session that is the principal's at that moment. One that can't be ended says nothing: whether it is gone is asked
 * afterwards.
 */
export const killSessions = (
  sessions: readonly { readonly principal: Identity; readonly session: number }[],
): Statement => ({
  operation: 'killSessions',
  text: sessions
    .map(({ principal, session }) => {
      const id = z.int().positive().parse(session);
      const sids = [sidOf(principal), loginSidOf(principal)].map((sid) => `0x${sid.toString('hex')}`);
      const isTheirs = `SELECT 1 FROM sys.dm_exec_sessions WHERE session_id = ${id} AND security_id IN (${sids.join(', ')}) AND database_id = DB_ID()`;
      return `BEGIN TRY IF EXISTS (${isTheirs}) KILL ${id}; END TRY BEGIN CATCH END CATCH;`;
    })
    .join('\n'),
});
