import { SqlError, unsupported } from '../server-error.ts';
import { quote } from '../sqlite.ts';
import { MAX } from '../tds/sql-type.ts';
import type { Cursor } from './cursor.ts';
import {
  type Emit,
  type Expression,
  innerScope,
  type OutputColumn,
  type Query,
  type Scope,
  type Source,
} from './emit.ts';
import { parseExpression, parseList } from './expression.ts';
import { parseOrdering } from './functions.ts';

/** A whole query: common table expressions, set operations, ORDER BY, TOP and OFFSET. */
export function parseQuery(c: Cursor, outer?: Scope): Query {
  const scope = innerScope(outer);
  const named = c.accept('WITH') ? parseNamedQueries(c, scope) : undefined;
  const first = parseTerm(c, scope);
  let body = first.query;
  let { limit } = first;
  let combined = false;
  for (let set = parseSetOperator(c); set; set = parseSetOperator(c)) {
    const operator = set;
    const [left, leftLimit] = [body, limit];
    const { query: right, limit: rightLimit } = parseTerm(c, scope);
    limit = undefined;
    combined = true;
    body = {
      sql: (e) => `${limited(left.sql(e), leftLimit?.(e))} ${operator} ${limited(right.sql(e), rightLimit?.(e))}`,
      columns: (e) => left.columns(e),
      assigns: [],
    };
  }
  const order = c.accept('ORDER', 'BY') ? parseOrdering(c, combined ? scope : first.scope) : undefined;
  const page = parsePage(c, scope);
  if (c.accept('OPTION')) skipHint(c);
  if (c.at('FOR')) throw unsupported(`FOR ${c.peek(1).raw}`);
  const query = body;
  const top = page ?? limit;
  return {
    sql: (e) =>
      `${named?.(e) ?? ''}${query.sql(e)}${order ? ` ORDER BY ${order(e)}` : ''}${top ? ` LIMIT ${top(e)}` : ''}`,
    columns: (e) => query.columns(e),
    assigns: query.assigns,
  };
}

const limited = (sql: string, limit: string | undefined) =>
  limit === undefined ? sql : `SELECT * FROM (${sql} LIMIT ${limit})`;

function parseSetOperator(c: Cursor): string | undefined {
  if (c.accept('UNION', 'ALL')) return 'UNION ALL';
  return c.acceptAny('UNION', 'EXCEPT', 'INTERSECT');
}

/** OFFSET n ROWS [FETCH NEXT m ROWS ONLY], as LIMIT m OFFSET n. */
function parsePage(c: Cursor, scope: Scope): ((e: Emit) => string) | undefined {
  if (!c.accept('OFFSET')) return undefined;
  const offset = parseExpression(c, scope);
  if (!c.acceptAny('ROWS', 'ROW')) throw c.fail();
  let count: Expression | undefined;
  if (c.accept('FETCH')) {
    if (!c.acceptAny('NEXT', 'FIRST')) throw c.fail();
    count = parseExpression(c, scope);
    if (!c.acceptAny('ROWS', 'ROW')) throw c.fail();
    c.expect('ONLY');
  }
  return (e) => `${count?.sql(e) ?? '-1'} OFFSET ${offset.sql(e)}`;
}

function skipHint(c: Cursor) {
  c.expect('(');
  if (!c.accept('RECOMPILE')) {
    c.expect('MAXDOP');
    c.integer();
  }
  c.expect(')');
}

function parseNamedQueries(c: Cursor, scope: Scope): (e: Emit) => string {
  const parts: ((e: Emit) => string)[] = [];
  do {
    const name = c.name();
    const columns = c.at('(') ? parseNames(c) : [];
    c.expect('AS');
    c.expect('(');
    // A recursive expression refers to itself, by columns whose types are known only once it has been read.
    let own: Query | undefined;
    const source: Source = { alias: name, columns: (e) => renamed(own?.columns(e) ?? [], columns) };
    scope.named.set(name.toLowerCase(), { alias: name, columns: () => [] });
    const query = parseQuery(c, scope);
    own = query;
    scope.named.set(name.toLowerCase(), source);
    c.expect(')');
    const list = columns.length > 0 ? ` (${columns.map(quote).join(', ')})` : '';
    parts.push((e) => `${quote(name)}${list} AS (${query.sql(e)})`);
  } while (c.accept(','));
  return (e) => `WITH RECURSIVE ${parts.map((part) => part(e)).join(', ')} `;
}

