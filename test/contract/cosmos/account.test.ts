import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import tls from 'node:tls';
import { CosmosClient } from '@azure/cosmos';
import { generate } from 'selfsigned';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { functions } from '../../../local/cosmos/sql/functions.ts';
import { clientOf, containerOf, events, key, rest, server, signature, statusOf } from './support.ts';

let pem: { key: string; cert: string };

beforeAll(async () => {
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] }];
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048, extensions });
  pem = { key: made.private, cert: made.cert };
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), made.cert]);
});

/** Tokens of the form `<object id>@<expiry in ms>`, read by the given clock. */
const authenticateToken = (now: () => number) => async (token: string) => {
  const [objectId = '', expiry] = token.split('@');
  if (Number(expiry) <= now()) throw new Error('expired');
  return { objectId };
};

function tokenClient(url: string, token: string): CosmosClient {
  const getToken = async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 });
  const client = new CosmosClient({ endpoint: url, aadCredentials: { getToken } });
  onTestFinished(() => client.dispose());
  return client;
}

test('where something stands in front of it, clients are sent there', async () => {
  const address = 'http://localhost:8081/';
  const cosmos = await server({ address });
  const { resource } = await clientOf(`http://localhost:${cosmos.port}/`).getDatabaseAccount();
  expect(resource?.writableLocations).toMatchObject([{ databaseAccountEndpoint: address }]);
});

test('an Entra token works over https with endpoint discovery on', async () => {
  const cosmos = await server({ tls: pem, authenticateToken: authenticateToken(() => 0) });
  await containerOf(cosmos.url);
  const client = tokenClient(cosmos.url, 'service@1');
  const container = client.database('curfew').container('events');
  expect(await statusOf(container.items.create({ id: '1', requestId: 'r' }))).toBe(201);
  expect((await container.item('1', 'r').read()).resource).toMatchObject({ id: '1', requestId: 'r' });
  expect(await client.getWriteEndpoint()).toBe(cosmos.url);
  expect(await client.getReadEndpoint()).toBe(cosmos.url);
});

test('a key works over http and https with endpoint discovery on', async () => {
  for (const options of [{}, { tls: pem }]) {
    const cosmos = await server(options);
    const client = clientOf(cosmos.url, { discovery: true });
    expect(await statusOf(client.databases.create({ id: 'curfew' }))).toBe(201);
    expect((await client.databases.readAll().fetchAll()).resources.map(({ id }) => id)).toEqual(['curfew']);
  }
});

test('an expired token is refused with 401, and so is any token where no tokens are taken', async () => {
  let now = 0;
  const cosmos = await server({ tls: pem, authenticateToken: authenticateToken(() => now) });
  const client = tokenClient(cosmos.url, 'service@1000');
  expect(
    await statusOf(
      client.databases
        .readAll()
        .fetchAll()
        .then(() => ({ statusCode: 200 })),
    ),
  ).toBe(200);
  now = 1000;
  expect(
    await statusOf(
      client.databases
        .readAll()
        .fetchAll()
        .then(() => ({})),
    ),
  ).toBe(401);
  const keysOnly = await server({ tls: pem });
  expect(await statusOf(tokenClient(keysOnly.url, 'service@1').getDatabaseAccount())).toBe(401);
});

test('a wrong key is refused with 401, and so is any key where keys are off', async () => {
  const other = Buffer.from('another key').toString('base64');
  const cosmos = await server();
  expect(await statusOf(clientOf(cosmos.url, { key: other }).getDatabaseAccount())).toBe(401);
  expect((await fetch(cosmos.url)).status).toBe(401);
  expect((await fetch(cosmos.url, { headers: { authorization: '%' } })).status).toBe(401);
  const tokensOnly = await server({ key: undefined, authenticateToken: authenticateToken(() => 0) });
  expect(await statusOf(clientOf(tokensOnly.url, { key }).getDatabaseAccount())).toBe(401);
});

test('a signature counts for one method and one resource', async () => {
  const cosmos = await server();
  await containerOf(cosmos.url);
  const headers = signature('GET', '/dbs/curfew');
  expect((await fetch(new URL('/dbs/curfew', cosmos.url), { headers })).status).toBe(200);
  expect((await fetch(new URL('/dbs/curfew', cosmos.url), { headers, method: 'DELETE' })).status).toBe(401);
  expect((await fetch(new URL('/dbs/curfew/colls/events', cosmos.url), { headers })).status).toBe(401);
});

