import { SqlError, unsupported } from '../server-error.ts';
import { literal } from '../sqlite.ts';
import { BIGINT, DATETIME2, FLOAT, INT, MAX, type SqlType, SYSNAME, TEXT } from '../tds/sql-type.ts';
import type { Cursor } from './cursor.ts';
import type { Emit, Expression, Scope } from './emit.ts';
import { cast, commonType, parseExpression, parseList } from './expression.ts';

interface Fn {
  min: number;
  max: number;
  type: SqlType | ((types: (SqlType | undefined)[]) => SqlType | undefined);
  sql: (args: string[]) => string;
}

const same = (types: (SqlType | undefined)[]) => types[0];
const text = (types: (SqlType | undefined)[]) => (types[0]?.kind === 'nvarchar' ? types[0] : TEXT);
const fn = (min: number, max: number, type: Fn['type'], sql: Fn['sql']): Fn => ({ min, max, type, sql });
/** By a SQLite function of that name. */
const native = (count: number, type: Fn['type'], name: string) =>
  fn(count, count, type, (a) => `${name}(${a.join(', ')})`);
/** By a function of the stand-in, which also knows who is asking. */
const own = (min: number, max: number, type: Fn['type'], name: string) =>
  fn(min, max, type, (a) => `tsql_${name}(${a.join(', ')})`);

const FUNCTIONS: Record<string, Fn> = {
  LEN: fn(1, 1, INT, ([a]) => `length(rtrim(${a}, ' '))`),
  DATALENGTH: own(1, 1, INT, 'datalength'),
  UPPER: native(1, text, 'upper'),
  LOWER: native(1, text, 'lower'),
  LTRIM: native(1, text, 'ltrim'),
  RTRIM: native(1, text, 'rtrim'),
  TRIM: native(1, text, 'trim'),
  SUBSTRING: fn(3, 3, same, ([a, b, n]) => `substr(${a}, ${b}, ${n})`),
  LEFT: fn(2, 2, text, ([a, n]) => `substr(${a}, 1, ${n})`),
  RIGHT: own(2, 2, text, 'right'),
  REPLACE: native(3, TEXT, 'replace'),
  REPLICATE: own(2, 2, TEXT, 'replicate'),
  CHARINDEX: own(2, 3, INT, 'charindex'),
  CONCAT: own(2, 254, TEXT, 'concat'),
  QUOTENAME: own(1, 2, { kind: 'nvarchar', length: 258 }, 'quotename'),
  JSON_VALUE: own(2, 2, { kind: 'nvarchar', length: 4000 }, 'json_value'),
  ISNULL: fn(2, 2, same, ([a, b]) => `coalesce(${a}, ${b})`),
  COALESCE: fn(2, 100, commonType, (a) => `coalesce(${a.join(', ')})`),
  NULLIF: fn(2, 2, same, ([a, b]) => `nullif(${a}, ${b})`),
  IIF: fn(
    3,
    3,
    (t) => commonType(t.slice(1)),
    ([a, b, d]) => `CASE WHEN ${a} THEN ${b} ELSE ${d} END`,
  ),
  ABS: native(1, same, 'abs'),
  ROUND: fn(2, 2, same, ([a, b]) => `round(${a}, ${b})`),
  CEILING: native(1, same, 'ceil'),
  FLOOR: native(1, same, 'floor'),
  SIGN: native(1, same, 'sign'),
  POWER: native(2, FLOAT, 'pow'),
  GETDATE: own(0, 0, { kind: 'datetime' }, 'now'),
  GETUTCDATE: own(0, 0, { kind: 'datetime' }, 'now'),
  SYSDATETIME: own(0, 0, DATETIME2, 'now'),
  SYSUTCDATETIME: own(0, 0, DATETIME2, 'now'),
  YEAR: fn(1, 1, INT, ([a]) => `tsql_datepart('year', ${a})`),
  MONTH: fn(1, 1, INT, ([a]) => `tsql_datepart('month', ${a})`),
  DAY: fn(1, 1, INT, ([a]) => `tsql_datepart('day', ${a})`),
  NEWID: own(0, 0, { kind: 'uniqueidentifier' }, 'newid'),
  DB_NAME: own(0, 1, SYSNAME, 'db_name'),
  DB_ID: own(0, 1, { kind: 'int', bytes: 2 }, 'db_id'),
  SUSER_SNAME: own(0, 0, SYSNAME, 'login_name'),
  SUSER_NAME: own(0, 0, SYSNAME, 'login_name'),
  ORIGINAL_LOGIN: own(0, 0, SYSNAME, 'login_name'),
  SUSER_SID: own(0, 0, { kind: 'varbinary', length: 85 }, 'login_sid'),
  USER_NAME: own(0, 1, SYSNAME, 'user_name'),
  USER_ID: own(0, 1, INT, 'principal_id'),
  DATABASE_PRINCIPAL_ID: own(0, 1, INT, 'principal_id'),
  IS_ROLEMEMBER: own(1, 2, INT, 'is_rolemember'),
  IS_MEMBER: own(1, 1, INT, 'is_rolemember'),
  HAS_PERMS_BY_NAME: own(3, 3, INT, 'has_perms'),
  SCHEMA_NAME: own(0, 1, SYSNAME, 'schema_name'),
  SCHEMA_ID: own(0, 1, INT, 'schema_id'),
  OBJECT_ID: own(1, 2, INT, 'object_id'),
  OBJECT_NAME: own(1, 1, SYSNAME, 'object_name'),
  OBJECT_SCHEMA_NAME: own(1, 1, SYSNAME, 'object_schema_name'),
  SCOPE_IDENTITY: fn(0, 0, BIGINT, () => "tsql_global('@@identity')"),
  ERROR_NUMBER: fn(0, 0, INT, () => "tsql_global('error_number')"),
  ERROR_MESSAGE: fn(0, 0, TEXT, () => "tsql_global('error_message')"),
  ERROR_SEVERITY: fn(0, 0, INT, () => "tsql_global('error_severity')"),
  ERROR_STATE: fn(0, 0, INT, () => "tsql_global('error_state')"),
  HOST_NAME: own(0, 0, SYSNAME, 'host_name'),
  APP_NAME: own(0, 0, SYSNAME, 'app_name'),
  XACT_STATE: own(0, 0, INT, 'xact_state'),
  APPLOCK_MODE: own(3, 3, SYSNAME, 'applock_mode'),
};