const renamed = (columns: OutputColumn[], names: string[]): OutputColumn[] =>
  columns.map(({ name, type }, i) => ({ name: names[i] ?? name, type }));

export function parseNames(c: Cursor): string[] {
  c.expect('(');
  const names = [c.name()];
  while (c.accept(',')) names.push(c.name());
  c.expect(')');
  return names;
}

interface Term {
  query: Query;
  scope: Scope;
  limit?: (e: Emit) => string;
}

function parseTerm(c: Cursor, outer: Scope): Term {
  if (c.accept('(')) {
    const query = parseQuery(c, outer);
    c.expect(')');
    return { query: { ...query, sql: (e) => `SELECT * FROM (${query.sql(e)})` }, scope: outer };
  }
  c.expect('SELECT');
  const scope = innerScope(outer);
  const distinct = c.acceptAny('DISTINCT', 'ALL') === 'DISTINCT' ? 'DISTINCT ' : '';
  const limit = parseTop(c, scope);
  const items = parseItems(c, scope);
  if (c.at('INTO')) throw unsupported('SELECT INTO');
  const from = c.accept('FROM') ? parseFrom(c, scope) : undefined;
  const where = c.accept('WHERE') ? parseExpression(c, scope) : undefined;
  const group = c.accept('GROUP', 'BY') ? parseList(c, scope) : undefined;
  const having = c.accept('HAVING') ? parseExpression(c, scope) : undefined;
  const assigns = items.flatMap((item) => item.assigns ?? []);
  if (assigns.length > 0 && assigns.length < items.length) {
    throw new SqlError(
      141,
      'A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.',
      15,
    );
  }
  const query: Query = {
    assigns,
    columns: (e) => items.flatMap((item) => item.columns(e)),
    sql: (e) => {
      const parts = [`SELECT ${distinct}${items.map((item) => item.sql(e)).join(', ')}`];
      if (from) parts.push(`FROM ${from(e)}`);
      if (where) parts.push(`WHERE ${where.sql(e)}`);
      if (group) parts.push(`GROUP BY ${group.map((one) => one.sql(e)).join(', ')}`);
      if (having) parts.push(`HAVING ${having.sql(e)}`);
      return parts.join(' ');
    },
  };
  return limit ? { query, scope, limit } : { query, scope };
}

function parseTop(c: Cursor, scope: Scope): ((e: Emit) => string) | undefined {
  if (!c.accept('TOP')) return undefined;
  const enclosed = c.accept('(');
  const count = enclosed ? parseExpression(c, scope) : undefined;
  const number = enclosed ? 0 : c.integer();
  if (enclosed) c.expect(')');
  if (c.at('PERCENT') || c.at('WITH', 'TIES')) throw unsupported(`TOP … ${c.peek().raw}`);
  return (e) => count?.sql(e) ?? String(number);
}

interface Item {
  sql(e: Emit): string;
  columns(e: Emit): OutputColumn[];
  assigns?: string[];
}

function parseItems(c: Cursor, scope: Scope): Item[] {
  const items: Item[] = [];
  do items.push(parseItem(c, scope));
  while (c.accept(','));
  return items;
}

