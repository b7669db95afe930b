import { checkPermissions, compile, resultColumns, tableFinder, type Writable } from './compile.ts';
import type { Frame } from './frame.ts';
import { SqlError } from './server-error.ts';
import type { Sqlite } from './sqlite.ts';
import { who } from './statement-audit.ts';
import type { SqlValue } from './tds/sql-type.ts';
import { convert } from './tsql/conversion.ts';
import { Emit, type Expression, type Query } from './tsql/emit.ts';
import type { Change } from './tsql/statement.ts';

/** Runs a SELECT where it sees what the session has written. */
function query(frame: Frame, key: object, writable: Writable) {
  const { session, types, values } = frame;
  const { database } = session;
  database.caller = session;
  let on = session.transaction?.writes.has('data') ? database.data : database.reader;
  if (session.transaction?.writes.has('catalog')) {
    // The connection that has uncommitted changes of the catalog knows no user tables.
    const seen = new Set<string>();
    writable.sql(new Emit(types, tableFinder(database, on, seen)));
    if ([...seen].every((table) => table.startsWith('sys.'))) on = database.catalog;
  }
  const compiled = compile(session, on, key, writable, types);
  checkPermissions(session, compiled.needs);
  const rows = compiled.statement.all(
    ...compiled.used.map((name) => values.get(name) ?? null),
  ) as unknown as SqlValue[][];
  for (const { permission, table } of compiled.needs)
    database.record({ ...who(session), action: permission, object: table, succeeded: true });
  return { compiled, rows };
}

export function select(frame: Frame, parsed: Query) {
  const { session, reply } = frame;
  const { compiled, rows } = query(frame, parsed, parsed);
  if (parsed.assigns.length > 0) {
    const last = rows.at(-1);
    for (const [i, name] of parsed.assigns.entries()) if (last) assign(frame, name, last[i] ?? null);
  } else {
    reply.rows(resultColumns(compiled.statement, compiled.columns, rows), rows);
  }
  session.rowCount = rows.length;
  reply.done(frame.inProcedure, counted(session));
}

const counted = ({ noCount, rowCount }: Frame['session']) => (noCount ? {} : { count: rowCount });

export async function change(frame: Frame, statement: Change) {
  const { session, reply, signal, types, values } = frame;
  const { database } = session;
  session.rights();
  const object = `${statement.table.schema}.${statement.table.name}`;
  const target = object.toLowerCase();
  const writable: Writable = { target, sql: (e) => statement.sql(e), columns: (e) => statement.output?.(e) ?? [] };
  await session.write('data', signal, { action: statement.verb, object }, (on) => {
    if (['sys', 'standin'].includes(statement.table.schema.toLowerCase())) {
      throw new SqlError(259, 'Ad hoc updates to system catalogs are not allowed.');
    }
    const compiled = compile(session, on, statement, writable, types);
    // SQLite names no table when an INSERT has nothing to read; the permission is asked for by the statement itself.
    checkPermissions(session, [{ permission: statement.verb, table: target }, ...compiled.needs]);
    const e = new Emit(types, tableFinder(database, on, new Set()));
    if (statement.verb === 'INSERT' && statement.explicit(e) && session.identityInsert !== target) {
      throw new SqlError(
        544,
        `Cannot insert explicit value for identity column in table '${statement.table.name}' when IDENTITY_INSERT is set to OFF.`,
      );
    }
    const bound = compiled.used.map((name) => values.get(name) ?? null);
    if (statement.output) {
      const rows = compiled.statement.all(...bound) as unknown as SqlValue[][];
      reply.rows(resultColumns(compiled.statement, compiled.columns, rows), rows);
      session.rowCount = rows.length;
    } else {
      session.rowCount = Number(compiled.statement.run(...bound).changes);
    }
    if (statement.verb === 'INSERT') session.identity = lastIdentity(on, statement, e);
  });
  reply.done(frame.inProcedure, counted(session));
}

function lastIdentity(on: Sqlite, statement: Change, e: Emit): bigint | null {
  const { schema, name } = statement.table;
  if (!e.table(schema, name).identity) return null;
  const id = on.get('SELECT last_insert_rowid() AS id')?.id;
  return typeof id === 'bigint' ? id : null;
}

const single = new WeakMap<Expression, Query>();

/** The value of an expression, worked out by SQLite. */
export function evaluate(frame: Frame, expression: Expression): SqlValue {
  const asQuery = single.get(expression) ?? {
    assigns: [],
    sql: (e: Emit) => `SELECT ${expression.sql(e)}`,
    columns: () => [],
  };
  single.set(expression, asQuery);
  return query(frame, asQuery, asQuery).rows[0]?.[0] ?? null;
}

export function truth(frame: Frame, condition: Expression): boolean {
  const value = evaluate(frame, condition);
  return value !== null && Number(value) !== 0;
}

export function assign(frame: Frame, name: string, value: SqlValue) {
  const type = frame.types.get(name);
  if (!type) throw new SqlError(137, `Must declare the scalar variable "${name}".`, 15);
  frame.values.set(name, convert(value, type));
}
