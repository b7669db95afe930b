import { expect, test } from 'vitest';
import { events, statusOf } from './support.ts';

const clock = (start = 1_700_000_000_000) => {
  const time = { ms: start, now: () => time.ms, pass: (seconds: number) => (time.ms += seconds * 1000) };
  return time;
};
const doc = { id: '1', requestId: 'r' };

test('an expired document is gone for every operation at its second', async () => {
  const time = clock();
  const { container } = await events({ now: time.now }, { defaultTtl: 10 });
  const { etag } = await container.items.create(doc);
  const item = container.item('1', 'r');
  time.pass(9);
  expect(await statusOf(item.read())).toBe(200);
  time.pass(1);
  expect(await statusOf(item.read())).toBe(404);
  expect(await statusOf(item.replace(doc))).toBe(404);
  expect(await statusOf(item.patch([{ op: 'set', path: '/a', value: 1 }]))).toBe(404);
  expect(await statusOf(item.delete({ accessCondition: { type: 'IfMatch', condition: etag } }))).toBe(404);
  expect((await container.items.query('SELECT * FROM c').fetchAll()).resources).toEqual([]);
  expect((await container.items.query('SELECT VALUE COUNT(1) FROM c').fetchAll()).resources).toEqual([0]);
});

test('a create over an expired document works, and so does an upsert', async () => {
  const time = clock();
  const { container } = await events({ now: time.now }, { defaultTtl: 10 });
  await container.items.create(doc);
  time.pass(10);
  expect(await statusOf(container.items.create(doc))).toBe(201);
  time.pass(10);
  expect(await statusOf(container.items.upsert(doc))).toBe(201);
  expect((await container.items.readAll().fetchAll()).resources).toHaveLength(1);
});

test('a document’s own ttl goes before the container’s, and -1 keeps it for ever', async () => {
  const time = clock();
  const { container } = await events({ now: time.now }, { defaultTtl: 10 });
  for (const ttl of [-1, 5, 20]) await container.items.create({ id: String(ttl), requestId: 'r', ttl });
  const left = async () => (await container.items.query('SELECT VALUE c.id FROM c').fetchAll()).resources;
  expect(await left()).toEqual(['-1', '5', '20']);
  time.pass(5);
  expect(await left()).toEqual(['-1', '20']);
  time.pass(15);
  expect(await left()).toEqual(['-1']);
});

test('without a defaultTtl nothing expires, and with -1 only what has a ttl of its own', async () => {
  for (const [defaultTtl, expected] of [
    [undefined, ['none', 'own']],
    [-1, ['none']],
  ] as const) {
    const time = clock();
    const { container } = await events({ now: time.now }, defaultTtl === undefined ? {} : { defaultTtl });
    await container.items.create({ id: 'none', requestId: 'r' });
    await container.items.create({ id: 'own', requestId: 'r', ttl: 1 });
    time.pass(1_000_000);
    expect((await container.items.query('SELECT VALUE c.id FROM c').fetchAll()).resources).toEqual(expected);
  }
});

test('every write starts the time anew', async () => {
  const time = clock();
  const { container } = await events({ now: time.now }, { defaultTtl: 10 });
  await container.items.create(doc);
  const item = container.item('1', 'r');
  time.pass(9);
  await item.replace(doc);
  time.pass(9);
  await item.patch([{ op: 'set', path: '/a', value: 1 }]);
  time.pass(9);
  expect(await statusOf(item.read())).toBe(200);
  time.pass(1);
  expect(await statusOf(item.read())).toBe(404);
});

test('a new defaultTtl applies to what is there, and does not bring back what had expired', async () => {
  const time = clock();
  const { container } = await events({ now: time.now }, { defaultTtl: 10 });
  await container.items.create(doc);
  time.pass(5);
  await container.items.create({ ...doc, id: '2' });
  time.pass(5);
  const definition = { id: 'events', partitionKey: { paths: ['/requestId'] } };
  await container.replace(definition);
  time.pass(1000);
  const left = async () => (await container.items.query('SELECT VALUE c.id FROM c').fetchAll()).resources;
  expect(await left()).toEqual(['2']);
  await container.replace({ ...definition, defaultTtl: 1006 });
  expect(await left()).toEqual(['2']);
  time.pass(1);
  expect(await left()).toEqual([]);
});

test('a ttl that is no positive whole number and not -1 is refused', async () => {
  const { container } = await events({}, { defaultTtl: -1 });
  for (const ttl of [0, -2, 1.5, '10', null]) {
    const item: object = { ...doc, ttl };
    expect(await statusOf(container.items.create(item))).toBe(400);
  }
});
