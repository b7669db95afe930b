import type { OperationInput } from '@azure/cosmos';
import { expect, test } from 'vitest';
import { events, rest, statusOf } from './support.ts';

const create = (id: string, more = {}): OperationInput => ({
  operationType: 'Create',
  resourceBody: { id, requestId: 'r', ...more },
});

test('a batch does everything in one partition and answers each operation', async () => {
  const { container } = await events();
  const { etag } = await container.items.create({ id: '0', requestId: 'r', a: 1 });
  const { code, result } = await container.items.batch(
    [
      create('1'),
      { operationType: 'Upsert', resourceBody: { id: '2', requestId: 'r' } },
      {
        operationType: 'Patch',
        id: '0',
        ifMatch: etag,
        resourceBody: { operations: [{ op: 'incr', path: '/a', value: 1 }] },
      },
      { operationType: 'Replace', id: '1', resourceBody: { id: '1', requestId: 'r', b: 2 } },
      { operationType: 'Read', id: '1' },
      { operationType: 'Delete', id: '2' },
    ],
    'r',
  );
  expect(code).toBe(200);
  expect(result?.map(({ statusCode }) => statusCode)).toEqual([201, 201, 200, 200, 200, 204]);
  expect(result?.[2]?.resourceBody).toMatchObject({ a: 2 });
  expect(result?.[4]?.resourceBody).toMatchObject({ id: '1', b: 2 });
  expect(await statusOf(container.item('2', 'r').read())).toBe(404);
});

test('a batch that fails leaves nothing: the failing operation has its code, the others 424', async () => {
  const { container } = await events();
  await container.items.create({ id: 'taken', requestId: 'r' });
  const { code, result } = await container.items.batch([create('1'), create('taken'), create('2')], 'r');
  expect(code).toBe(207);
  expect(result?.map(({ statusCode }) => statusCode)).toEqual([424, 409, 424]);
  expect((await container.items.readAll().fetchAll()).resources.map(({ id }) => id)).toEqual(['taken']);
});

test('a batch reports a stale ETag, a missing document, a wrong partition and a bad body by their own codes', async () => {
  const { container } = await events();
  const { etag } = await container.items.create({ id: '0', requestId: 'r' });
  await container.item('0', 'r').replace({ id: '0', requestId: 'r', a: 1 });
  const body = { id: '0', requestId: 'r' };
  const failing: [OperationInput, number][] = [
    [{ operationType: 'Replace', id: '0', resourceBody: body, ifMatch: etag }, 412],
    [{ operationType: 'Delete', id: 'none' }, 404],
    [{ operationType: 'Create', resourceBody: { id: '3', requestId: 'other' } }, 400],
    [{ operationType: 'Create', partitionKey: 'other', resourceBody: { id: '3', requestId: 'r' } }, 400],
  ];
  for (const [operation, expected] of failing) {
    const { result } = await container.items.batch([create('1'), operation], 'r');
    expect(result?.map(({ statusCode }) => statusCode)).toEqual([424, expected]);
  }
  expect(await statusOf(container.item('1', 'r').read())).toBe(404);
});

test('a batch takes 100 operations and 2 MB', async () => {
  const { container, cosmos } = await events();
  const many = (count: number) => Array.from({ length: count }, (_, i) => create(String(i)));
  expect((await container.items.batch(many(100), 'r')).code).toBe(200);
  const headers = {
    'x-ms-documentdb-partitionkey': '["r"]',
    'x-ms-cosmos-is-batch-request': 'true',
    'x-ms-cosmos-batch-atomic': 'true',
  };
  const path = '/dbs/curfew/colls/events/docs';
  expect((await rest(cosmos.url, 'POST', path, { headers, body: many(101) })).status).toBe(400);
  expect((await rest(cosmos.url, 'POST', path, { headers, body: [] })).status).toBe(400);
  const half = { text: 'x'.repeat(1_100_000) };
  expect(await statusOf(container.items.batch([create('a', half), create('b', half)], 'r'))).toBe(413);
  expect(await statusOf(container.item('a', 'r').read())).toBe(404);
});

test('an unknown batch operation is refused before anything is done', async () => {
  const { container } = await events();
  const merge = { operationType: 'Merge', id: '1' } as unknown as OperationInput;
  expect(await statusOf(container.items.batch([create('1'), merge], 'r'))).toBe(400);
  expect(await statusOf(container.item('1', 'r').read())).toBe(404);
});

test('bulk operations stand each for themselves, whatever their partition', async () => {
  const { container } = await events();
  await container.items.create({ id: 'taken', requestId: 'a' });
  const results = await container.items.executeBulkOperations([
    { operationType: 'Create', partitionKey: 'a', resourceBody: { id: 'taken', requestId: 'a' } },
    { operationType: 'Create', partitionKey: 'b', resourceBody: { id: '1', requestId: 'b' } },
    { operationType: 'Delete', partitionKey: 'a', id: 'none' },
  ]);
  expect(results.map(({ response, error }) => error?.code ?? response?.statusCode)).toEqual([409, 201, 404]);
  expect(await statusOf(container.item('1', 'b').read())).toBe(200);
});
