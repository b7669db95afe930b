import type { Sqlite } from './sqlite.ts';

/**
 * The catalog of one database: base tables, and over them the views that clients see as sys.*. What a caller may not see is left
 * out by the standin_sees… functions, which know who is asking.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS sys.meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sys.principal (
  principal_id INTEGER PRIMARY KEY,
  name nvarchar(128) NOT NULL COLLATE NOCASE UNIQUE,
  type nvarchar(1) NOT NULL,
  sid varbinary(85) UNIQUE,
  owner_id int,
  default_schema nvarchar(128),
  create_date datetime NOT NULL,
  is_fixed_role bit NOT NULL,
  authentication_type int NOT NULL
);
CREATE TABLE IF NOT EXISTS sys.member (
  role_principal_id int NOT NULL,
  member_principal_id int NOT NULL,
  PRIMARY KEY (role_principal_id, member_principal_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sys.member_of ON member (member_principal_id);
CREATE TABLE IF NOT EXISTS sys.permission (
  class int NOT NULL,
  major_id int NOT NULL,
  grantee_principal_id int NOT NULL,
  grantor_principal_id int NOT NULL,
  permission_name nvarchar(128) NOT NULL,
  state nvarchar(1) NOT NULL,
  PRIMARY KEY (grantee_principal_id, class, major_id, permission_name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sys.property (
  major_id int NOT NULL,
  name nvarchar(128) NOT NULL COLLATE NOCASE,
  value nvarchar(4000),
  PRIMARY KEY (major_id, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sys.schema (
  schema_id INTEGER PRIMARY KEY,
  name nvarchar(128) NOT NULL COLLATE NOCASE UNIQUE,
  principal_id int NOT NULL
);
CREATE TABLE IF NOT EXISTS sys.object (
  object_id INTEGER PRIMARY KEY,
  name nvarchar(128) NOT NULL COLLATE NOCASE,
  schema_id int NOT NULL,
  create_date datetime NOT NULL,
  UNIQUE (schema_id, name)
);`;

const VIEWS: Record<string, string> = {
  database_principals: `SELECT name, principal_id, type,
      CASE type WHEN 'R' THEN 'DATABASE_ROLE' WHEN 'E' THEN 'EXTERNAL_USER' WHEN 'X' THEN 'EXTERNAL_GROUP' ELSE 'SQL_USER' END AS type_desc,
      default_schema AS default_schema_name, create_date, create_date AS modify_date, owner_id AS owning_principal_id, sid,
      is_fixed_role, authentication_type,
      CASE authentication_type WHEN 1 THEN 'INSTANCE' WHEN 4 THEN 'EXTERNAL' ELSE 'NONE' END AS authentication_type_desc
    FROM principal WHERE standin_sees_principal(principal_id)`,
  database_role_members: `SELECT role_principal_id, member_principal_id FROM member
    WHERE standin_sees_membership(role_principal_id, member_principal_id)`,
  database_permissions: `SELECT class,
      CASE class WHEN 0 THEN 'DATABASE' WHEN 1 THEN 'OBJECT_OR_COLUMN' WHEN 3 THEN 'SCHEMA' ELSE 'DATABASE_PRINCIPAL' END AS class_desc,
      major_id, 0 AS minor_id, grantee_principal_id, grantor_principal_id, permission_name, state,
      CASE state WHEN 'D' THEN 'DENY' WHEN 'W' THEN 'GRANT_WITH_GRANT_OPTION' ELSE 'GRANT' END AS state_desc
    FROM permission WHERE standin_sees_principal(grantee_principal_id)`,
  extended_properties: `SELECT 4 AS class, 'DATABASE_PRINCIPAL' AS class_desc, major_id, 0 AS minor_id, name, value
    FROM property WHERE standin_sees_principal(major_id)`,
  schemas: 'SELECT name, schema_id, principal_id FROM schema',
  objects: `SELECT name, object_id, schema_id, 'U' AS type, 'USER_TABLE' AS type_desc, create_date, create_date AS modify_date
    FROM object WHERE standin_sees_object(object_id, schema_id)`,
  tables: `SELECT name, object_id, schema_id, 'U' AS type, 'USER_TABLE' AS type_desc, create_date, create_date AS modify_date
    FROM object WHERE standin_sees_object(object_id, schema_id)`,
  databases: `SELECT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS database_id FROM json_each(standin_databases())`,
};

/** Sessions are no part of the file: each connection keeps them in its memory, and asks for what changes all the time. */
export const SESSIONS = `
CREATE TEMP TABLE session (session_id smallint PRIMARY KEY, login_time datetime, security_id "varbinary(85)", login_name "nvarchar(128)",
  host_name "nvarchar(128)", program_name "nvarchar(128)", client_interface_name "nvarchar(32)") WITHOUT ROWID;
CREATE INDEX temp.session_by_sid ON session (security_id);
CREATE TEMP VIEW dm_exec_sessions AS SELECT session_id, login_time, security_id, login_name, login_name AS original_login_name, host_name,
  program_name, client_interface_name, tsql_db_id() AS database_id, 1 AS is_user_process, standin_session(session_id, 'status') AS status,
  standin_session(session_id, 'open_transaction_count') AS open_transaction_count,
  standin_session(session_id, 'last_request_start_time') AS last_request_start_time
  FROM session WHERE standin_sees_session(session_id)`;

