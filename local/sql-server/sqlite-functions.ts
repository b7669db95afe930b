import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Database } from './database.ts';
import { metadataFunctions } from './metadata-functions.ts';
import { SqlError } from './server-error.ts';
import { epochText } from './tds/date-text.ts';
import { readType, type SqlValue } from './tds/sql-type.ts';
import { convert, store } from './tsql/conversion.ts';
import { dateAdd, dateDiff, datePart } from './tsql/date-functions.ts';

type Implementation = (...args: SqlValue[]) => SqlValue;

const text = (value: SqlValue | undefined) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value ?? '');
/** SQL's way with NULL: nothing comes of nothing. */
const strict =
  (implementation: Implementation): Implementation =>
  (...args) =>
    args.some((arg) => arg === null) ? null : implementation(...args);

const typeOf = (declared: SqlValue | undefined) => {
  const type = readType(text(declared));
  if (!type) throw new SqlError(2715, `Cannot find data type ${text(declared)}.`);
  return type;
};

/** Same arguments, same answer. */
const PURE: Record<string, Implementation> = {
  tsql_plus: strict((a, b) => {
    if (typeof a === 'bigint' && typeof b === 'bigint') return a + b;
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.concat([a, b]);
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) {
      throw new SqlError(
        245,
        `Conversion failed when converting the nvarchar value '${Number.isNaN(x) ? text(a) : text(b)}' to data type int.`,
      );
    }
    return x + y;
  }),
  tsql_divide: strict((a, b, whole) => {
    if (Number(b) === 0) throw new SqlError(8134, 'Divide by zero error encountered.');
    return whole === 1n && typeof a === 'bigint' && typeof b === 'bigint' ? a / b : Number(a) / Number(b);
  }),
  tsql_xor: strict((a, b) => BigInt(Number(a)) ^ BigInt(Number(b))),
  tsql_like: (value, pattern, mark) =>
    value === null || pattern === null || value === undefined || pattern === undefined
      ? null
      : BigInt(likePattern(text(pattern), mark === null ? '' : text(mark)).test(text(value))),
  tsql_cast: (value, type, style, lenient) => {
    try {
      return convert(value ?? null, typeOf(type), style === null ? 0 : Number(style));
    } catch (error) {
      if (lenient === 1n && error instanceof SqlError) return null;
      throw error;
    }
  },
  tsql_store: (value, type, column) => store(value ?? null, typeOf(type), text(column)),
  tsql_datalength: strict((value) =>
    BigInt(value instanceof Uint8Array ? value.length : typeof value === 'string' ? value.length * 2 : 4),
  ),
  tsql_right: strict((value, count) => text(value).slice(-Number(count) || text(value).length)),
  tsql_replicate: strict((value, count) =>
    Number(count) < 0 ? null : text(value).repeat(Math.min(Number(count), 8000)),
  ),
  tsql_charindex: strict((find, within, start = 1n) =>
    BigInt(
      text(within)
        .toLowerCase()
        .indexOf(text(find).toLowerCase(), Math.max(0, Number(start) - 1)) + 1,
    ),
  ),
  tsql_concat: (...args) => args.map((arg) => (arg === null ? '' : text(arg))).join(''),
  tsql_json_value: strict((json, path) => jsonValue(text(json), text(path))),
  tsql_quotename: strict((name, mark = '[') => {
    if (text(mark) === "'") return `'${text(name).replaceAll("'", "''")}'`;
    if (text(mark) === '"') return `"${text(name).replaceAll('"', '""')}"`;
    return text(name).length > 128 ? null : `[${text(name).replaceAll(']', ']]')}]`;
  }),
  tsql_datepart: strict((part, value) => datePart(text(part), text(value))),
  tsql_dateadd: strict((part, count, value) => dateAdd(text(part), Number(count), text(value))),
  tsql_datediff: strict((part, from, to) => dateDiff(text(part), text(from), text(to))),
};

/** A query asks for one field of a text after the other. */
let parsed: { json: string; value: unknown } | undefined;

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new SqlError(13609, 'JSON text is not properly formatted.');
  }
}

const paths = new Map<string, readonly string[]>();

function stepsOf(path: string): readonly string[] {
  if (!/^(lax )?\$(\.\w+|\[\d+\])*$/.test(path)) {
    throw new SqlError(13607, `JSON path is not properly formatted, or not supported: '${path}'.`);
  }
  const steps = path.replace(/^lax /, '').match(/\w+/g) ?? [];
  if (paths.size > 200) paths.clear();
  paths.set(path, steps);
  return steps;
}

/** As in lax mode: what isn't there, and what is no scalar, is NULL. */
function jsonValue(json: string, path: string): SqlValue {
  const steps = paths.get(path) ?? stepsOf(path);
  if (parsed?.json !== json) parsed = { json, value: parseJson(json) };
  let at: unknown = parsed.value;
  for (const step of steps) {
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined;
  }
  if (at === undefined || at === null || typeof at === 'object') return null;
  return String(at).length > 4000 ? null : String(at);
}

const patterns = new Map<string, RegExp>();

/** LIKE has sets as well: [a-f], [^0-9]. */
function likePattern(pattern: string, mark: string): RegExp {
  const key = `${mark}\0${pattern}`;
  const known = patterns.get(key);
  if (known) return known;
  const plain = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    const close = character === '[' ? pattern.indexOf(']', at + 2) : -1;
    if (mark !== '' && character === mark) source += plain(pattern[++at] ?? '');
    else if (character === '%') source += '.*';
    else if (character === '_') source += '.';
    else if (close > 0) {
      const set = pattern.slice(at + 1, close);
      const negative = set.startsWith('^');
      source += `[${negative ? '^' : ''}${(negative ? set.slice(1) : set).replace(/[\\\][^]/g, '\\$&')}]`;
      at = close;
    } else source += plain(character);
  }
  const made = new RegExp(`^${source} *$`, 'isu');
  if (patterns.size > 200) patterns.clear();
  patterns.set(key, made);
  return made;
}

export function registerFunctions(sqlite: DatabaseSync, database: Database) {
  for (const [name, implementation] of Object.entries(PURE)) {
    sqlite.function(
      name,
      { deterministic: true, useBigIntArguments: true, varargs: true },
      guarded(database, implementation),
    );
  }
  const asking: Record<string, Implementation> = {
    tsql_now: () => epochText(database.now()),
    tsql_newid: () => randomUUID().toUpperCase(),
    ...metadataFunctions(database),
  };
  for (const [name, implementation] of Object.entries(asking)) {
    sqlite.function(name, { useBigIntArguments: true, varargs: true }, guarded(database, implementation));
  }
}

/** SQLite passes on no more than the message of an error: the error itself waits here for whoever runs the statement. */
const thrown = new WeakMap<Database, SqlError>();

function guarded(database: Database, implementation: Implementation): Implementation {
  return (...args) => {
    try {
      return implementation(...args);
    } catch (error) {
      if (error instanceof SqlError) thrown.set(database, error);
      throw error;
    }
  };
}

export function takeThrown(database: Database): SqlError | undefined {
  const error = thrown.get(database);
  thrown.delete(database);
  return error;
}
