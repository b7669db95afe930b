import { SqlError, unsupported } from '../server-error.ts';
import { literal, quote } from '../sqlite.ts';
import { writeType } from '../tds/sql-type.ts';
import type { Cursor } from './cursor.ts';
import {
  type Emit,
  type Expression,
  innerScope,
  type OutputColumn,
  type Query,
  type Scope,
  type Table,
} from './emit.ts';
import { parseExpression } from './expression.ts';
import { parseFrom, parseItem, parseNames, parseQuery, parseRows, parseTableHints } from './select.ts';
import type { Change, ObjectName } from './statement.ts';

const tableOf = (e: Emit, { schema, name, database }: ObjectName) => e.table(schema, name, database);

/** A value as the column holds it: converted, and refused when it doesn't fit. */
function stored(sql: string, table: Table, column: string): string {
  const found = table.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
  if (!found) throw new SqlError(207, `Invalid column name '${column}'.`);
  return found.type ? `tsql_store(${sql}, ${literal(writeType(found.type))}, ${literal(column)})` : sql;
}

/** OUTPUT INSERTED.x, … of what was written; rows as they were before an UPDATE can't be had. */
function parseOutput(c: Cursor, scope: Scope, alias: string) {
  if (!c.accept('OUTPUT')) return undefined;
  const items: { sql(e: Emit): string; columns(e: Emit): OutputColumn[] }[] = [];
  do {
    if (!c.at(alias, '.')) throw unsupported(`OUTPUT ${c.peek().raw}`);
    c.expect(alias, '.');
    items.push(parseItem(c, scope));
  } while (c.accept(','));
  if (c.at('INTO')) throw unsupported('OUTPUT INTO');
  return {
    sql: (e: Emit) => ` RETURNING ${items.map((item) => item.sql(e)).join(', ')}`,
    columns: (e: Emit) => items.flatMap((item) => item.columns(e)),
  };
}

/** The scope of a statement on one table, whose columns are named bare. */
function tableScope(table: ObjectName): Scope {
  const scope = innerScope();
  scope.sources.push({ alias: table.name, columns: (e) => tableOf(e, table).columns });
  return scope;
}

export function parseInsert(c: Cursor): Change {
  c.accept('INTO');
  const table = c.objectName();
  parseTableHints(c);
  const named = c.at('(') && !(c.peek(1).text === 'SELECT' && c.peek(1).kind === 'word') ? parseNames(c) : undefined;
  const scope = tableScope(table);
  const output = parseOutput(c, scope, 'INSERTED');
  const columns = (e: Emit) => {
    const { columns: all, identity } = tableOf(e, table);
    return named ?? all.map(({ name }) => name).filter((name) => name !== identity);
  };
  const explicit = (e: Emit) => {
    const { identity } = tableOf(e, table);
    return identity !== undefined && columns(e).some((name) => name.toLowerCase() === identity.toLowerCase());
  };
  const source = parseInsertSource(c);
  return {
    kind: 'change',
    verb: 'INSERT',
    table,
    explicit,
    ...(output ? { output: output.columns } : {}),
    sql: (e) => {
      const into = tableOf(e, table);
      const names = columns(e);
      return `INSERT INTO ${into.sql} ${source(e, into, names)}${output?.sql(e) ?? ''}`;
    },
  };
}

function parseInsertSource(c: Cursor): (e: Emit, into: Table, names: string[]) => string {
  if (c.accept('DEFAULT', 'VALUES')) return () => 'DEFAULT VALUES';
  const list = (names: string[]) => `(${names.map(quote).join(', ')})`;
  if (c.at('VALUES')) {
    const rows = parseRows(c, innerScope());
    return (e, into, names) => {
      checkCount(names, rows[0]?.length ?? 0);
      const row = (values: Expression[]) =>
        values.map((value, i) => stored(value.sql(e), into, names[i] ?? '')).join(', ');
      return `${list(names)} VALUES ${rows.map((values) => `(${row(values)})`).join(', ')}`;
    };
  }
  const query: Query = parseQuery(c);
  return (e, into, names) => {
    const columns = query.columns(e).length;
    if (columns > 0) checkCount(names, columns);
    const inner = names.map((_, i) => `c${i}`);
    const values = names.map((name, i) => stored(`c${i}`, into, name)).join(', ');
    return `${list(names)} SELECT ${values} FROM (WITH source (${inner.join(', ')}) AS (${query.sql(e)}) SELECT * FROM source)`;
  };
}