const RANKS = new Set(['ROW_NUMBER', 'RANK', 'DENSE_RANK']);
const AGGREGATES = new Set(['COUNT', 'COUNT_BIG', 'SUM', 'AVG', 'MIN', 'MAX', 'STRING_AGG']);
const DATE_FUNCTIONS: Record<string, [count: number, type: (types: (SqlType | undefined)[]) => SqlType | undefined]> = {
  DATEADD: [2, (types) => (types[1]?.kind === 'nvarchar' || !types[1] ? { kind: 'datetime' } : types[1])],
  DATEDIFF: [2, () => INT],
  DATEDIFF_BIG: [2, () => BIGINT],
  DATEPART: [1, () => INT],
};
const BARE: Record<string, string> = {
  CURRENT_TIMESTAMP: 'GETDATE',
  CURRENT_USER: 'USER_NAME',
  SESSION_USER: 'USER_NAME',
  USER: 'USER_NAME',
  SYSTEM_USER: 'SUSER_SNAME',
};

/** A call, if one is next. */
export function parseCall(c: Cursor, scope: Scope): Expression | undefined {
  const { kind, text: name, raw } = c.peek();
  if (kind !== 'word') return undefined;
  const bare = Object.hasOwn(BARE, name) ? FUNCTIONS[BARE[name] ?? ''] : undefined;
  if (bare && !(c.peek(1).kind === 'operator' && c.peek(1).text === '(')) {
    c.take();
    return apply(bare, []);
  }
  if (!(c.peek(1).kind === 'operator' && c.peek(1).text === '(')) return undefined;
  c.take();
  c.take();
  if (/^(TRY_)?(CAST|CONVERT)$/.test(name)) return parseConversion(c, scope, name);
  if (AGGREGATES.has(name)) return parseAggregate(c, scope, name);
  if (RANKS.has(name)) {
    c.expect(')');
    const over = parseOver(c, scope);
    if (!over) throw new SqlError(10753, `The function '${raw}' must have an OVER clause.`, 15);
    return { sql: (e) => `${name.toLowerCase()}() ${over(e)}`, type: () => BIGINT };
  }
  if (Object.hasOwn(DATE_FUNCTIONS, name)) return parseDateFunction(c, scope, name);
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!known) throw new SqlError(195, `'${raw}' is not a recognized built-in function name.`, 15);
  const args = c.at(')') ? [] : parseList(c, scope);
  c.expect(')');
  if (args.length < known.min || args.length > known.max) {
    throw new SqlError(174, `The ${name.toLowerCase()} function requires ${known.min} argument(s).`, 15);
  }
  return apply(known, args);
}

const apply = (known: Fn, args: Expression[]): Expression => ({
  sql: (e) => known.sql(args.map((arg) => arg.sql(e))),
  type: (e) => (typeof known.type === 'function' ? known.type(args.map((arg) => arg.type(e))) : known.type),
});

function parseConversion(c: Cursor, scope: Scope, name: string): Expression {
  const lenient = name.startsWith('TRY_');
  if (name.endsWith('CAST')) {
    const operand = parseExpression(c, scope);
    c.expect('AS');
    const type = defaulted(c.type());
    c.expect(')');
    return cast(operand, type, undefined, lenient);
  }
  const type = defaulted(c.type());
  c.expect(',');
  const operand = parseExpression(c, scope);
  const style = c.accept(',') ? parseExpression(c, scope) : undefined;
  c.expect(')');
  return cast(operand, type, style, lenient);
}

/** Without a length, CAST makes 30 characters where a declaration makes one. */
const defaulted = (type: SqlType): SqlType =>
  (type.kind === 'nvarchar' || type.kind === 'varbinary') && type.length === 1 ? { ...type, length: 30 } : type;

