import type { PatchOperation } from '@azure/cosmos';
import { expect, test } from 'vitest';
import { events, ifMatch, ifNoneMatch, rest, statusOf } from './support.ts';

const doc = { id: '1', requestId: 'r', a: 1 };

test('a created document is read back with its system properties', async () => {
  const { container } = await events({ now: () => 1_700_000_000_999 });
  const created = await container.items.create(doc);
  expect(created.statusCode).toBe(201);
  const { resource, etag } = await container.item('1', 'r').read();
  expect(resource).toEqual(created.resource);
  expect(resource).toMatchObject({ ...doc, _ts: 1_700_000_000, _etag: etag });
  expect(Object.keys(resource ?? {})).toEqual([...Object.keys(doc), '_rid', '_self', '_etag', '_attachments', '_ts']);
});

test('an id is taken once in a partition and free in another', async () => {
  const { container } = await events();
  expect(await statusOf(container.items.create(doc))).toBe(201);
  expect(await statusOf(container.items.create({ ...doc, a: 2 }))).toBe(409);
  expect(await statusOf(container.items.create({ ...doc, requestId: 's' }))).toBe(201);
  expect((await container.item('1', 'r').read()).resource?.a).toBe(1);
});

test('a missing document is 404, and a missing container is told apart by its sub-status', async () => {
  const { container } = await events();
  await container.items.create(doc);
  const missing = await container.item('1', 'other').read();
  expect([missing.statusCode, missing.substatus]).toEqual([404, 0]);
  const nowhere = await container.database.container('nowhere').item('1', 'r').read();
  expect([nowhere.statusCode, nowhere.substatus]).toEqual([404, 1003]);
  for (const work of [container.item('2', 'r').replace({ ...doc, id: '2' }), container.item('2', 'r').delete()])
    expect(await statusOf(work)).toBe(404);
});

test('replace, upsert, patch and delete each do as they say', async () => {
  const { container } = await events();
  const item = container.item('1', 'r');
  expect(await statusOf(container.items.upsert(doc))).toBe(201);
  expect(await statusOf(container.items.upsert({ ...doc, a: 2 }))).toBe(200);
  expect(await statusOf(item.replace({ ...doc, a: 3 }))).toBe(200);
  expect((await item.patch([{ op: 'incr', path: '/a', value: 4 }])).resource?.a).toBe(7);
  expect(await statusOf(item.delete())).toBe(204);
  expect(await statusOf(item.read())).toBe(404);
  expect(await statusOf(item.replace({ ...doc, id: '2' }))).toBe(404);
});

test('a stale ETag is 412 for replace, upsert, patch and delete, and the current one passes', async () => {
  const { container } = await events();
  const item = container.item('1', 'r');
  const stale = (await container.items.create(doc)).etag;
  let { etag } = await item.replace({ ...doc, a: 2 }, ifMatch(stale));
  expect(etag).not.toBe(stale);
  const set = [{ op: 'set', path: '/a', value: 3 }] as const;
  expect(await statusOf(item.replace(doc, ifMatch(stale)))).toBe(412);
  expect(await statusOf(container.items.upsert(doc, ifMatch(stale)))).toBe(412);
  expect(await statusOf(item.patch([...set], ifMatch(stale)))).toBe(412);
  expect(await statusOf(item.delete(ifMatch(stale)))).toBe(412);
  expect((await item.read()).resource?.a).toBe(2);
  ({ etag } = await container.items.upsert(doc, ifMatch(etag)));
  ({ etag } = await item.patch([...set], ifMatch(etag)));
  expect(await statusOf(item.delete(ifMatch(etag)))).toBe(204);
  // As in Azure: nothing is there, so If-Match has nothing to say.
  expect(await statusOf(container.items.upsert(doc, ifMatch(stale)))).toBe(201);
});

test('if-none-match spares a read of what has not changed and stops a write over what is there', async () => {
  const { container } = await events();
  const { etag } = await container.items.create(doc);
  expect(await statusOf(container.item('1', 'r').read(ifNoneMatch(etag)))).toBe(304);
  expect(await statusOf(container.items.upsert(doc, ifNoneMatch('*')))).toBe(412);
  await container.item('1', 'r').replace({ ...doc, a: 2 });
  expect(await statusOf(container.item('1', 'r').read(ifNoneMatch(etag)))).toBe(200);
});

