import { DBO } from './catalog-schema.ts';
import type { Sqlite } from './sqlite.ts';
import type { SqlValue } from './tds/sql-type.ts';

/** Reading and writing the catalog, on whichever connection sees what the session should see. */
export interface Principal {
  id: number;
  name: string;
  /** S: SQL user, E: Entra user or application, X: Entra group, R: role. */
  type: string;
  ownerId: number;
  fixed: boolean;
}

export interface TableObject {
  id: number;
  name: string;
  schemaId: number;
  schema: string;
}

const text = (value: SqlValue | undefined) => (typeof value === 'string' ? value : '');

const toPrincipal = (row: Record<string, SqlValue> | undefined): Principal | undefined =>
  row && {
    id: Number(row.principal_id),
    name: text(row.name),
    type: text(row.type),
    ownerId: Number(row.owner_id ?? DBO),
    fixed: row.is_fixed_role === 1n,
  };

const COLUMNS = 'principal_id, name, type, owner_id, is_fixed_role';

export const principalByName = (catalog: Sqlite, name: string) =>
  toPrincipal(catalog.get(`SELECT ${COLUMNS} FROM sys.principal WHERE name = ?`, name));
export const principalById = (catalog: Sqlite, id: number) =>
  toPrincipal(catalog.get(`SELECT ${COLUMNS} FROM sys.principal WHERE principal_id = ?`, BigInt(id)));
export const principalBySid = (catalog: Sqlite, sid: Uint8Array) =>
  toPrincipal(catalog.get(`SELECT ${COLUMNS} FROM sys.principal WHERE sid = ?`, sid));

/** Ids are never given out twice, so a session whose user was dropped can't turn into another. */
export function nextId(catalog: Sqlite, kind: 'principal' | 'schema' | 'object'): number {
  const row = catalog.get(
    `UPDATE sys.meta SET value = value + 1 WHERE key = ? RETURNING value - 1 AS id`,
    `next_${kind}`,
  );
  return Number(row?.id);
}

export interface NewPrincipal {
  id: number;
  name: string;
  type: string;
  sid: Uint8Array;
  ownerId: number | null;
  authentication: number;
  now: string;
}

export function insertPrincipal(catalog: Sqlite, p: NewPrincipal) {
  catalog.run(
    'INSERT INTO sys.principal VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)',
    ...[BigInt(p.id), p.name, p.type, p.sid, p.ownerId === null ? null : BigInt(p.ownerId)],
    ...[p.type === 'R' ? null : 'dbo', p.now, BigInt(p.authentication)],
  );
}

export function deletePrincipal(catalog: Sqlite, id: number) {
  const key = BigInt(id);
  catalog.run('DELETE FROM sys.member WHERE member_principal_id = ? OR role_principal_id = ?', key, key);
  catalog.run('DELETE FROM sys.permission WHERE grantee_principal_id = ? OR (class = 4 AND major_id = ?)', key, key);
  catalog.run('DELETE FROM sys.property WHERE major_id = ?', key);
  catalog.run('DELETE FROM sys.principal WHERE principal_id = ?', key);
}

const MEMBERS_OF_MEMBERS = `WITH RECURSIVE held(id) AS (
  SELECT ? UNION SELECT role_principal_id FROM sys.member JOIN held ON member_principal_id = held.id)`;

/** The principal itself and every role that it is in, directly or through roles; without public. */
export const rolesOf = (catalog: Sqlite, id: number): number[] =>
  catalog.all(`${MEMBERS_OF_MEMBERS} SELECT id FROM held`, BigInt(id)).map((row) => Number(row.id));

export const addMember = (catalog: Sqlite, role: number, member: number) =>
  catalog.run('INSERT OR IGNORE INTO sys.member VALUES (?, ?)', BigInt(role), BigInt(member)) > 0;
export const removeMember = (catalog: Sqlite, role: number, member: number) =>
  catalog.run(
    'DELETE FROM sys.member WHERE role_principal_id = ? AND member_principal_id = ?',
    ...[BigInt(role), BigInt(member)],
  ) > 0;
export const hasMembers = (catalog: Sqlite, role: number) =>
  catalog.get('SELECT 1 AS one FROM sys.member WHERE role_principal_id = ? LIMIT 1', BigInt(role)) !== undefined;

export interface Schema {
  id: number;
  name: string;
  ownerId: number;
}

const toSchema = (row: Record<string, SqlValue> | undefined): Schema | undefined =>
  row && { id: Number(row.schema_id), name: text(row.name), ownerId: Number(row.principal_id) };

export const schemaByName = (catalog: Sqlite, name: string) =>
  toSchema(catalog.get('SELECT schema_id, name, principal_id FROM sys.schema WHERE name = ?', name));
export const schemaById = (catalog: Sqlite, id: number) =>
  toSchema(catalog.get('SELECT schema_id, name, principal_id FROM sys.schema WHERE schema_id = ?', BigInt(id)));
export const schemaOwnedBy = (catalog: Sqlite, owner: number) =>
  toSchema(catalog.get('SELECT schema_id, name, principal_id FROM sys.schema WHERE principal_id = ?', BigInt(owner)));

const OBJECT = `SELECT o.object_id, o.name, o.schema_id, s.name AS schema_name
  FROM sys.object o JOIN sys.schema s ON s.schema_id = o.schema_id`;

const toObject = (row: Record<string, SqlValue> | undefined): TableObject | undefined =>
  row && {
    id: Number(row.object_id),
    name: text(row.name),
    schemaId: Number(row.schema_id),
    schema: text(row.schema_name),
  };

export const objectByName = (catalog: Sqlite, schema: string, name: string) =>
  toObject(catalog.get(`${OBJECT} WHERE s.name = ? AND o.name = ?`, schema, name));
export const objectById = (catalog: Sqlite, id: number) =>
  toObject(catalog.get(`${OBJECT} WHERE o.object_id = ?`, BigInt(id)));