test('a caller who may only create can neither change nor drop what stands there', async () => {
  const allowed = new Set(['create', 'read', 'query', 'metadata']);
  const cosmos = await server({
    tls: pem,
    authenticateToken: authenticateToken(() => 0),
    authorize: (caller, action, container) => caller === 'key' || container !== 'events' || allowed.has(action),
  });
  await containerOf(cosmos.url);
  const database = tokenClient(cosmos.url, 'service@1').database('curfew');
  const container = database.container('events');
  const event = { id: '1', requestId: 'r' };
  expect(await statusOf(container.items.create(event))).toBe(201);
  expect(await statusOf(container.items.upsert(event))).toBe(403);
  expect(await statusOf(container.item('1', 'r').replace(event))).toBe(403);
  expect(await statusOf(container.item('1', 'r').patch([{ op: 'set', path: '/a', value: 1 }]))).toBe(403);
  expect(await statusOf(container.item('1', 'r').delete())).toBe(403);
  for (const operationType of ['Upsert', 'Replace'] as const) {
    const change = { operationType, id: '1', resourceBody: event };
    const other = { operationType: 'Create' as const, resourceBody: { id: '2', requestId: 'r' } };
    expect(await statusOf(container.items.batch([other, change], 'r'))).toBe(403);
  }
  expect(await statusOf(container.item('2', 'r').read())).toBe(404);
  // Azure lets no Entra identity manage databases and containers on the data plane.
  expect(await statusOf(container.delete())).toBe(403);
  expect(await statusOf(database.delete())).toBe(403);
  expect(await statusOf(database.containers.create({ id: 'more' }))).toBe(403);
  expect((await container.item('1', 'r').read()).resource).toMatchObject(event);
});

test('databases and containers are created, read, listed, replaced and deleted', async () => {
  const cosmos = await server();
  const { databases } = clientOf(cosmos.url);
  expect(await statusOf(databases.createIfNotExists({ id: 'curfew' }))).toBe(201);
  expect(await statusOf(databases.createIfNotExists({ id: 'curfew' }))).toBe(200);
  expect(await statusOf(databases.create({ id: 'curfew' }))).toBe(409);
  const { database } = await databases.createIfNotExists({ id: 'curfew' });
  const definition = { id: 'links', partitionKey: { paths: ['/tenant/id'] }, defaultTtl: -1 };
  expect(await statusOf(database.containers.createIfNotExists(definition))).toBe(201);
  expect(await statusOf(database.containers.createIfNotExists(definition))).toBe(200);
  expect(await statusOf(database.containers.create(definition))).toBe(409);
  const links = database.container('links');
  expect((await links.read()).resource).toMatchObject({ defaultTtl: -1, partitionKey: { paths: ['/tenant/id'] } });
  expect(await statusOf(links.replace({ ...definition, defaultTtl: 60 }))).toBe(200);
  expect((await links.read()).resource?.defaultTtl).toBe(60);
  expect(await statusOf(links.replace({ ...definition, partitionKey: { paths: ['/other'] } }))).toBe(400);
  await database.containers.create({ id: 'holds' });
  const ids = async () => (await database.containers.readAll().fetchAll()).resources.map(({ id }) => id);
  expect(await ids()).toEqual(['links', 'holds']);
  const named = { query: 'SELECT * FROM root r WHERE r.id = @id', parameters: [{ name: '@id', value: 'holds' }] };
  expect((await database.containers.query(named).fetchAll()).resources).toHaveLength(1);
  expect(await statusOf(links.delete())).toBe(204);
  expect(await ids()).toEqual(['holds']);
  expect(await statusOf(database.delete())).toBe(204);
  expect(await statusOf(database.read())).toBe(404);
});

test('a dropped and recreated container is empty', async () => {
  const cosmos = await server();
  const before = await containerOf(cosmos.url);
  await before.items.create({ id: '1', requestId: 'r' });
  await before.delete();
  expect(await statusOf(before.item('1', 'r').read())).toBe(404);
  expect(await statusOf(before.items.create({ id: '1', requestId: 'r' }))).toBe(404);
  const after = await containerOf(cosmos.url);
  expect((await after.items.readAll().fetchAll()).resources).toEqual([]);
});