export function parseItem(c: Cursor, scope: Scope): Item {
  if (c.accept('*')) return { sql: () => '*', columns: (e) => scope.sources.flatMap((source) => source.columns(e)) };
  if (c.atName() && c.peek(1).text === '.' && c.peek(2).text === '*' && c.peek(2).kind === 'operator') {
    const alias = c.name();
    c.take();
    c.take();
    const of = (e: Emit) =>
      scope.sources.find((one) => one.alias.toLowerCase() === alias.toLowerCase())?.columns(e) ?? [];
    return { sql: () => `${quote(alias)}.*`, columns: of };
  }
  const followed = c.peek(1).kind === 'operator' && c.peek(1).text === '=';
  if (c.atKind('variable') && followed && !c.peek().text.startsWith('@@')) {
    const variable = c.variable();
    c.take();
    const value = parseExpression(c, scope);
    return { ...item(value, ''), assigns: [variable] };
  }
  if (c.atName() && followed) {
    const name = c.name();
    c.take();
    return item(parseExpression(c, scope), name);
  }
  const value = parseExpression(c, scope);
  return item(value, parseAlias(c, true) ?? value.column ?? '');
}

const item = (value: Expression, name: string): Item => ({
  sql: (e) => `${value.sql(e)} AS ${quote(name)}`,
  columns: (e) => [{ name, type: value.type(e) }],
});

function parseAlias(c: Cursor, strings = false): string | undefined {
  const named = c.accept('AS');
  if (strings && c.atKind('string')) return c.string();
  return named || c.atName() ? c.name() : undefined;
}

const JOINS: [string[], string][] = [
  [['INNER', 'JOIN'], 'JOIN'],
  [['JOIN'], 'JOIN'],
  [['LEFT', 'OUTER', 'JOIN'], 'LEFT JOIN'],
  [['LEFT', 'JOIN'], 'LEFT JOIN'],
  [['RIGHT', 'OUTER', 'JOIN'], 'RIGHT JOIN'],
  [['RIGHT', 'JOIN'], 'RIGHT JOIN'],
  [['FULL', 'OUTER', 'JOIN'], 'FULL JOIN'],
  [['FULL', 'JOIN'], 'FULL JOIN'],
  [['CROSS', 'JOIN'], 'CROSS JOIN'],
];

export function parseFrom(c: Cursor, scope: Scope): (e: Emit) => string {
  const parts: ((e: Emit) => string)[] = [parseSource(c, scope)];
  for (;;) {
    if (c.accept(',')) {
      const source = parseSource(c, scope);
      parts.push((e) => `, ${source(e)}`);
      continue;
    }
    if (c.at('CROSS', 'APPLY') || c.at('OUTER', 'APPLY')) throw unsupported('APPLY');
    const join = JOINS.find(([words]) => c.accept(...words))?.[1];
    if (!join) return (e) => parts.map((part) => part(e)).join(' ');
    const source = parseSource(c, scope);
    if (join !== 'CROSS JOIN') c.expect('ON');
    const on = join === 'CROSS JOIN' ? undefined : parseExpression(c, scope);
    parts.push((e) => `${join} ${source(e)}${on ? ` ON ${on.sql(e)}` : ''}`);
  }
}

function parseSource(c: Cursor, scope: Scope): (e: Emit) => string {
  if (c.accept('(')) {
    if (c.at('VALUES')) return parseValues(c, scope);
    if (!c.at('SELECT') && !c.at('WITH') && !c.at('(')) {
      const inner = parseFrom(c, scope);
      c.expect(')');
      return (e) => `(${inner(e)})`;
    }
    const query = parseQuery(c, scope);
    c.expect(')');
    const alias = parseAlias(c) ?? '';
    if (alias === '') throw c.fail();
    const names = c.at('(') ? parseNames(c) : [];
    scope.sources.push({ alias, columns: (e) => renamed(query.columns(e), names) });
    return (e) => derived(query.sql(e), alias, names);
  }
  if (c.at('OPENJSON', '(')) return parseOpenJson(c, scope);
  const object = c.objectName();
  const alias = parseAlias(c) ?? object.name;
  parseTableHints(c);
  const named = findNamed(scope, object.name);
  if (named && !object.qualified) {
    scope.sources.push({ alias, columns: (e) => named.columns(e) });
    return () => `${quote(named.alias)} AS ${quote(alias)}`;
  }
  scope.sources.push({ alias, columns: (e) => e.table(object.schema, object.name, object.database).columns });
  return (e) => `${e.table(object.schema, object.name, object.database).sql} AS ${quote(alias)}`;
}

