import { type ChangeFeedIteratorOptions, ChangeFeedStartFrom, type Container } from '@azure/cosmos';
import { expect, test } from 'vitest';
import { events, rest } from './support.ts';

async function changes(container: Container, options: ChangeFeedIteratorOptions) {
  const iterator = container.items.getChangeFeedIterator({ maxItemCount: 2, ...options });
  const ids: string[] = [];
  for (;;) {
    const { result, statusCode, continuationToken } = await iterator.readNext();
    if (statusCode === 304) return { ids, continuationToken };
    ids.push(...(result as { id: string }[]).map(({ id }) => id));
  }
}

test('the change feed gives each document once, in the order of its last change, and goes on from its token', async () => {
  const { container } = await events();
  for (const id of ['1', '2', '3']) await container.items.create({ id, requestId: `r${id}` });
  await container.item('1', 'r1').replace({ id: '1', requestId: 'r1', a: 1 });
  await container.item('2', 'r2').delete();
  const first = await changes(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning() });
  expect(first.ids).toEqual(['3', '1']);
  await container.items.create({ id: '4', requestId: 'r4' });
  const next = await changes(container, {
    changeFeedStartFrom: ChangeFeedStartFrom.Continuation(first.continuationToken),
  });
  expect(next.ids).toEqual(['4']);
});

test('the change feed of one partition shows that partition alone', async () => {
  const { container } = await events();
  for (const id of ['1', '2', '3']) await container.items.create({ id, requestId: id === '2' ? 'other' : 'r' });
  const { ids } = await changes(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning('r') });
  expect(ids).toEqual(['1', '3']);
});

test('a change feed from now starts empty', async () => {
  const { container } = await events();
  await container.items.create({ id: '1', requestId: 'r' });
  const iterator = container.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Now() });
  expect((await iterator.readNext()).statusCode).toBe(304);
  await container.items.create({ id: '2', requestId: 'r' });
  expect((await iterator.readNext()).result).toMatchObject([{ id: '2' }]);
});

test('the change feed is a right of its own', async () => {
  const seen: string[] = [];
  const throttle = (action: string) => void seen.push(action);
  const { container } = await events({ throttle });
  seen.length = 0;
  await changes(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning() });
  await container.items.query('SELECT * FROM c').fetchAll();
  expect(seen.filter((action) => action !== 'metadata')).toEqual(['readChangeFeed', 'query', 'query']);
});

test('the feed of all versions and deletes is refused', async () => {
  const { cosmos } = await events();
  const headers = { 'a-im': 'Full-Fidelity Feed' };
  expect((await rest(cosmos.url, 'GET', '/dbs/curfew/colls/events/docs', { headers })).status).toBe(400);
});
