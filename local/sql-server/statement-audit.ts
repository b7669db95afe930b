import { describe } from './grants.ts';
import type { SqlError } from './server-error.ts';
import type { Change, Session } from './session.ts';
import type { Statement } from './tsql/statement.ts';

export const who = (session: Session) => ({ sessionId: session.id, principal: session.login.name });

/** How the audit names a statement; nothing for those that it doesn't record. */
export function auditOf(statement: Statement): Change | undefined {
  switch (statement.kind) {
    case 'alter-role':
      return { action: `ALTER ROLE ${statement.verb} MEMBER`, object: statement.role, member: statement.member };
    case 'create-user':
    case 'external-user':
      return { action: 'CREATE USER', object: statement.name };
    case 'drop-user':
    case 'create-role':
    case 'drop-role':
    case 'create-schema':
    case 'drop-schema':
      return { action: statement.kind.replace('-', ' ').toUpperCase(), object: statement.name };
    case 'permission':
      return {
        action: `${statement.verb} ${statement.permissions.join(', ')}`,
        object: describe(statement.on),
        member: statement.principals.join(', '),
      };
    case 'kill':
      return { action: 'KILL', object: String(statement.session) };
    case 'flush-auth-cache':
      return { action: 'DBCC FLUSHAUTHCACHE' };
    case 'change':
      return { action: statement.verb, object: `${statement.table.schema}.${statement.table.name}` };
    case 'select':
      return { action: 'SELECT' };
    default:
      return undefined;
  }
}

export function auditFailure(session: Session, statement: Statement, error: SqlError) {
  const entry = auditOf(statement);
  if (!entry) return;
  const object = error.object === undefined ? {} : { object: error.object };
  session.database.record({ ...who(session), ...object, ...entry, succeeded: false, error: error.number });
}
