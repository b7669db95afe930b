import type { IncomingHttpHeaders } from 'node:http';
import type { Documents } from './documents.ts';
import { isObject, type Json, type JsonObject, parseObject } from './json.ts';
import { type Outcome, queryCharge } from './outcome.ts';
import { type Partition, partitionOfValue } from './partition.ts';
import { badRequest } from './refusal.ts';
import type { Query, Step } from './sql/ast.ts';
import { type Parameters, pinned } from './sql/compile.ts';
import { execute, type Page, type Row } from './sql/execute.ts';
import { parseQuery } from './sql/parser.ts';

interface Spec {
  text: string;
  query: Query;
  parameters: Parameters;
}

export const everything = '{"query":"SELECT * FROM c"}';

export function readSpec(body: string): Spec {
  const { query: text, parameters: given = [], ...rest } = parseObject(body);
  if (typeof text !== 'string') throw badRequest('A query has a text.');
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw badRequest(`The query property '${unknown}' is not supported.`);
  if (!Array.isArray(given)) throw badRequest('The parameters of a query are a list.');
  const parameters = new Map<string, Json>();
  for (const parameter of given) {
    const { name, value } = isObject(parameter) ? parameter : {};
    if (typeof name !== 'string' || !/^@\w+$/u.test(name)) throw badRequest('A parameter has a name such as @id.');
    // A parameter without a value is dropped, so using it is an error, as it is in Azure.
    if (value !== undefined) parameters.set(name, value);
  }
  return { text, query: parseQuery(text), parameters };
}

/** One range and nothing left for the client to do: the query that follows is answered whole by this server. */
export function queryPlan(body: string): Outcome {
  readSpec(body);
  const queryInfo = {
    distinctType: 'None',
    top: null,
    offset: null,
    limit: null,
    orderBy: [],
    orderByExpressions: [],
    groupByExpressions: [],
    groupByAliases: [],
    aggregates: [],
    groupByAliasToAggregateType: {},
    rewrittenQuery: '',
    hasSelectValue: false,
    hasNonStreamingOrderBy: false,
  };
  const queryRanges = [{ min: '', max: 'FF', isMinInclusive: true, isMaxInclusive: false }];
  const plan = { partitionedQueryExecutionInfoVersion: 2, queryInfo, queryRanges };
  return { status: 200, body: JSON.stringify(plan), charge: 0 };
}

export function pageSizeFrom(headers: IncomingHttpHeaders): number {
  const given = headers['x-ms-max-item-count'];
  if (given === undefined) return 100;
  const size = Number(given);
  if (size === -1) return 1000;
  if (!Number.isInteger(size) || size < 1) throw badRequest('x-ms-max-item-count is -1 or a positive whole number.');
  return size;
}

/** A query over one partition, or over the whole container. */
export function queryDocuments(
  documents: Documents,
  body: string,
  partition: Partition | undefined,
  headers: IncomingHttpHeaders,
): Outcome {
  const { container } = documents;
  const { text, query, parameters } = readSpec(body);
  requireCompositeIndex(query, container.view);
  const pin = pinned(query.where, parameters, container.partitionPath);
  const within = partition ?? (pin === undefined ? undefined : partitionOfValue(pin));
  const id = pinned(query.where, parameters, ['id']);
  const page = execute({
    query,
    parameters,
    identity: JSON.stringify([container.rid, partition, text, [...parameters]]),
    pageSize: pageSizeFrom(headers),
    continuation: headers['x-ms-continuation']?.toString(),
    *rows(after): Generator<Row> {
      const scope = { after, ...(within && { partition: within }), ...(typeof id === 'string' && { id }) };
      for (const stored of documents.scan(scope)) yield { n: stored.n, document: documents.view(stored) };
    },
  });
  return feedOf('Documents', container.rid, page);
}

/** Databases and containers can be queried too; there are few. */
export function queryList(
  kind: string,
  rid: string,
  list: JsonObject[],
  body: string,
  headers: IncomingHttpHeaders,
): Outcome {
  const { text, query, parameters } = readSpec(body);
  const page = execute({
    query,
    parameters,
    identity: JSON.stringify([kind, rid, text, [...parameters]]),
    pageSize: pageSizeFrom(headers),
    continuation: headers['x-ms-continuation']?.toString(),
    *rows(after): Generator<Row> {
      for (const [i, document] of list.entries()) if (i + 1 > after) yield { n: i + 1, document };
    },
  });
  return feedOf(kind, rid, page);
}

export function feedOf(kind: string, rid: string, { items, next, scanned }: Page): Outcome {
  const body = `{"_rid":${JSON.stringify(rid)},"${kind}":[${items.join()}],"_count":${items.length}}`;
  const headers = { 'x-ms-item-count': String(items.length), ...(next !== undefined && { 'x-ms-continuation': next }) };
  return { status: 200, body, charge: queryCharge(scanned, body.length), headers };
}

/** Azure refuses to order by two paths without a composite index in that order, or the exact reverse of it. */
function requireCompositeIndex({ orderBy }: Query, { indexingPolicy }: JsonObject): void {
  if (orderBy.length < 2) return;
  const indexes = isObject(indexingPolicy) ? indexingPolicy.compositeIndexes : undefined;
  const wanted = (reverse: boolean) =>
    orderBy
      .map(({ steps, descending }) => `${pathOf(steps)} ${descending === reverse ? 'ascending' : 'descending'}`)
      .join();
  const served = (Array.isArray(indexes) ? indexes : []).some((index) => {
    const has = (Array.isArray(index) ? index : []).map((part) =>
      isObject(part) ? `${String(part.path)} ${String(part.order ?? 'ascending')}` : '',
    );
    return [wanted(false), wanted(true)].includes(has.join());
  });
  if (!served)
    throw badRequest('The order by query does not have a corresponding composite index that it can be served from.');
}

const pathOf = (steps: readonly Step[]) => steps.map((step) => `/${step}`).join('');

/** Latest-version change feed: each document once, in the order of its last change. Deletions don't show. */
export function changeFeed(
  documents: Documents,
  lsn: number,
  partition: Partition | undefined,
  headers: IncomingHttpHeaders,
): Outcome {
  if (!/^incremental feed$/iu.test(headers['a-im']?.toString() ?? ''))
    throw badRequest('Only the incremental change feed is supported.');
  const from = headers['if-none-match'];
  const changedAfter = from === undefined ? 0 : from === '*' ? lsn : Number(/^"(\d+)"$/u.exec(from)?.[1] ?? Number.NaN);
  if (Number.isNaN(changedAfter)) throw badRequest('Invalid continuation token for this change feed.');
  const since =
    headers['if-modified-since'] === undefined ? 0 : Math.floor(Date.parse(headers['if-modified-since']) / 1000);
  if (Number.isNaN(since)) throw badRequest('if-modified-since is not a date.');
  const size = pageSizeFrom(headers);
  const items: string[] = [];
  let last = changedAfter;
  for (const stored of documents.scan({ changedAfter, since, ...(partition && { partition }) })) {
    items.push(JSON.stringify({ ...documents.view(stored), _lsn: stored.lsn }));
    last = stored.lsn;
    if (items.length >= size) break;
  }
  if (items.length === 0) return { status: 304, etag: `"${Math.max(last, lsn)}"`, charge: 1 };
  return {
    ...feedOf('Documents', documents.container.rid, { items, next: undefined, scanned: items.length }),
    etag: `"${last}"`,
  };
}