test('of two concurrent replaces with one ETag exactly one wins', async () => {
  const { container } = await events();
  const { etag } = await container.items.create(doc);
  const replace = (a: number) => statusOf(container.item('1', 'r').replace({ ...doc, a }, ifMatch(etag)));
  const codes = await Promise.all([replace(2), replace(3)]);
  expect(codes.toSorted((a, b) => Number(a) - Number(b))).toEqual([200, 412]);
});

test('the partition key of the request must be that of the document', async () => {
  const { container, cosmos } = await events();
  await container.items.create(doc);
  expect(await statusOf(container.item('1', 'r').replace({ ...doc, requestId: 's' }))).toBe(400);
  expect(await statusOf(container.item('1', 'r').replace({ ...doc, id: '2' }))).toBe(400);
  const path = '/dbs/curfew/colls/events/docs';
  const other = { 'x-ms-documentdb-partitionkey': '["s"]' };
  expect((await rest(cosmos.url, 'POST', path, { headers: other, body: { ...doc, id: '2' } })).status).toBe(400);
  expect((await rest(cosmos.url, 'POST', path, { body: { ...doc, id: '2' } })).status).toBe(400);
  expect((await rest(cosmos.url, 'GET', `${path}/1`)).status).toBe(400);
});

test('partition keys are told apart by type, and a missing one is a partition too', async () => {
  const { container } = await events();
  const keys = ['1', 1, true, null, undefined, ''];
  for (const requestId of keys) await container.items.create({ id: '1', requestId });
  for (const requestId of keys) {
    const { resource } = await container.item('1', requestId).read();
    expect(resource?.requestId).toBe(requestId);
  }
  expect((await container.items.readAll().fetchAll()).resources).toHaveLength(keys.length);
});

test('ids may hold spaces, unicode, percent signs and quotes, but no slash', async () => {
  const { container, cosmos } = await events();
  const ids = [
    'a b',
    'ünï–🙂',
    '100%',
    'a%2Fb',
    'q?x=1&y=2',
    `it's "quoted"`,
    'a+b;c=d,e',
    "'; DROP TABLE documents; --",
  ];
  for (const id of ids) {
    expect(await statusOf(container.items.create({ id, requestId: id }))).toBe(201);
    expect((await container.item(id, id).read()).resource).toMatchObject({ id, requestId: id });
  }
  const found = (await container.items.query('SELECT VALUE c.id FROM c').fetchAll()).resources as string[];
  expect(found).toEqual(ids);
  for (const id of ids) expect(await statusOf(container.item(id, id).delete())).toBe(204);
  const headers = { 'x-ms-documentdb-partitionkey': '["r"]' };
  for (const id of ['a/b', 'a\\b', '', ' ', '\ud800', 7, undefined, 'x'.repeat(1024)]) {
    const body = { id, requestId: 'r' };
    expect((await rest(cosmos.url, 'POST', '/dbs/curfew/colls/events/docs', { headers, body })).status).toBe(400);
  }
});

test('names of databases and containers may hold spaces and unicode', async () => {
  const { container } = await events({}, { id: 'événements 1%' });
  expect(await statusOf(container.items.create(doc))).toBe(201);
  expect((await container.items.query('SELECT * FROM c').fetchAll()).resources).toHaveLength(1);
});

test('nested properties that look like the system’s are kept, and the system’s own are replaced', async () => {
  const { container } = await events();
  const odd = JSON.parse('{"__proto__":{"x":1},"_ts":5,"inner":{"_ts":6,"_rid":"kept"}}') as object;
  const { resource } = await container.items.create({ ...doc, ...odd });
  expect(resource).toMatchObject({ inner: { _ts: 6, _rid: 'kept' } });
  expect(resource?._ts).not.toBe(5);
});

test('a document of more than 2 MB is 413, and one of nearly 2 MB is kept', async () => {
  const { container } = await events();
  const big = (bytes: number) => container.items.create({ id: String(bytes), requestId: 'r', text: 'x'.repeat(bytes) });
  expect(await statusOf(big(2 * 1024 * 1024))).toBe(413);
  expect(await statusOf(big(3 * 1024 * 1024))).toBe(413);
  expect(await statusOf(big(2 * 1024 * 1024 - 100))).toBe(201);
});