/** OPENJSON without a WITH clause: one row for each element. Keys are text, and types are SQL Server's numbers. */
function parseOpenJson(c: Cursor, scope: Scope): (e: Emit) => string {
  c.expect('OPENJSON', '(');
  const json = parseExpression(c, scope);
  if (c.at(',')) throw unsupported('OPENJSON with a path');
  c.expect(')');
  if (c.at('WITH')) throw unsupported('OPENJSON WITH');
  const alias = parseAlias(c) ?? 'OPENJSON';
  const columns: OutputColumn[] = [
    { name: 'key', type: { kind: 'nvarchar', length: 4000 } },
    { name: 'value', type: { kind: 'nvarchar', length: MAX } },
    { name: 'type', type: { kind: 'int', bytes: 1 } },
  ];
  scope.sources.push({ alias, columns: () => columns });
  const value = "CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(value AS TEXT) END";
  const types = [
    "'null' THEN 0",
    "'text' THEN 1",
    "'true' THEN 3",
    "'false' THEN 3",
    "'array' THEN 4",
    "'object' THEN 5",
  ];
  const type = `CASE type WHEN ${types.join(' WHEN ')} ELSE 2 END`;
  return (e) =>
    `(SELECT CAST(key AS TEXT) AS key, ${value} AS value, ${type} AS type FROM json_each(${json.sql(e)})) AS ${quote(alias)}`;
}

function findNamed(scope: Scope, name: string): Source | undefined {
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    const found = at.named.get(name.toLowerCase());
    if (found) return found;
  }
  return undefined;
}

/** SQLite gives a subquery no column list; a common table expression has one. */
const derived = (sql: string, alias: string, names: string[]) =>
  names.length === 0
    ? `(${sql}) AS ${quote(alias)}`
    : `(WITH ${quote(alias)} (${names.map(quote).join(', ')}) AS (${sql}) SELECT * FROM ${quote(alias)}) AS ${quote(alias)}`;

function parseValues(c: Cursor, scope: Scope): (e: Emit) => string {
  const rows = parseRows(c, scope);
  c.expect(')');
  const alias = parseAlias(c) ?? '';
  const names = c.at('(') ? parseNames(c) : [];
  const [first] = rows;
  if (alias === '' || names.length !== first?.length) throw c.fail();
  scope.sources.push({ alias, columns: (e) => names.map((name, i) => ({ name, type: first[i]?.type(e) })) });
  return (e) =>
    derived(`VALUES ${rows.map((row) => `(${row.map((one) => one.sql(e)).join(', ')})`).join(', ')}`, alias, names);
}

export function parseRows(c: Cursor, scope: Scope): Expression[][] {
  c.expect('VALUES');
  const rows: Expression[][] = [];
  do {
    c.expect('(');
    rows.push(parseList(c, scope));
    c.expect(')');
  } while (c.accept(','));
  if (rows.some((row) => row.length !== rows[0]?.length)) {
    throw new SqlError(10709, 'The number of columns for each row in a table value constructor must be the same.', 15);
  }
  return rows;
}

const HINTS = new Set([
  'NOLOCK',
  'UPDLOCK',
  'HOLDLOCK',
  'ROWLOCK',
  'READPAST',
  'TABLOCK',
  'TABLOCKX',
  'XLOCK',
  'READCOMMITTED',
  'READUNCOMMITTED',
  'SERIALIZABLE',
]);

/** Lock hints say how to wait, not what to read; there is nothing here for them to change. */
export function parseTableHints(c: Cursor) {
  if (!c.at('WITH', '(')) return;
  c.expect('WITH', '(');
  do {
    const { text, raw } = c.take();
    if (!HINTS.has(text)) throw new SqlError(321, `"${raw}" is not a recognized table hints option.`, 15);
  } while (c.accept(','));
  c.expect(')');
}
