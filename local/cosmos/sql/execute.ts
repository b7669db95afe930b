import { createHash } from 'node:crypto';
import { canonical, compare, type Json, type JsonObject, parseJson, type Value } from '../json.ts';
import { badRequest } from '../refusal.ts';
import type { Aggregate, Expression, Query } from './ast.ts';
import { compile, objectOf, type Parameters, parameter, valueAt } from './compile.ts';

/** A document and its place in the order of birth, which never changes: pages are resumed by it. */
export interface Row {
  n: number;
  document: JsonObject;
}
export interface Page {
  items: string[];
  next: string | undefined;
  scanned: number;
}
/** Where the last page ended: the sort keys and birth number of its last row, and how many rows went out in all. */
interface Bookmark {
  query: string;
  keys: (Json | null)[];
  missing: number[];
  n: number;
  sent: number;
}
interface Candidate {
  n: number;
  keys: Value[];
  document: JsonObject;
}

/** Cosmos DB ends a page at 4 MB whatever the number of items. */
const pageBytes = 4 * 1024 * 1024;

export interface Execution {
  query: Query;
  parameters: Parameters;
  /** What a continuation token is tied to: the text, its parameters, the container and the partition. */
  identity: string;
  pageSize: number;
  continuation: string | undefined;
  /** Rows with n greater than the given one, in the order of n. */
  rows(after: number): Iterable<Row>;
}

export function execute(run: Execution): Page {
  const { query, parameters } = run;
  const keep = query.where === undefined ? () => true : compile(query.where, parameters);
  let scanned = 0;
  function* matching(after: number): Generator<Row> {
    for (const row of run.rows(after)) {
      scanned += 1;
      if (keep(row.document) === true) yield row;
    }
  }

  if (query.projection.kind === 'aggregate') {
    const of = compile(query.projection.of, parameters);
    const value = aggregate(query.projection.function, matching(0), of);
    return { items: value === undefined ? [] : [JSON.stringify(value)], next: undefined, scanned };
  }

  const identity = createHash('sha256').update(run.identity).digest('base64url').slice(0, 12);
  const bookmark = readBookmark(run.continuation, identity);
  const offset = bookmark === undefined ? count(query.offset, parameters, 0) : 0;
  const limit = count(query.limit ?? query.top, parameters, Number.POSITIVE_INFINITY) - (bookmark?.sent ?? 0);
  const project = projector(query, parameters);
  const seen = new Set<string>();
  const items: string[] = [];
  let skipped = 0;
  let bytes = 0;
  let last: Candidate | undefined;
  for (const candidate of candidates(query, matching, query.distinct ? undefined : bookmark)) {
    if (items.length >= limit) break;
    const value = project(candidate.document);
    if (value === undefined) continue;
    if (query.distinct) {
      const key = canonical(value);
      if (seen.has(key)) continue;
      seen.add(key);
      if (bookmark !== undefined && order(query, candidate, placeOf(bookmark)) <= 0) continue;
    }
    if (skipped < offset) {
      skipped += 1;
      continue;
    }
    const text = JSON.stringify(value);
    if (last !== undefined && (items.length >= run.pageSize || bytes + text.length > pageBytes)) {
      const sent = (bookmark?.sent ?? 0) + items.length;
      return { items, next: writeBookmark(identity, last, sent), scanned };
    }
    items.push(text);
    bytes += text.length;
    last = candidate;
  }
  return { items, next: undefined, scanned };
}

/** Rows as they come, or all of them sorted; in both cases from behind the bookmark on. */
function* candidates(
  query: Query,
  matching: (after: number) => Iterable<Row>,
  bookmark: Bookmark | undefined,
): Generator<Candidate> {
  if (query.orderBy.length === 0) {
    for (const row of matching(bookmark?.n ?? 0)) yield { ...row, keys: [] };
    return;
  }
  const found: Candidate[] = [];
  for (const row of matching(0))
    found.push({ ...row, keys: query.orderBy.map(({ steps }) => valueAt(row.document, steps)) });
  found.sort((a, b) => order(query, a, b));
  const place = bookmark === undefined ? undefined : placeOf(bookmark);
  for (const candidate of found) if (place === undefined || order(query, candidate, place) > 0) yield candidate;
}

type Place = Pick<Candidate, 'keys' | 'n'>;

function order(query: Query, a: Place, b: Place): number {
  for (const [i, { descending }] of query.orderBy.entries()) {
    const result = compare(a.keys[i], b.keys[i]);
    if (result !== 0) return descending ? -result : result;
  }
  return a.n - b.n;
}

function projector(query: Query, parameters: Parameters): (document: JsonObject) => Value {
  const { projection } = query;
  if (projection.kind === 'all') return (document) => document;
  if (projection.kind === 'value') return compile(projection.of, parameters);
  if (projection.kind === 'aggregate') throw new Error('an aggregate is not projected row by row');
  const entries = projection.columns.map(({ name, of }) => [name, compile(of, parameters)] as const);
  return (document) => objectOf(entries, document);
}

function aggregate(name: Aggregate, rows: Iterable<Row>, of: (document: Json) => Value): Value {
  const values: Json[] = [];
  for (const { document } of rows) {
    const value = of(document);
    if (value !== undefined) values.push(value);
  }
  if (name === 'COUNT') return values.length;
  if (values.some((value) => typeof value === 'object' && value !== null)) return undefined;
  if (name === 'MIN')
    return values.reduce<Value>((least, v) => (least === undefined || compare(v, least) < 0 ? v : least), undefined);
  if (name === 'MAX')
    return values.reduce<Value>((most, v) => (most === undefined || compare(v, most) > 0 ? v : most), undefined);
  let sum = 0;
  for (const value of values) {
    // One value that isn't a number makes the sum Undefined.
    if (typeof value !== 'number') return undefined;
    sum += value;
  }
  if (name === 'SUM') return sum;
  return values.length === 0 ? undefined : sum / values.length;
}

function count(of: Expression | undefined, parameters: Parameters, absent: number): number {
  if (of === undefined) return absent;
  const value =
    of.kind === 'parameter' ? parameter(of.name, parameters) : of.kind === 'constant' ? of.value : undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw badRequest('TOP, OFFSET and LIMIT take a whole number that is not negative.');
}

/** JSON has no Undefined: `missing` says which keys were. */
function writeBookmark(query: string, last: Candidate, sent: number): string {
  const missing = last.keys.flatMap((key, i) => (key === undefined ? [i] : []));
  const keys = last.keys.map((key) => key ?? null);
  const text = Buffer.from(JSON.stringify({ query, keys, missing, n: last.n, sent } satisfies Bookmark)).toString(
    'base64url',
  );
  // The token travels in a header, and Node refuses headers of more than 16 KiB in all.
  if (text.length > 8192) throw badRequest('The ORDER BY values are too long to continue from.');
  return text;
}

function readBookmark(token: string | undefined, query: string): Bookmark | undefined {
  if (token === undefined) return undefined;
  const read = parseJson(Buffer.from(token, 'base64url').toString()) as Partial<Bookmark> | null;
  const { keys, missing, n, sent } = read ?? {};
  const known = Array.isArray(keys) && Array.isArray(missing) && typeof n === 'number' && typeof sent === 'number';
  if (!known || read?.query !== query) throw badRequest('Invalid continuation token for this query.');
  return { query, keys, missing, n, sent };
}

const placeOf = ({ keys, missing, n }: Bookmark): Place => ({
  n,
  keys: keys.map((key, i) => (missing.includes(i) ? undefined : key)),
});