test('a container with settings that are not simulated is refused', async () => {
  const { url } = await server();
  const { database } = await clientOf(url).databases.createIfNotExists({ id: 'curfew' });
  const create = (more: object) => statusOf(database.containers.create({ id: 'c', ...more }));
  expect(await create({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/a'] }] } })).toBe(400);
  expect(await create({ partitionKey: { paths: ['/a', '/b'], kind: 'MultiHash', version: 2 } })).toBe(400);
  expect(await create({ defaultTtl: 0 })).toBe(400);
  expect(await create({ vectorEmbeddingPolicy: { vectorEmbeddings: [] } })).toBe(400);
  expect(await create({ uniqueKeyPolicy: { uniqueKeys: [] } })).toBe(201);
});

test('what is unknown or not simulated is refused with a code of its own', async () => {
  const { url } = await server();
  await containerOf(url);
  const coll = '/dbs/curfew/colls/events';
  const refused = async (method: string, path: string, more = {}) => {
    const { status, code } = await rest(url, method, path, more);
    return [status, code];
  };
  expect(await refused('GET', `${coll}/sprocs`)).toEqual([501, 'NotImplemented']);
  expect(await refused('GET', '/offers')).toEqual([501, 'NotImplemented']);
  expect(await refused('GET', '/dbs/curfew/users')).toEqual([501, 'NotImplemented']);
  expect(await refused('GET', '/elsewhere')).toEqual([404, 'NotFound']);
  expect(await refused('GET', `${coll}/nothing`)).toEqual([404, 'NotFound']);
  expect(await refused('DELETE', '/')).toEqual([405, 'MethodNotAllowed']);
  expect(await refused('DELETE', `${coll}/docs`)).toEqual([405, 'MethodNotAllowed']);
  expect(await refused('PATCH', '/dbs/curfew')).toEqual([405, 'MethodNotAllowed']);
  const headers = { 'x-ms-documentdb-pre-trigger-include': 'audit' };
  expect(await refused('POST', `${coll}/docs`, { headers, body: { id: '1' } })).toEqual([400, 'BadRequest']);
  const strong = { 'x-ms-consistency-level': 'Strong' };
  expect(await refused('GET', coll, { headers: strong })).toEqual([400, 'BadRequest']);
});

test('every answer carries a request charge and an activity id', async () => {
  const cosmos = await server();
  const container = await containerOf(cosmos.url);
  const created = await container.items.create({ id: '1', requestId: 'r' });
  expect(created.requestCharge).toBeGreaterThan(5);
  expect((await container.item('1', 'r').read()).requestCharge).toBeCloseTo(1, 0);
  const refused = await rest(cosmos.url, 'GET', '/dbs/none');
  expect(Number(refused.headers.get('x-ms-request-charge'))).toBeGreaterThan(0);
  expect(refused.headers.get('x-ms-activity-id')).toMatch(/^[\da-f-]{36}$/u);
});

test('a client that hangs up in the middle of a request disturbs nobody', async () => {
  const cosmos = await server();
  const container = await containerOf(cosmos.url);
  const path = '/dbs/curfew/colls/events/docs';
  const headers = { ...signature('POST', path), 'content-length': '1000' };
  const half = request(new URL(path, cosmos.url), { method: 'POST', headers });
  half.on('error', () => {});
  await new Promise((resolve) => half.write('{"id":', resolve));
  half.destroy();
  await new Promise((resolve) => half.once('close', resolve));
  expect(await statusOf(container.items.create({ id: '1', requestId: 'r' }))).toBe(201);
});

test('a session token is accepted and answered', async () => {
  const { container } = await events();
  const { headers } = await container.items.create({ id: '1', requestId: 'r' });
  const sessionToken = String((headers as Record<string, unknown>)['x-ms-session-token']);
  expect(sessionToken).toMatch(/^0:-1#\d+$/u);
  expect(await statusOf(container.item('1', 'r').read({ sessionToken }))).toBe(200);
});

test('the README names every function of the query language', async () => {
  const readme = await readFile(new URL('../../../local/cosmos/README.md', import.meta.url), 'utf8');
  for (const name of functions.keys()) expect(readme).toContain(`\`${name}\``);
});