function parseAggregate(c: Cursor, scope: Scope, name: string): Expression {
  if (name.startsWith('COUNT') && c.accept('*')) {
    c.expect(')');
    return windowed(
      c,
      scope,
      () => 'count(*)',
      () => (name === 'COUNT' ? INT : BIGINT),
    );
  }
  const distinct = c.accept('DISTINCT') ? 'DISTINCT ' : '';
  c.accept('ALL');
  const operand = parseExpression(c, scope);
  if (name === 'STRING_AGG') return parseStringAgg(c, scope, operand);
  c.expect(')');
  const call = (e: Emit) => `${name === 'COUNT_BIG' ? 'count' : name.toLowerCase()}(${distinct}${operand.sql(e)})`;
  const type = (e: Emit): SqlType | undefined => {
    const of = operand.type(e);
    if (name === 'COUNT') return INT;
    if (name === 'COUNT_BIG') return BIGINT;
    if (name === 'MIN' || name === 'MAX' || of?.kind !== 'decimal') return of;
    return { kind: 'decimal', precision: 38, scale: name === 'AVG' ? Math.max(6, of.scale) : of.scale };
  };
  const whole = (e: Emit) => name === 'AVG' && operand.type(e)?.kind === 'int';
  return windowed(c, scope, call, type, (e, sql) => (whole(e) ? `CAST(${sql} AS INTEGER)` : sql));
}

function parseStringAgg(c: Cursor, scope: Scope, operand: Expression): Expression {
  c.expect(',');
  const separator = parseExpression(c, scope);
  c.expect(')');
  let order: Ordering | undefined;
  if (c.accept('WITHIN', 'GROUP')) {
    c.expect('(');
    c.expect('ORDER', 'BY');
    order = parseOrdering(c, scope);
    c.expect(')');
  }
  return {
    sql: (e) => `group_concat(${operand.sql(e)}, ${separator.sql(e)}${order ? ` ORDER BY ${order(e)}` : ''})`,
    type: () => ({ kind: 'nvarchar', length: MAX }),
  };
}

function windowed(
  c: Cursor,
  scope: Scope,
  call: (e: Emit) => string,
  type: (e: Emit) => SqlType | undefined,
  finish: (e: Emit, sql: string) => string = (_, sql) => sql,
): Expression {
  const over = parseOver(c, scope);
  return { sql: (e) => finish(e, over ? `${call(e)} ${over(e)}` : call(e)), type };
}

function parseOver(c: Cursor, scope: Scope): ((e: Emit) => string) | undefined {
  if (!c.accept('OVER')) return undefined;
  c.expect('(');
  const partition = c.accept('PARTITION', 'BY') ? parseList(c, scope) : [];
  const order = c.accept('ORDER', 'BY') ? parseOrdering(c, scope) : undefined;
  if (c.at('ROWS') || c.at('RANGE')) throw unsupported(c.peek().raw);
  c.expect(')');
  return (e) => {
    const by = partition.length > 0 ? `PARTITION BY ${partition.map((one) => one.sql(e)).join(', ')}` : '';
    return `OVER (${by}${order ? ` ORDER BY ${order(e)}` : ''})`;
  };
}

type Ordering = (e: Emit) => string;

export function parseOrdering(c: Cursor, scope: Scope): Ordering {
  const items: Ordering[] = [];
  do {
    const by = parseExpression(c, scope);
    const direction = c.acceptAny('ASC', 'DESC') === 'DESC' ? ' DESC' : '';
    items.push((e) => `${by.sql(e)}${direction}`);
  } while (c.accept(','));
  return (e) => items.map((item) => item(e)).join(', ');
}

const PARTS: Record<string, string> = {
  YY: 'year',
  YYYY: 'year',
  QQ: 'quarter',
  Q: 'quarter',
  MM: 'month',
  M: 'month',
  DY: 'dayofyear',
  Y: 'dayofyear',
  DD: 'day',
  D: 'day',
  WK: 'week',
  WW: 'week',
  DW: 'weekday',
  W: 'weekday',
  HH: 'hour',
  MI: 'minute',
  N: 'minute',
  SS: 'second',
  S: 'second',
  MS: 'millisecond',
  MCS: 'microsecond',
  NS: 'nanosecond',
};
const PART_NAMES = new Set(Object.values(PARTS));

function parseDateFunction(c: Cursor, scope: Scope, name: string): Expression {
  const raw = c.take();
  const part = PARTS[raw.text] ?? raw.raw.toLowerCase();
  if (!PART_NAMES.has(part)) {
    throw new SqlError(155, `'${raw.raw}' is not a recognized ${name.toLowerCase()} option.`, 15);
  }
  c.expect(',');
  const args = parseList(c, scope);
  c.expect(')');
  const [count, type] = DATE_FUNCTIONS[name] ?? [1, () => INT];
  if (args.length !== count) {
    throw new SqlError(174, `The ${name.toLowerCase()} function requires ${count + 1} argument(s).`, 15);
  }
  const call = name.toLowerCase().replace('_big', '');
  return {
    sql: (e) => `tsql_${call}(${literal(part)}, ${args.map((arg) => arg.sql(e)).join(', ')})`,
    type: (e) => type(args.map((arg) => arg.type(e))),
  };
}
