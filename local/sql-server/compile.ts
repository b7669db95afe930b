import { constants, type StatementSync } from 'node:sqlite';
import { objectByName, schemaByName } from './catalog.ts';
import { SYSTEM_VIEWS, VIEW_TYPES } from './catalog-schema.ts';
import type { Database } from './database.ts';
import { isOwner, may } from './permissions.ts';
import { denied, SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import { literal, type Sqlite } from './sqlite.ts';
import { takeThrown } from './sqlite-functions.ts';
import type { Column } from './tds/reply.ts';
import { BIGINT, FLOAT, INT, MAX, readType, type SqlType, type SqlValue, TEXT, writeType } from './tds/sql-type.ts';
import { tableSql } from './tsql/ddl.ts';
import { Emit, type OutputColumn, type Table } from './tsql/emit.ts';

/** A piece of T-SQL made ready to run on one SQLite connection. */
export interface Compiled {
  statement: StatementSync;
  /** Variables, in the order of the marks. */
  used: string[];
  /** Permissions that it needs on user tables, as `dbo.orders`. */
  needs: { permission: string; table: string }[];
  columns: OutputColumn[];
}

export interface Writable {
  /** The table that is changed, as `dbo.orders`: reading it is found out from SQLite. */
  target?: string;
  sql(e: Emit): string;
  columns(e: Emit): OutputColumn[];
}

const PERMISSIONS: Record<number, string> = {
  [constants.SQLITE_READ]: 'SELECT',
  [constants.SQLITE_INSERT]: 'INSERT',
  [constants.SQLITE_UPDATE]: 'UPDATE',
  [constants.SQLITE_DELETE]: 'DELETE',
};

const shapes = new WeakMap<Sqlite, { shape: number; tables: Map<string, Table | undefined> }>();

/** Finds tables for the writer of SQL, and notes which ones were asked for. */
export function tableFinder(database: Database, on: Sqlite, seen: Set<string>) {
  return (schema: string, name: string, other?: string): Table => {
    if (other !== undefined && other.toLowerCase() !== database.name.toLowerCase()) {
      throw new SqlError(
        40515,
        `Reference to database and/or server name in '${other}.${schema}.${name}' is not supported in this version of SQL Server.`,
        15,
      );
    }
    const key = `${schema}.${name}`.toLowerCase();
    seen.add(key);
    const kept = shapes.get(on);
    const tables = kept?.shape === database.shape ? kept.tables : new Map<string, Table | undefined>();
    if (kept?.tables !== tables) shapes.set(on, { shape: database.shape, tables });
    if (!tables.has(key)) tables.set(key, describe(on, schema.toLowerCase(), name.toLowerCase()));
    const table = tables.get(key);
    if (!table) throw new SqlError(208, `Invalid object name '${schema}.${name}'.`, 16);
    return table;
  };
}

function describe(on: Sqlite, schema: string, name: string): Table | undefined {
  const view = schema === 'sys' ? SYSTEM_VIEWS.get(name) : undefined;
  if (schema === 'sys' && !view) return undefined;
  if (schema === 'standin' && name !== 'audit') return undefined;
  const system = schema === 'sys' || schema === 'standin';
  const file = view ?? (system ? schema : 'main');
  // With its file before it, no common table expression of the same name can take the place of a table.
  const sql = system ? `${file}."${name}"` : `main.${tableSql(schema, name)}`;
  const rows = on.raw.prepare(`PRAGMA ${file}.table_info(${system ? literal(name) : tableSql(schema, name)})`).all();
  if (rows.length === 0) return undefined;
  const columns = rows.map((row) => {
    const column = String(row.name);
    return { name: column, type: readType(String(row.type)) ?? readType(VIEW_TYPES[column] ?? '') };
  });
  const identity = system ? undefined : rows.find((row) => row.type === 'INTEGER' && Number(row.pk) === 1);
  return { sql, columns, ...(identity ? { identity: String(identity.name) } : {}) };
}

const compiled = new WeakMap<object, Map<Sqlite, { signature: string; compiled: Compiled }>>();

/** `key` is what was parsed: batches are parsed once and their statements compiled once, until the tables change. */
export function compile(
  session: Session,
  on: Sqlite,
  key: object,
  writable: Writable,
  variables: ReadonlyMap<string, SqlType>,
): Compiled {
  const { database } = session;
  const types = [...variables].map(([name, type]) => `${name} ${writeType(type)}`).join();
  const signature = `${database.shape}|${types}`;
  const kept = compiled.get(key)?.get(on);
  if (kept?.signature === signature) return kept.compiled;
  const seen = new Set<string>();
  const e = new Emit(variables, tableFinder(database, on, seen));
  const sql = writable.sql(e);
  const columns = writable.columns(e);
  const accesses: Database['accesses'] = [];
  database.accesses = accesses;
  let statement: StatementSync;
  try {
    statement = on.raw.prepare(sql);
  } catch (error) {
    throw sqlError(database, error);
  } finally {
    database.accesses = undefined;
  }
  statement.setReturnArrays(true);
  const needs = new Map<string, Compiled['needs'][number]>();
  const need = (permission: string, table: string) => needs.set(`${permission} ${table}`, { permission, table });
  // Whatever is named is read, even where no column of it is: COUNT(*) tells too.
  for (const name of seen) if (!name.startsWith('sys.') && name !== writable.target) need('SELECT', name);
  for (const { action, file, table } of accesses) {
    const permission = PERMISSIONS[action];
    const name = file === 'standin' ? `standin.${table}` : table;
    if (!permission || (file !== 'main' && file !== 'standin')) continue;
    // Of OPENJSON. A table would have its schema before its name.
    if (table === 'json_each') continue;
    // A change also reads tables that nobody named, for foreign keys; that needs no permission of the caller.
    if (writable.target !== undefined && !seen.has(name)) continue;
    need(permission, name);
  }
  const made: Compiled = { statement, used: e.used, needs: [...needs.values()], columns };
  const byConnection = compiled.get(key) ?? new Map();
  compiled.set(key, byConnection.set(on, { signature, compiled: made }));
  return made;
}

/** Refuses what the session may not do now, whatever it could do when the statement was compiled. */
export function checkPermissions(session: Session, needs: Compiled['needs']) {
  if (needs.length === 0) return;
  const rights = session.rights();
  for (const { permission, table } of needs) {
    const [schemaName = '', ...rest] = table.split('.');
    const name = rest.join('.');
    const schema = schemaByName(session.catalog, schemaName);
    const object = objectByName(session.catalog, schemaName, name);
    const allowed = object && schema ? may(rights, permission, { class: 'object', object, schema }) : isOwner(rights);
    if (!allowed) throw denied(permission, object?.name ?? name, session.database.name, object?.schema ?? schemaName);
  }
}

/** Types of the columns: as declared, as the expression has it, or as the values turn out. */
export function resultColumns(statement: StatementSync, columns: OutputColumn[], rows: SqlValue[][]): Column[] {
  const described = statement.columns();
  const aligned = described.length === columns.length;
  return described.map(({ name, type }, i) => {
    const expected = aligned ? columns[i]?.type : undefined;
    const declared = type === null ? undefined : readType(type);
    return { name: name ?? '', type: fitting(expected ?? declared ?? readType(VIEW_TYPES[name ?? ''] ?? ''), rows, i) };
  });
}

function fitting(type: SqlType | undefined, rows: SqlValue[][], index: number): SqlType {
  const values = rows.map((row) => row[index] ?? null).filter((value) => value !== null);
  if (type === undefined) return inferred(values);
  if (type.kind !== 'nvarchar' || type.length === MAX) return type;
  const longest = values.reduce(
    (most: number, value) => Math.max(most, typeof value === 'string' ? value.length : 0),
    0,
  );
  return longest <= type.length ? type : { kind: 'nvarchar', length: longest > 4000 ? MAX : 4000 };
}

function inferred(values: SqlValue[]): SqlType {
  if (values.length === 0) return TEXT;
  if (values.every((value) => typeof value === 'bigint')) {
    return values.every((value) => BigInt.asIntN(32, BigInt(value ?? 0)) === value) ? INT : BIGINT;
  }
  if (values.every((value) => typeof value === 'bigint' || typeof value === 'number')) return FLOAT;
  if (values.every((value) => value instanceof Uint8Array)) return { kind: 'varbinary', length: MAX };
  return values.some((value) => typeof value === 'string' && value.length > 4000)
    ? { kind: 'nvarchar', length: MAX }
    : TEXT;
}

const CODES: [RegExp, (match: RegExpExecArray) => SqlError][] = [
  [/^no such column: (.*)$/, ([, name]) => new SqlError(207, `Invalid column name '${name}'.`)],
  [/^ambiguous column name: (.*)$/, ([, name]) => new SqlError(209, `Ambiguous column name '${name}'.`)],
  [/^table .* has no column named (.*)$/, ([, name]) => new SqlError(207, `Invalid column name '${name}'.`)],
  [/^no such table: (.*)$/, ([, name]) => new SqlError(208, `Invalid object name '${name}'.`)],
  [
    /^(UNIQUE constraint failed.*)$/,
    ([, what]) => new SqlError(2627, `Violation of a UNIQUE or PRIMARY KEY constraint: ${what}.`, 14),
  ],
  [
    /^NOT NULL constraint failed: (.*)$/,
    ([, what]) => new SqlError(515, `Cannot insert the value NULL into column '${what}'.`),
  ],
  [
    /^(FOREIGN KEY|CHECK) constraint failed/,
    ([what]) => new SqlError(547, `The statement conflicted with a constraint: ${what}.`),
  ],
  [/^misuse of aggregate.*|^.*aggregate functions are not allowed.*/, ([what]) => new SqlError(147, what)],
  [
    /^(SELECTs to the left and right of|.*do not have the same number of result columns).*/,
    () =>
      new SqlError(
        205,
        'All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.',
      ),
  ],
  [
    /^sub-select returns .* columns/,
    () =>
      new SqlError(
        116,
        'Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.',
      ),
  ],
  [
    /^integer overflow$/,
    () => new SqlError(8115, 'Arithmetic overflow error converting expression to data type bigint.'),
  ],
  [/^malformed JSON$/, () => new SqlError(13609, 'JSON text is not properly formatted.')],
  [/^table .* already exists$/, ([what]) => new SqlError(2714, `There is already an object in the database: ${what}.`)],
];

/** SQLITE_ERROR finds fault with the statement; any other code (a full disk, say) with the server. */
const isComplaint = (error: unknown) => error instanceof Error && 'errcode' in error && error.errcode === 1;

/** SQLite says what went wrong in words alone. */
export function sqlError(database: Database, error: unknown): SqlError {
  const own = takeThrown(database);
  if (error instanceof SqlError) return error;
  if (own) return own;
  const message = error instanceof Error ? error.message : String(error);
  for (const [pattern, make] of CODES) {
    const match = pattern.exec(message);
    if (match) return make(match);
  }
  if (isComplaint(error)) return new SqlError(102, `Incorrect syntax: ${message}.`, 15);
  console.error('sql-server: a statement failed for no fault of its own', error);
  return new SqlError(40197, 'The service has encountered an error processing your request. Please try again.', 17);
}
