import { randomUUID } from 'node:crypto';
import { isObject, type Json, type JsonObject, parseObject } from './json.ts';
import { type Conditions, type Outcome, requireConditions } from './outcome.ts';
import { badRequest, notFound, Refusal } from './refusal.ts';
import { ridOf } from './rid.ts';
import type { Store } from './store.ts';

export interface Service {
  store: Store;
  /** Documents as they were last parsed, by their number. */
  parsed: Map<number, { etag: string; document: JsonObject }>;
  /** Milliseconds since 1970; TTL and `_ts` follow it. */
  now(): number;
}
export interface Database {
  n: number;
  rid: string;
  view: JsonObject;
  etag: string;
}
export interface Container extends Database {
  database: number;
  self: string;
  partitionPath: string[];
  /** undefined: nothing expires; -1: only items with a `ttl` of their own. */
  defaultTtl: number | undefined;
}

const metadataCharge = 1;
const seconds = (now: number) => Math.floor(now / 1000);
export const newEtag = () => `"${randomUUID()}"`;
export const isTtl = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && (value === -1 || value > 0) && value <= 2_147_483_647;

export function requireId(id: Json | undefined, forbidden: RegExp): string {
  if (typeof id !== 'string' || id.trim() === '') throw badRequest("The required property 'id' is missing or empty.");
  // Half of a surrogate pair would not come back from SQLite as it went in.
  if (forbidden.test(id) || !id.isWellFormed()) throw badRequest('The id contains characters that are not allowed.');
  return id;
}
const resourceId = (body: JsonObject) => {
  const id = requireId(body.id, /[/\\?#]| $/u);
  if (id.length > 255) throw badRequest('The id is longer than 255 characters.');
  return id;
};

type Row = Record<string, unknown>;

function databaseOf(row: Row): Database {
  const [n, etag] = [Number(row.n), String(row.etag)];
  const rid = ridOf(n);
  const links = {
    _rid: rid,
    _self: `dbs/${rid}/`,
    _etag: etag,
    _colls: 'colls/',
    _users: 'users/',
    _ts: Number(row.ts),
  };
  return { n, rid, etag, view: { id: String(row.id), ...links } };
}

function containerOf(row: Row): Container {
  const definition = parseObject(String(row.definition));
  const [database, n, etag] = [Number(row.database), Number(row.n), String(row.etag)];
  const rid = ridOf(database, n);
  const self = `dbs/${ridOf(database)}/colls/${rid}/`;
  const links = { _rid: rid, _ts: Number(row.ts), _self: self, _etag: etag, _docs: 'docs/', _sprocs: 'sprocs/' };
  const more = { _triggers: 'triggers/', _udfs: 'udfs/', _conflicts: 'conflicts/' };
  return {
    n,
    database,
    rid,
    etag,
    self,
    view: { ...definition, ...links, ...more },
    partitionPath: partitionPath(definition),
    defaultTtl: isTtl(definition.defaultTtl) ? definition.defaultTtl : undefined,
  };
}

function partitionPath({ partitionKey }: JsonObject): string[] {
  const paths = isObject(partitionKey) ? partitionKey.paths : undefined;
  const path = Array.isArray(paths) && paths.length === 1 ? paths[0] : undefined;
  if (typeof path !== 'string' || !/^(?:\/[^/"'*[\]]+)+$/u.test(path))
    throw badRequest('A container has exactly one partition key path, such as /requestId.');
  return path.slice(1).split('/');
}

export function findDatabase({ store }: Service, id: string): Database {
  const row = store.one('SELECT * FROM databases WHERE id = ?', id);
  if (row === undefined) throw notFound();
  return databaseOf(row);
}

export function findContainer(service: Service, databaseId: string, id: string): Container {
  const sql = 'SELECT c.* FROM containers c JOIN databases d ON d.n = c.database WHERE d.id = ? AND c.id = ?';
  const row = service.store.one(sql, databaseId, id);
  // 1003: the container (and not a document) is what's missing.
  if (row === undefined) throw new Refusal(404, 'Owner resource does not exist', { substatus: 1003 });
  return containerOf(row);
}

export const listDatabases = ({ store }: Service): Database[] =>
  [...store.each('SELECT * FROM databases ORDER BY n')].map(databaseOf);

export const listContainers = ({ store }: Service, database: Database): Container[] =>
  [...store.each('SELECT * FROM containers WHERE database = ? ORDER BY n', database.n)].map(containerOf);

export function shown({ view, etag }: Database, status: 200 | 201 = 200): Outcome {
  return { status, body: JSON.stringify(view), etag, charge: metadataCharge };
}

const exists = () => new Refusal(409, 'Resource with specified id, name, or unique index already exists.');

export function createDatabase(service: Service, body: JsonObject): Outcome {
  const id = resourceId(body);
  const unknown = Object.keys(body).find((key) => key !== 'id');
  if (unknown !== undefined) throw badRequest(`The property '${unknown}' of a database is not supported.`);
  const { store } = service;
  return store.write(() => {
    if (store.one('SELECT n FROM databases WHERE id = ?', id)) throw exists();
    store.run('INSERT INTO databases (id, etag, ts) VALUES (?, ?, ?)', id, newEtag(), seconds(service.now()));
    return shown(findDatabase(service, id), 201);
  });
}

export function deleteDatabase(service: Service, id: string, conditions: Conditions): Outcome {
  return service.store.write(() => {
    const database = findDatabase(service, id);
    requireConditions(conditions, database.etag);
    service.store.run('DELETE FROM databases WHERE n = ?', database.n);
    return { status: 204, charge: metadataCharge };
  });
}

/** Settings that would change what the container does and that this server doesn't have are refused, not kept. */
function containerDefinition(body: JsonObject): JsonObject {
  const system = /^_(?:rid|ts|self|etag|docs|sprocs|triggers|udfs|conflicts)$/u;
  const definition = Object.fromEntries(Object.entries(body).filter(([key]) => !system.test(key)));
  const known = ['id', 'partitionKey', 'defaultTtl', 'indexingPolicy', 'conflictResolutionPolicy', 'geospatialConfig'];
  const { uniqueKeyPolicy, ...rest } = definition;
  const uniqueKeys = isObject(uniqueKeyPolicy) ? uniqueKeyPolicy.uniqueKeys : (uniqueKeyPolicy ?? []);
  if (!Array.isArray(uniqueKeys) || uniqueKeys.length > 0) throw badRequest('Unique keys are not supported.');
  const unknown = Object.keys(rest).find((key) => !known.includes(key));
  if (unknown !== undefined) throw badRequest(`The container setting '${unknown}' is not supported.`);
  partitionPath(rest);
  // Azure sends back null for "off"; the SDK may return what it read.
  if (rest.defaultTtl === null) delete rest.defaultTtl;
  if (rest.defaultTtl !== undefined && !isTtl(rest.defaultTtl))
    throw badRequest('defaultTtl is -1 or a positive whole number.');
  const partitionKey = { kind: 'Hash', version: 2, ...(isObject(rest.partitionKey) ? rest.partitionKey : {}) };
  if (partitionKey.kind !== 'Hash') throw badRequest('Hierarchical partition keys are not supported.');
  return { indexingPolicy: defaultIndexing, ...rest, partitionKey };
}

const defaultIndexing: JsonObject = {
  indexingMode: 'consistent',
  automatic: true,
  includedPaths: [{ path: '/*' }],
  excludedPaths: [{ path: '/"_etag"/?' }],
};

export function createContainer(service: Service, databaseId: string, body: JsonObject): Outcome {
  const { store } = service;
  const definition = containerDefinition(body);
  const id = resourceId(definition);
  return store.write(() => {
    const database = findDatabase(service, databaseId);
    if (store.one('SELECT n FROM containers WHERE database = ? AND id = ?', database.n, id)) throw exists();
    const sql = 'INSERT INTO containers (database, id, etag, ts, definition) VALUES (?, ?, ?, ?, ?)';
    store.run(sql, database.n, id, newEtag(), seconds(service.now()), JSON.stringify(definition));
    return shown(findContainer(service, databaseId, id), 201);
  });
}

export function replaceContainer(
  service: Service,
  [databaseId, id]: [string, string],
  body: JsonObject,
  conditions: Conditions,
): Outcome {
  const { store } = service;
  const definition = containerDefinition(body);
  return store.write(() => {
    const before = findContainer(service, databaseId, id);
    requireConditions(conditions, before.etag);
    const moved = partitionPath(definition).join('/') !== before.partitionPath.join('/');
    if (resourceId(definition) !== id || moved)
      throw badRequest('The id and the partition key of a container are fixed.');
    const sql = 'UPDATE containers SET etag = ?, ts = ?, definition = ? WHERE n = ?';
    store.run(sql, newEtag(), seconds(service.now()), JSON.stringify(definition), before.n);
    const after = findContainer(service, databaseId, id);
    if (after.defaultTtl !== before.defaultTtl) retime(service, after);
    return shown(after);
  });
}

export function deleteContainer(service: Service, [databaseId, id]: [string, string], conditions: Conditions): Outcome {
  return service.store.write(() => {
    const container = findContainer(service, databaseId, id);
    requireConditions(conditions, container.etag);
    service.store.run('DELETE FROM containers WHERE n = ?', container.n);
    return { status: 204, charge: metadataCharge };
  });
}

/** When a document ends, in seconds since 1970. An item's `ttl` counts only where the container has TTL switched on. */
export function expiry({ defaultTtl }: Container, ts: number, ttl: number | undefined): number | null {
  const effective = defaultTtl === undefined ? -1 : (ttl ?? defaultTtl);
  return effective === -1 ? null : ts + effective;
}

/** What has expired under the old setting stays gone; what remains gets the new one. */
function retime({ store, now }: Service, container: Container): void {
  store.run('DELETE FROM documents WHERE container = ? AND expires <= ?', container.n, seconds(now()));
  const to = container.defaultTtl;
  const expires =
    to === undefined ? 'NULL' : `CASE coalesce(ttl, ${to}) WHEN -1 THEN NULL ELSE ts + coalesce(ttl, ${to}) END`;
  store.run(`UPDATE documents SET expires = ${expires} WHERE container = ?`, container.n);
}