test('a patch adds, sets, replaces, removes and moves, in objects and arrays', async () => {
  const { container } = await events();
  await container.items.create({ ...doc, list: [1, 2], deep: { b: 1 }, gone: 0 });
  const { resource } = await container.item('1', 'r').patch([
    { op: 'add', path: '/list/1', value: 'between' },
    { op: 'add', path: '/list/-', value: 'last' },
    { op: 'set', path: '/list/0', value: 'first' },
    { op: 'replace', path: '/deep/b', value: { c: [] } },
    { op: 'set', path: '/odd~1name', value: null },
    // In Cosmos DB, but not in the SDK's types.
    { op: 'move', from: '/a', path: '/moved' } as unknown as PatchOperation,
    { op: 'remove', path: '/gone' },
    { op: 'incr', path: '/count', value: 2.5 },
  ]);
  const { list, deep, a, gone, count, moved } = resource ?? {};
  expect(list).toEqual(['first', 'between', 2, 'last']);
  expect({ deep, a, gone, count, moved }).toEqual({ deep: { b: { c: [] } }, count: 2.5, moved: 1 });
  expect(resource?.['odd/name']).toBeNull();
});

test('a patch that cannot be applied changes nothing', async () => {
  const { container } = await events();
  const { etag } = await container.items.create({ ...doc, list: [1] });
  const item = container.item('1', 'r');
  const first = { op: 'set', path: '/a', value: 9 } as const;
  for (const second of [
    { op: 'remove', path: '/none' },
    { op: 'replace', path: '/none', value: 1 },
    { op: 'set', path: '/none/below', value: 1 },
    { op: 'add', path: '/list/7', value: 1 },
    { op: 'incr', path: '/requestId', value: 1 },
    { op: 'set', path: '/id', value: '2' },
    { op: 'set', path: '/requestId', value: 's' },
    { op: 'set', path: '/_etag', value: 's' },
  ] as const)
    expect(await statusOf(item.patch([first, second])), JSON.stringify(second)).toBe(400);
  expect(await statusOf(item.patch(Array.from({ length: 11 }, () => first)))).toBe(400);
  expect((await item.read()).etag).toBe(etag);
});

test('a patch with a condition that is not met is 412', async () => {
  const { container } = await events();
  await container.items.create({ ...doc, state: 'granted' });
  const item = container.item('1', 'r');
  const operations = [{ op: 'set', path: '/state', value: 'revoked' }] as const;
  const patch = (condition: string) => statusOf(item.patch({ condition, operations: [...operations] }));
  expect(await patch("from c where c.state = 'denied'")).toBe(412);
  expect(await patch("from c where c.state = 'granted' and c.a > 0")).toBe(200);
  expect(await patch('nonsense')).toBe(400);
});

test('the SDK waits out a 429 by the time it is told and then succeeds', async () => {
  let left = 3;
  const { container } = await events({
    throttle: (action, name) => (action === 'create' && name === 'events' && left-- > 1 ? 5 : undefined),
  });
  left = 3;
  const { statusCode, headers } = await container.items.create(doc);
  expect(statusCode).toBe(201);
  expect((headers as Record<string, unknown>)['x-ms-throttle-retry-count']).toBe(2);
  expect(left).toBe(0);
});

test('a 429 carries the time to wait and leaves nothing behind', async () => {
  const { container, cosmos } = await events({
    throttle: (action) => (action === 'upsert' ? 40 : undefined),
  });
  const headers = { 'x-ms-documentdb-partitionkey': '["r"]', 'x-ms-documentdb-is-upsert': 'true' };
  const refused = await rest(cosmos.url, 'POST', '/dbs/curfew/colls/events/docs', { headers, body: doc });
  expect([refused.status, refused.code]).toEqual([429, 'TooManyRequests']);
  expect(refused.headers.get('x-ms-retry-after-ms')).toBe('40');
  expect(await statusOf(container.item('1', 'r').read())).toBe(404);
});