function checkCount(names: string[], values: number) {
  if (values > names.length) {
    throw new SqlError(
      110,
      'There are fewer columns in the INSERT statement than values specified in the VALUES clause.',
      15,
    );
  }
  if (values < names.length) {
    throw new SqlError(
      109,
      'There are more columns in the INSERT statement than values specified in the VALUES clause.',
      15,
    );
  }
}

export function parseUpdate(c: Cursor): Change {
  if (c.at('TOP')) throw unsupported('UPDATE TOP');
  const target = c.objectName();
  parseTableHints(c);
  c.expect('SET');
  const scope = innerScope();
  const sets: { column: string; value: Expression }[] = [];
  do {
    const column = c.names(2).at(-1) ?? '';
    c.expect('=');
    sets.push({ column, value: parseExpression(c, scope) });
  } while (c.accept(','));
  const output = parseOutput(c, scope, 'INSERTED');
  const { table, alias } = parseTarget(c, scope, target);
  const where = c.accept('WHERE') ? parseExpression(c, scope) : undefined;
  return {
    kind: 'change',
    verb: 'UPDATE',
    table,
    explicit: () => false,
    ...(output ? { output: output.columns } : {}),
    sql: (e) => {
      const into = tableOf(e, table);
      if (sets.some(({ column }) => column.toLowerCase() === into.identity?.toLowerCase())) {
        throw new SqlError(8102, `Cannot update identity column '${into.identity ?? ''}'.`);
      }
      const changes = sets.map(({ column, value }) => `${quote(column)} = ${stored(value.sql(e), into, column)}`);
      const condition = where ? ` WHERE ${where.sql(e)}` : '';
      return `UPDATE ${into.sql} AS ${quote(alias)} SET ${changes.join(', ')}${condition}${output?.sql(e) ?? ''}`;
    },
  };
}

export function parseDelete(c: Cursor): Change {
  if (c.at('TOP')) throw unsupported('DELETE TOP');
  c.accept('FROM');
  const target = c.objectName();
  parseTableHints(c);
  const scope = innerScope();
  const output = parseOutput(c, scope, 'DELETED');
  const { table, alias } = parseTarget(c, scope, target);
  const where = c.accept('WHERE') ? parseExpression(c, scope) : undefined;
  return {
    kind: 'change',
    verb: 'DELETE',
    table,
    explicit: () => false,
    ...(output ? { output: output.columns } : {}),
    sql: (e) => {
      const condition = where ? ` WHERE ${where.sql(e)}` : '';
      return `DELETE FROM ${tableOf(e, table).sql} AS ${quote(alias)}${condition}${output?.sql(e) ?? ''}`;
    },
  };
}

/** `UPDATE o SET … FROM orders o` names its table by an alias; a FROM with a join is refused. */
function parseTarget(c: Cursor, scope: Scope, target: ObjectName): { table: ObjectName; alias: string } {
  if (!c.accept('FROM')) {
    scope.sources.push({ alias: target.name, columns: (e) => tableOf(e, target).columns });
    return { table: target, alias: target.name };
  }
  const start = c.peek();
  const table = c.atName() ? peekObject(c) : undefined;
  parseFrom(c, scope);
  const [source] = scope.sources;
  if (!table || scope.sources.length !== 1 || !source) throw unsupported(`FROM ${start.raw} …`);
  if (source.alias.toLowerCase() !== target.name.toLowerCase()) throw unsupported(`FROM ${start.raw} …`);
  return { table, alias: source.alias };
}

function peekObject(c: Cursor): ObjectName {
  const parts = [c.peek()];
  while (c.peek(parts.length * 2 - 1).text === '.') parts.push(c.peek(parts.length * 2));
  const names = parts.map((token) => (token.kind === 'quoted' ? token.text : token.raw));
  return { schema: names.at(-2) ?? 'dbo', name: names.at(-1) ?? '' };
}
