import type { IncomingHttpHeaders } from 'node:http';
import { type Access, type Action, admit, requireKey } from './access.ts';
import type { Caller } from './auth.ts';
import { atomicBatch, batchOperations, bulk } from './batch.ts';
import { Documents } from './documents.ts';
import { changeFeed, everything, feedOf, queryDocuments, queryList, queryPlan } from './feed.ts';
import { parseJson, parseObject } from './json.ts';
import { conditionsFrom, type Outcome } from './outcome.ts';
import { type Partition, partitionFrom } from './partition.ts';
import { readPatch } from './patch.ts';
import { badRequest, notFound, Refusal } from './refusal.ts';
import * as resources from './resources.ts';

export interface Request {
  method: string;
  /** `/dbs/x/colls/y` decoded and cut at the slashes. */
  segments: string[];
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Scope extends Access {
  service: resources.Service;
  url: string;
  caller: Caller;
}

// Resources of Cosmos DB that this server knows of and doesn't have.
const absent = new Set(
  'sprocs triggers udfs users permissions offers conflicts attachments clientencryptionkeys usertypes media'.split(' '),
);
const refusedHeaders = [
  'x-ms-indexing-directive',
  'x-ms-documentdb-pre-trigger-include',
  'x-ms-documentdb-pre-trigger-exclude',
  'x-ms-documentdb-post-trigger-include',
  'x-ms-documentdb-post-trigger-exclude',
  'x-ms-cosmos-is-client-encrypted',
  'x-ms-start-epk',
  'x-ms-end-epk',
];
const isTrue = (header: string | string[] | undefined) => header?.toString().toLowerCase() === 'true';

/** One request to one outcome, synchronously: what runs here runs alone. */
export function route(request: Request, scope: Scope): Outcome {
  const { segments, headers } = request;
  for (const name of refusedHeaders)
    if (headers[name] !== undefined) throw badRequest(`The header ${name} is not supported.`);
  const consistency = headers['x-ms-consistency-level']?.toString();
  if (consistency === 'Strong' || consistency === 'BoundedStaleness')
    throw badRequest(`ConsistencyLevel ${consistency} is stronger than the account's, which is Session.`);
  const [dbs, databaseId, colls, containerId, kind, documentId, ...rest] = segments;
  const unsupported = segments.find((segment, i) => i % 2 === 0 && absent.has(segment));
  if (unsupported !== undefined) throw new Refusal(501, `'${unsupported}' is not supported.`);
  if (dbs === undefined) return account(request, scope);
  if (dbs !== 'dbs' || (colls ?? 'colls') !== 'colls' || rest.length > 0) throw notFound();
  if (databaseId === undefined) return databases(request, scope);
  if (colls === undefined) return database(request, scope, databaseId);
  if (containerId === undefined) return containers(request, scope, databaseId);
  if (kind === undefined) return container(request, scope, databaseId, containerId);
  if (kind === 'pkranges' && documentId === undefined) return ranges(request, scope, databaseId, containerId);
  if (kind !== 'docs') throw notFound();
  const find = () => new Documents(scope.service, resources.findContainer(scope.service, databaseId, containerId));
  if (documentId === undefined) return feed(request, scope, containerId, find);
  return item(request, scope, containerId, documentId, find);
}

const notAllowed = ({ method }: Request) => new Refusal(405, `${method} is not allowed here.`);
const isQuery = ({ headers }: Request) => isTrue(headers['x-ms-documentdb-isquery']);

function account(request: Request, scope: Scope): Outcome {
  if (request.method !== 'GET') throw notAllowed(request);
  admit(scope.caller, 'metadata', undefined, scope);
  const here = [{ name: 'Local', databaseAccountEndpoint: scope.url }];
  const body = {
    // Not 'localhost': the SDK ignores the locations of an account that is called so.
    id: 'local',
    _self: '',
    _rid: 'local',
    _dbs: '//dbs/',
    media: '//media/',
    addresses: '//addresses/',
    writableLocations: here,
    readableLocations: here,
    enableMultipleWriteLocations: false,
    userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
    userReplicationPolicy: { asyncReplication: false, minReplicaSetSize: 1, maxReplicasetSize: 1 },
    systemReplicationPolicy: { minReplicaSetSize: 1, maxReplicasetSize: 1 },
    readPolicy: { primaryReadCoefficient: 1, secondaryReadCoefficient: 1 },
    queryEngineConfiguration: '{}',
  };
  return { status: 200, body: JSON.stringify(body), charge: 0 };
}

function manage(scope: Scope, action: Action, containerId?: string): void {
  requireKey(scope.caller);
  admit(scope.caller, action, containerId, scope);
}

function list(request: Request, kind: string, rid: string, found: resources.Database[]): Outcome {
  const views = found.map(({ view }) => view);
  return queryList(kind, rid, views, request.method === 'POST' ? request.body : everything, request.headers);
}

function databases(request: Request, scope: Scope): Outcome {
  const { service, caller } = scope;
  if (request.method === 'GET' || (request.method === 'POST' && isQuery(request))) {
    admit(caller, 'metadata', undefined, scope);
    return list(request, 'Databases', '', resources.listDatabases(service));
  }
  if (request.method !== 'POST') throw notAllowed(request);
  manage(scope, 'create');
  return resources.createDatabase(service, parseObject(request.body));
}

function database(request: Request, scope: Scope, id: string): Outcome {
  if (request.method === 'GET') {
    admit(scope.caller, 'metadata', undefined, scope);
    return resources.shown(resources.findDatabase(scope.service, id));
  }
  if (request.method !== 'DELETE') throw notAllowed(request);
  manage(scope, 'delete');
  return resources.deleteDatabase(scope.service, id, conditionsFrom(request.headers));
}

function containers(request: Request, scope: Scope, databaseId: string): Outcome {
  const { service, caller } = scope;
  if (request.method === 'GET' || (request.method === 'POST' && isQuery(request))) {
    admit(caller, 'metadata', undefined, scope);
    const found = resources.findDatabase(service, databaseId);
    return list(request, 'DocumentCollections', found.rid, resources.listContainers(service, found));
  }
  if (request.method !== 'POST') throw notAllowed(request);
  const definition = parseObject(request.body);
  manage(scope, 'create', typeof definition.id === 'string' ? definition.id : undefined);
  return resources.createContainer(service, databaseId, definition);
}

function container(request: Request, scope: Scope, databaseId: string, id: string): Outcome {
  const { service, caller } = scope;
  const conditions = conditionsFrom(request.headers);
  switch (request.method) {
    case 'GET':
      admit(caller, 'metadata', id, scope);
      return resources.shown(resources.findContainer(service, databaseId, id));
    case 'PUT':
      manage(scope, 'replace', id);
      return resources.replaceContainer(service, [databaseId, id], parseObject(request.body), conditions);
    case 'DELETE':
      manage(scope, 'delete', id);
      return resources.deleteContainer(service, [databaseId, id], conditions);
    default:
      throw notAllowed(request);
  }
}

/** One range for everything: this server never splits. */
function ranges(request: Request, scope: Scope, databaseId: string, id: string): Outcome {
  if (request.method !== 'GET') throw notAllowed(request);
  admit(scope.caller, 'metadata', id, scope);
  const { rid, self, etag } = resources.findContainer(scope.service, databaseId, id);
  const range = {
    id: '0',
    _rid: rid,
    _self: `${self}pkranges/0/`,
    _etag: etag,
    minInclusive: '',
    maxExclusive: 'FF',
    ridPrefix: 0,
    throughputFraction: 1,
    status: 'online',
    parents: [],
  };
  return feedOf('PartitionKeyRanges', rid, { items: [JSON.stringify(range)], next: undefined, scanned: 0 });
}

function partitionHeader(headers: IncomingHttpHeaders): Partition | undefined {
  const header = headers['x-ms-documentdb-partitionkey']?.toString();
  return header === undefined ? undefined : partitionFrom(header);
}

function needPartition(headers: IncomingHttpHeaders): Partition {
  const partition = partitionHeader(headers);
  if (partition === undefined) throw badRequest('PartitionKey value must be supplied for this operation.');
  return partition;
}

function feed(request: Request, scope: Scope, containerId: string, find: () => Documents): Outcome {
  const { method, headers, body } = request;
  const { caller, service } = scope;
  if (method === 'GET' || isQuery(request) || isTrue(headers['x-ms-cosmos-is-query-plan-request'])) {
    const isChangeFeed = method === 'GET' && headers['a-im'] !== undefined;
    admit(caller, isChangeFeed ? 'readChangeFeed' : 'query', containerId, scope);
    const range = headers['x-ms-documentdb-partitionkeyrangeid'];
    if (range !== undefined && range !== '0')
      throw badRequest(`There is no partition key range '${range.toString()}'.`);
    const documents = find();
    const partition = partitionHeader(headers);
    if (isTrue(headers['x-ms-cosmos-is-query-plan-request'])) return queryPlan(body);
    if (isChangeFeed) return changeFeed(documents, service.store.lsn, partition, headers);
    const crossing = partition === undefined && range === undefined && method === 'POST';
    if (crossing && !isTrue(headers['x-ms-documentdb-query-enablecrosspartition']))
      throw badRequest('Cross partition query is required but disabled.');
    return queryDocuments(documents, method === 'GET' ? everything : body, partition, headers);
  }
  if (method !== 'POST') throw notAllowed(request);
  if (isTrue(headers['x-ms-cosmos-is-batch-request'])) return batch(request, scope, containerId, find);
  const upsert = isTrue(headers['x-ms-documentdb-is-upsert']);
  admit(caller, upsert ? 'upsert' : 'create', containerId, scope);
  const documents = find();
  const partition = needPartition(headers);
  if (!upsert) return documents.create(partition, parseObject(body));
  return documents.upsert(partition, parseObject(body), conditionsFrom(headers));
}

function batch({ headers, body }: Request, scope: Scope, containerId: string, find: () => Documents): Outcome {
  // `contentResponseOnWriteEnabled: false` in the SDK.
  const operations = batchOperations(body, headers.prefer?.toString() === 'return=minimal');
  for (const action of new Set(operations.map((operation) => operation.action)))
    admit(scope.caller, action, containerId, scope);
  const documents = find();
  if (isTrue(headers['x-ms-cosmos-batch-atomic']))
    return atomicBatch(scope.service.store, documents, needPartition(headers), operations);
  return bulk(documents, operations, isTrue(headers['x-ms-cosmos-batch-continue-on-error']));
}

function item(request: Request, scope: Scope, containerId: string, id: string, find: () => Documents): Outcome {
  const { method, headers, body } = request;
  const actions: Record<string, Action> = { GET: 'read', PUT: 'replace', PATCH: 'replace', DELETE: 'delete' };
  const action = actions[method];
  if (action === undefined) throw notAllowed(request);
  admit(scope.caller, action, containerId, scope);
  const documents = find();
  const partition = needPartition(headers);
  const conditions = conditionsFrom(headers);
  if (method === 'GET') return documents.read(partition, id, conditions);
  if (method === 'PUT') return documents.replace(partition, id, parseObject(body), conditions);
  if (method === 'PATCH') return documents.patch(partition, id, readPatch(parseJson(body)), conditions);
  return documents.delete(partition, id, conditions);
}