/** Where a system view is kept. */
export const SYSTEM_VIEWS: ReadonlyMap<string, 'sys' | 'temp'> = new Map([
  ...Object.keys(VIEWS).map((name) => [name, 'sys'] as const),
  ['dm_exec_sessions', 'temp'],
]);

/** Types of view columns that SQLite can't tell from the base tables. */
export const VIEW_TYPES: Record<string, string> = {
  type_desc: 'nvarchar(60)',
  class_desc: 'nvarchar(60)',
  state_desc: 'nvarchar(60)',
  authentication_type_desc: 'nvarchar(60)',
  minor_id: 'int',
  session_id: 'smallint',
  login_time: 'datetime',
  security_id: 'varbinary(85)',
  login_name: 'nvarchar(128)',
  original_login_name: 'nvarchar(128)',
  status: 'nvarchar(30)',
  host_name: 'nvarchar(128)',
  program_name: 'nvarchar(128)',
  client_interface_name: 'nvarchar(32)',
  database_id: 'smallint',
  open_transaction_count: 'int',
  last_request_start_time: 'datetime',
  is_user_process: 'bit',
};

export const PUBLIC = 0;
export const DBO = 1;
const FIXED_ROLES: [number, string][] = [
  [16384, 'db_owner'],
  [16385, 'db_accessadmin'],
  [16386, 'db_securityadmin'],
  [16387, 'db_ddladmin'],
  [16389, 'db_backupoperator'],
  [16390, 'db_datareader'],
  [16391, 'db_datawriter'],
  [16392, 'db_denydatareader'],
  [16393, 'db_denydatawriter'],
];

export function createCatalog(catalog: Sqlite, now: string) {
  catalog.exec(TABLES);
  for (const [name, select] of Object.entries(VIEWS)) {
    catalog.exec(`DROP VIEW IF EXISTS sys.${name}; CREATE VIEW sys.${name} AS ${select}`);
  }
  if (catalog.get('SELECT 1 AS one FROM sys.principal LIMIT 1')) return;
  const principal = (
    id: number,
    name: string,
    type: string,
    sid: Buffer | null,
    schema: string | null,
    fixed: bigint,
  ) =>
    catalog.run(
      'INSERT INTO sys.principal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[BigInt(id), name, type, sid, type === 'R' ? 1n : null, schema, now, fixed, id === DBO ? 1n : 0n],
    );
  catalog.exec('BEGIN');
  principal(PUBLIC, 'public', 'R', roleSid(PUBLIC), null, 0n);
  principal(DBO, 'dbo', 'S', Buffer.from([1]), 'dbo', 0n);
  principal(2, 'guest', 'S', Buffer.from([0]), 'guest', 0n);
  principal(3, 'INFORMATION_SCHEMA', 'S', null, null, 0n);
  principal(4, 'sys', 'S', null, null, 0n);
  for (const [id, name] of FIXED_ROLES) principal(id, name, 'R', roleSid(id), null, 1n);
  catalog.exec(`INSERT INTO sys.schema VALUES (1, 'dbo', 1), (2, 'guest', 2), (3, 'INFORMATION_SCHEMA', 3), (4, 'sys', 4);
    INSERT INTO sys.meta VALUES ('next_principal', '5'), ('next_schema', '5'), ('next_object', '901578250'); COMMIT`);
}

export const roleSid = (id: number) => {
  const sid = Buffer.alloc(28);
  sid.write('0105000000000009040000', 'hex');
  sid.writeUInt32LE(id, 24);
  return sid;
};
