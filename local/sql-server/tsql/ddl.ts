import { SqlError, unsupported } from '../server-error.ts';
import { quote } from '../sqlite.ts';
import { type SqlType, writeType } from '../tds/sql-type.ts';
import type { Cursor } from './cursor.ts';
import { type Emit, innerScope } from './emit.ts';
import { parseExpression } from './expression.ts';
import { parseNames } from './select.ts';
import type { ObjectName, Statement } from './statement.ts';

type Part = (e: Emit) => string;
type Body = Extract<Statement, { kind: 'create-table' }>;

/** The name that SQLite knows a table by. */
export const tableSql = (schema: string, name: string) => quote(`${schema}.${name}`.toLowerCase());

export function parseCreateTable(c: Cursor): Omit<Body, 'line'> {
  const table = c.objectName();
  if (table.name.startsWith('#')) throw unsupported('temporary table');
  const parts: Part[] = [];
  const references: ObjectName[] = [];
  c.expect('(');
  do
    parts.push(
      c.at('CONSTRAINT') || atTableConstraint(c) ? parseTableConstraint(c, references) : parseColumn(c, references),
    );
  while (c.accept(','));
  c.expect(')');
  return {
    kind: 'create-table',
    table,
    references,
    sql: (e, quoted) => `CREATE TABLE ${quoted} (${parts.map((part) => part(e)).join(', ')})`,
  };
}

const atTableConstraint = (c: Cursor) => c.at('PRIMARY') || c.at('UNIQUE') || c.at('FOREIGN') || c.at('CHECK');

function parseTableConstraint(c: Cursor, references: ObjectName[]): Part {
  if (c.accept('CONSTRAINT')) c.name();
  if (c.accept('PRIMARY', 'KEY')) {
    const names = parseKey(c);
    return () => `PRIMARY KEY (${names})`;
  }
  if (c.accept('UNIQUE')) {
    const names = parseKey(c);
    return () => `UNIQUE (${names})`;
  }
  if (c.accept('CHECK')) return parseCheck(c);
  c.expect('FOREIGN', 'KEY');
  const names = parseNames(c).map(quote).join(', ');
  const target = parseReference(c, references);
  return () => `FOREIGN KEY (${names}) ${target}`;
}

function parseKey(c: Cursor): string {
  c.acceptAny('CLUSTERED', 'NONCLUSTERED');
  c.expect('(');
  const names: string[] = [];
  do {
    names.push(quote(c.name()));
    c.acceptAny('ASC', 'DESC');
  } while (c.accept(','));
  c.expect(')');
  return names.join(', ');
}

function parseCheck(c: Cursor): Part {
  c.expect('(');
  const condition = parseExpression(c, innerScope());
  c.expect(')');
  return (e) => `CHECK (${condition.sql(e)})`;
}

function parseReference(c: Cursor, references: ObjectName[]): string {
  c.expect('REFERENCES');
  const table = c.objectName();
  references.push(table);
  const columns = c.at('(') ? ` (${parseNames(c).map(quote).join(', ')})` : '';
  let actions = '';
  while (c.accept('ON')) {
    const event = c.acceptAny('DELETE', 'UPDATE');
    if (!event) throw c.fail();
    const action = c.accept('CASCADE') ? 'CASCADE' : c.accept('NO', 'ACTION') ? 'NO ACTION' : undefined;
    if (!action) throw c.fail();
    actions += ` ON ${event} ${action}`;
  }
  return `REFERENCES ${tableSql(table.schema, table.name)}${columns}${actions}`;
}

function parseColumn(c: Cursor, references: ObjectName[]): Part {
  const name = c.name();
  if (c.at('AS')) throw unsupported('computed column');
  const type = c.type();
  const parts: Part[] = [];
  let identity = false;
  let key = false;
  for (;;) {
    if (c.accept('IDENTITY')) {
      identity = true;
      if (c.accept('(')) {
        if (c.integer() !== 1) throw unsupported('IDENTITY seed');
        c.expect(',');
        if (c.integer() !== 1) throw unsupported('IDENTITY increment');
        c.expect(')');
      }
    } else if (c.accept('CONSTRAINT')) {
      c.name();
    } else if (c.accept('NOT', 'NULL')) {
      parts.push(() => 'NOT NULL');
    } else if (c.accept('NULL')) {
      // the default
    } else if (c.accept('PRIMARY', 'KEY')) {
      c.acceptAny('CLUSTERED', 'NONCLUSTERED');
      key = true;
    } else if (c.accept('UNIQUE')) {
      parts.push(() => 'UNIQUE');
    } else if (c.accept('DEFAULT')) {
      const value = parseExpression(c, innerScope());
      parts.push((e) => `DEFAULT (${value.sql(e)})`);
    } else if (c.at('CHECK')) {
      c.take();
      parts.push(parseCheck(c));
    } else if (c.at('REFERENCES')) {
      const target = parseReference(c, references);
      parts.push(() => target);
    } else {
      break;
    }
  }
  if (identity && !key) throw unsupported('IDENTITY on a column that is not the primary key');
  return (e) =>
    `${quote(name)} ${columnType(type, identity)}${key && !identity ? ' NOT NULL PRIMARY KEY' : ''} ${parts.map((part) => part(e)).join(' ')}`;
}

/** SQLite numbers only a column of exactly this declaration, and never gives a number twice. */
function columnType(type: SqlType, identity: boolean): string {
  if (identity && type.kind !== 'int') throw new SqlError(2749, 'Identity column must be of an integer data type.');
  if (identity) return 'INTEGER PRIMARY KEY AUTOINCREMENT';
  const declared = quote(writeType(type));
  return type.kind === 'nvarchar' ? `${declared} COLLATE NOCASE` : declared;
}

export function parseCreateIndex(
  c: Cursor,
  unique: boolean,
): Omit<Extract<Statement, { kind: 'create-index' }>, 'line'> {
  const name = c.name();
  c.expect('ON');
  const table = c.objectName();
  const columns = parseKey(c);
  return {
    kind: 'create-index',
    table,
    sql: (quoted) =>
      `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(`${table.schema}.${table.name}.${name}`)} ON ${quoted} (${columns})`,
  };
}
