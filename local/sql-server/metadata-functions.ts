import {
  objectById,
  objectByName,
  principalById,
  principalByName,
  rolesOf,
  schemaById,
  schemaByName,
} from './catalog.ts';
import { PUBLIC } from './catalog-schema.ts';
import type { Database } from './database.ts';
import { DATABASE, may, type Securable, sees, seesEverybody } from './permissions.ts';
import type { Session } from './session.ts';
import { datetimeText } from './tds/date-text.ts';
import type { SqlValue } from './tds/sql-type.ts';
import { Cursor } from './tsql/cursor.ts';

export const VERSION = 'Microsoft SQL Azure (RTM) - 12.0.2000.8 (stand-in on a laptop)';

const text = (value: SqlValue | undefined) => String(value ?? '');
const bit = (value: boolean) => (value ? 1n : 0n);

/** Functions that answer for the session that is asking. */
export function metadataFunctions(database: Database): Record<string, (...args: SqlValue[]) => SqlValue> {
  const asking = (): Session => {
    if (!database.caller) throw new Error('no session is asking');
    return database.caller;
  };
  const catalog = () => asking().catalog;
  const principal = (id: number) => principalById(catalog(), id);
  return {
    tsql_global: (name) => globalValue(asking(), text(name)),
    tsql_db_name: (id) => (id === undefined || Number(id) === database.id ? database.name : null),
    tsql_db_id: (name) =>
      name === undefined || text(name).toLowerCase() === database.name.toLowerCase() ? BigInt(database.id) : null,
    tsql_login_name: () => asking().login.name,
    tsql_login_sid: () => asking().login.sid,
    tsql_user_name: (id) => principal(id === undefined ? asking().principalId : Number(id))?.name ?? null,
    tsql_principal_id: (name) => {
      if (name === undefined) return BigInt(asking().principalId);
      const found = principalByName(catalog(), text(name));
      return found ? BigInt(found.id) : null;
    },
    tsql_is_rolemember: (role, member) => {
      const found = principalByName(catalog(), text(role));
      const who = member === undefined ? asking().principalId : principalByName(catalog(), text(member))?.id;
      if (found?.type !== 'R' || who === undefined) return null;
      return bit(
        found.id === PUBLIC || rolesOf(catalog(), who).slice(1).includes(found.id) || (who === 1 && found.fixed),
      );
    },
    tsql_has_perms: (securable, kind, permission) => {
      const on = findSecurable(asking(), securable ?? null, kind ?? null);
      return on ? bit(may(asking().rights(), text(permission).toUpperCase(), on)) : null;
    },
    tsql_schema_name: (id) => (id === undefined ? 'dbo' : (schemaById(catalog(), Number(id))?.name ?? null)),
    tsql_schema_id: (name) => {
      const found = schemaByName(catalog(), name === undefined ? 'dbo' : text(name));
      return found ? BigInt(found.id) : null;
    },
    tsql_object_id: (name) => {
      const on = findSecurable(asking(), name ?? null, 'OBJECT');
      return on?.class === 'object' && sees(asking().rights(), on) ? BigInt(on.object.id) : null;
    },
    tsql_object_name: (id) => objectById(catalog(), Number(id))?.name ?? null,
    tsql_object_schema_name: (id) => objectById(catalog(), Number(id))?.schema ?? null,
    tsql_host_name: () => asking().login.hostName,
    tsql_app_name: () => asking().login.programName,
    tsql_xact_state: () => bit(asking().transaction !== undefined),
    tsql_applock_mode: (owner, resource) => {
      const mode = database.locks.mode(asking(), `app:${text(owner)}:${text(resource)}`);
      if (mode === undefined) return 'NoLock';
      return mode.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase());
    },
    standin_sees_principal: (id) => {
      const rights = asking().rights();
      if (seesEverybody(rights)) return 1n;
      const found = principal(Number(id));
      if (!found) return 0n;
      if (found.fixed || found.id <= 4 || rights.held.has(found.id)) return 1n;
      return bit(sees(rights, { class: 'principal', principal: found }));
    },
    standin_sees_membership: (role, member) => {
      const rights = asking().rights();
      return bit(rights.held.has(Number(member)) || rights.held.has(Number(role)) || may(rights, 'VIEW DEFINITION'));
    },
    standin_sees_object: (id) => {
      const object = objectById(catalog(), Number(id));
      const schema = object && schemaById(catalog(), object.schemaId);
      return bit(
        object !== undefined && schema !== undefined && sees(asking().rights(), { class: 'object', object, schema }),
      );
    },
    standin_databases: () => JSON.stringify([[database.name, database.id]]),
    // Without VIEW DATABASE STATE one sees one's own session and no other.
    standin_sees_session: (id) => bit(Number(id) === asking().id || may(asking().rights(), 'VIEW DATABASE STATE')),
    standin_session: (id, column) => sessionState(asking().registry.get(Number(id)), text(column)),
  };
}

function sessionState(session: Session | undefined, column: string): SqlValue {
  if (!session) return null;
  if (column === 'status') return session.running ? 'running' : 'sleeping';
  return column === 'open_transaction_count'
    ? BigInt(session.transaction?.depth ?? 0)
    : datetimeText(session.lastRequest);
}

function globalValue(session: Session, name: string): SqlValue {
  switch (name) {
    case '@@spid':
      return BigInt(session.id);
    case '@@version':
      return VERSION;
    case '@@trancount':
      return BigInt(session.transaction?.depth ?? 0);
    case '@@rowcount':
      return BigInt(session.rowCount);
    case '@@error':
      return BigInt(session.error);
    case '@@identity':
      return session.identity;
    case '@@lock_timeout':
      return BigInt(session.lockTimeout ?? -1);
    case 'error_number':
      return session.caught ? BigInt(session.caught.number) : null;
    case 'error_message':
      return session.caught?.message ?? null;
    case 'error_severity':
      return session.caught ? BigInt(session.caught.severity) : null;
    case 'error_state':
      return session.caught ? BigInt(session.caught.state) : null;
    default:
      return 'localhost';
  }
}

/** What HAS_PERMS_BY_NAME and OBJECT_ID are asked about; undefined when there is no such thing. */
function findSecurable(session: Session, name: SqlValue, kind: SqlValue): Securable | undefined {
  const { catalog } = session;
  if (kind === null || text(kind).toUpperCase() === 'DATABASE') {
    return name === null || text(name).toLowerCase() === session.database.name.toLowerCase() ? DATABASE : undefined;
  }
  const cursor = new Cursor(text(name));
  switch (text(kind).toUpperCase()) {
    case 'OBJECT': {
      const asked = cursor.objectName();
      const object = objectByName(catalog, asked.schema, asked.name);
      const schema = object && schemaById(catalog, object.schemaId);
      return object && schema ? { class: 'object', object, schema } : undefined;
    }
    case 'SCHEMA': {
      const schema = schemaByName(catalog, cursor.name());
      return schema && { class: 'schema', schema };
    }
    case 'ROLE':
    case 'USER': {
      const found = principalByName(catalog, cursor.name());
      return found && (found.type === 'R') === (text(kind).toUpperCase() === 'ROLE')
        ? { class: 'principal', principal: found }
        : undefined;
    }
    default:
      return undefined;
  }
}
