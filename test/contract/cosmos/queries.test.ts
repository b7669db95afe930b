import { type Container, CosmosClient, type FeedOptions, type SqlQuerySpec } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCosmos } from '../../../local/cosmos/index.ts';
import { clientOf, containerOf, events, key, statusOf } from './support.ts';

type Query = string | SqlQuerySpec;

async function all(container: Container, query: Query, options?: FeedOptions): Promise<unknown[]> {
  return (await container.items.query(query, options).fetchAll()).resources;
}
const refused = (container: Container, query: Query) =>
  statusOf(
    container.items
      .query(query)
      .fetchAll()
      .then(() => ({ statusCode: 200 })),
  );

/** Every page of a query, each fetched by a new iterator from nothing but the continuation token. */
async function* pages(container: Container, query: Query, options: FeedOptions) {
  let continuationToken: string | undefined;
  do {
    const page = await container.items
      .query(query, { ...options, ...(continuationToken && { continuationToken }) })
      .fetchNext();
    continuationToken = page.continuationToken;
    yield page.resources as unknown[];
  } while (continuationToken !== undefined);
}

const documents = [
  {
    id: 'a',
    requestId: 'r1',
    n: 1,
    who: 'Ada',
    tags: ['x', { k: 1, l: 2 }],
    deep: { list: [{ v: 10 }], 'odd name': 1 },
  },
  { id: 'b', requestId: 'r1', n: 2, who: 'bob', ended: null },
  { id: 'c', requestId: 'r1', n: 2, who: 'Cyd', ended: 5, value: 'reserved' },
  { id: 'd', requestId: 'r2', n: 'text', who: 'dan', flag: true },
  { id: 'e', requestId: 'r2', who: 'Eve', flag: false },
];

describe('WHERE', () => {
  let container: Container;
  let stop: () => Promise<void>;
  afterAll(() => stop());
  beforeAll(async () => {
    const cosmos = await startCosmos({ port: 0, path: ':memory:', key });
    const client = new CosmosClient({ endpoint: cosmos.url, key });
    const { database } = await client.databases.create({ id: 'curfew' });
    ({ container } = await database.containers.create({ id: 'events', partitionKey: { paths: ['/requestId'] } }));
    stop = () => {
      client.dispose();
      return cosmos.close();
    };
    for (const document of documents) await container.items.create(document);
  });
  const found = (where: string, ...parameters: SqlQuerySpec['parameters'] & object) =>
    all(container, { query: `SELECT VALUE c.id FROM c WHERE ${where}`, parameters });

  test.for<[string, string]>([
    ['c.n = 2', 'bc'],
    ['c.n != 2', 'ad'],
    ['c.n <> 2', 'ad'],
    ['c.n < 2', 'a'],
    ['c.n <= 2', 'abc'],
    ['c.n > 1', 'bc'],
    ['c.n >= 1 AND c.n < 2', 'a'],
    ["c.n > 'a'", 'd'],
    ['c.who = \'bob\' OR c.who = "dan"', 'bd'],
    ["c.n = 1 OR c.n = 2 AND c.who = 'bob'", 'ab'],
    ["(c.n = 1 OR c.n = 2) AND c.who = 'bob'", 'b'],
    ['c.n BETWEEN 1 AND 2', 'abc'],
    ['c.n NOT BETWEEN 2 AND 3', 'a'],
    ["c.id IN ('a', 'e', 'zz')", 'ae'],
    ["c.id NOT IN ('a', 'e')", 'bcd'],
    ['c.flag', 'd'],
    ['NOT c.flag', 'e'],
    ['NOT (c.n = 2)', 'ad'],
    ['IS_DEFINED(c.ended)', 'bc'],
    ['NOT IS_DEFINED(c.n)', 'e'],
    ['IS_NULL(c.ended)', 'b'],
    ['c.ended = null', 'b'],
    ['c.ended != null', 'c'],
    ['IS_STRING(c.n)', 'd'],
    ['IS_NUMBER(c.n) AND c.n > 1', 'bc'],
    ["ARRAY_CONTAINS(c.tags, 'x')", 'a'],
    ['ARRAY_CONTAINS(c.tags, {k: 1, "l": 2})', 'a'],
    ['ARRAY_CONTAINS(c.tags, {"k": 1})', ''],
    ['ARRAY_CONTAINS(c.tags, {"k": 1}, true)', 'a'],
    ["CONTAINS(c.who, 'y')", 'c'],
    ["CONTAINS(c.who, 'D', true)", 'acd'],
    ["STARTSWITH(c.who, 'E')", 'e'],
    ["STARTSWITH(c.who, 'e', true)", 'e'],
    ["ENDSWITH(c.who, 'd')", 'c'],
    ["LOWER(c.who) = 'ada'", 'a'],
    ["UPPER(c.who) = 'BOB'", 'b'],
    ['c.deep.list[0].v = 10', 'a'],
    ['c.deep["list"][0]["v"] = 10', 'a'],
    ["c['deep']['odd name'] = 1", 'a'],
    ['c["value"] = \'reserved\'', 'c'],
    ['c.deep = {"list": [{"v": 10}], "odd name": 1}', 'a'],
    ['ARRAY_LENGTH(c.tags) = 2', 'a'],
    ['true', 'abcde'],
    ["c.requestId = 'r2'", 'de'],
    ["c.requestId = 'r2' AND c.id = 'd'", 'd'],
    ["c.requestId = 'r1' AND c.requestId = 'r2'", ''],
    // Undefined is neither true nor false, and an unknown property is Undefined.
    ['c.none = 1', ''],
    ['NOT (c.none = 1)', ''],
    ['c.none != 1', ''],
    ['c.none = 1 OR c.n = 1', 'a'],
    ['NOT (c.none = 1 AND c.n = 7)', 'abcd'],
    ['c.none = c.none', ''],
    ['c.n < null', ''],
    ['c.who.length = 3', ''],
    ['c.constructor = 1 OR IS_DEFINED(c.toString)', ''],
    ["CONTAINS(c.n, 'x')", 'd'],
  ])('%s', async ([where, ids]) => {
    expect((await found(where)).join('')).toBe(ids);
  });

  test('parameters are values, whatever they look like', async () => {
    const names = ["' OR 1 = 1 --", '" OR true', "x'; DROP TABLE documents; --", '@other', 'c.who'];
    for (const value of names) expect(await found('c.who = @who', { name: '@who', value })).toEqual([]);
    const name = 'o\'brien"\\';
    await container.items.create({ id: 'f', requestId: 'r3', who: name });
    expect(await found('c.who = @who', { name: '@who', value: name })).toEqual(['f']);
    expect(await found('ARRAY_CONTAINS(@ids, c.id)', { name: '@ids', value: ['a', 'f'] })).toEqual(['a', 'f']);
    await container.item('f', 'r3').delete();
  });

  test('a query is scoped to the partition it is asked for', async () => {
    expect(await all(container, 'SELECT VALUE c.id FROM c', { partitionKey: 'r2' })).toEqual(['d', 'e']);
    expect(await all(container, "SELECT * FROM c WHERE c.requestId = 'r1'", { partitionKey: 'r2' })).toEqual([]);
  });

  test('projections take paths, aliases, literals and whole values, and leave out what is undefined', async () => {
    const select = (list: string, id = 'a') => all(container, `SELECT ${list} FROM c WHERE c.id = '${id}'`);
    expect(await select('c.id, c.deep.list AS first, c["n"]')).toEqual([{ id: 'a', first: [{ v: 10 }], n: 1 }]);
    expect(await select('c.id, c.none')).toEqual([{ id: 'a' }]);
    expect(await select('VALUE c.deep.list[0]')).toEqual([{ v: 10 }]);
    expect(await select('VALUE c.none')).toEqual([]);
    expect(await select('VALUE {"id": c.id, "x": [c.n, c.none]}')).toEqual([{ id: 'a', x: [1] }]);
    expect(await select('1, true AS yes, UPPER(c.who)')).toEqual([{ $1: 1, yes: true, $3: 'ADA' }]);
    expect(await all(container, "SELECT x FROM root AS x WHERE x.id = 'b'")).toMatchObject([{ x: { id: 'b' } }]);
    expect(await all(container, "SELECT * FROM c WHERE c.id = 'b'")).toMatchObject([documents[1]]);
  });

  test('ORDER BY sorts by type and value, Undefined first, ties by birth', async () => {
    const ids = async (tail: string) => (await all(container, `SELECT VALUE c.id FROM c ${tail}`)).join('');
    expect(await ids('ORDER BY c.n')).toBe('eabcd');
    expect(await ids('ORDER BY c.n ASC')).toBe('eabcd');
    expect(await ids('ORDER BY c.n DESC')).toBe('dbcae');
    expect(await ids('ORDER BY c.who')).toBe('acebd');
    expect(await ids('WHERE c.n = 2 ORDER BY c.who DESC')).toBe('bc');
  });

  test('TOP and OFFSET LIMIT cut the result, by number or parameter', async () => {
    const run = async (head: string, tail = '') =>
      (
        await all(container, {
          query: `SELECT ${head} VALUE c.id FROM c ${tail}`,
          parameters: [{ name: '@two', value: 2 }],
        })
      ).join('');
    expect(await run('TOP 2')).toBe('ab');
    expect(await run('TOP @two', 'ORDER BY c.id DESC')).toBe('ed');
    expect(await run('', 'ORDER BY c.id OFFSET 1 LIMIT @two')).toBe('bc');
    expect(await run('', 'OFFSET 4 LIMIT 5')).toBe('e');
    expect(await run('TOP 0')).toBe('');
  });

  test('DISTINCT gives each value once', async () => {
    expect(await all(container, 'SELECT DISTINCT VALUE c.requestId FROM c')).toEqual(['r1', 'r2']);
    expect(await all(container, 'SELECT DISTINCT c.n FROM c')).toEqual([{ n: 1 }, { n: 2 }, { n: 'text' }, {}]);
  });

  test('aggregates count, add up and compare as VALUE', async () => {
    const value = (of: string, where = 'true') => all(container, `SELECT VALUE ${of} FROM c WHERE ${where}`);
    expect(await value('COUNT(1)')).toEqual([5]);
    expect(await value('COUNT(c.n)')).toEqual([4]);
    expect(await value('COUNT(1)', 'false')).toEqual([0]);
    expect(await value('SUM(c.n)', 'IS_NUMBER(c.n)')).toEqual([5]);
    expect(await value('SUM(c.n)')).toEqual([]);
    expect(await value('MIN(c.n)')).toEqual([1]);
    expect(await value('MAX(c.n)', 'IS_NUMBER(c.n)')).toEqual([2]);
    expect(await value('AVG(c.n)', "c.requestId = 'r1'")).toEqual([5 / 3]);
    expect(await value('MAX(c.n)', 'false')).toEqual([]);
    expect(await all(container, 'SELECT VALUE COUNT(1) FROM c', { partitionKey: 'r1' })).toEqual([3]);
  });

  test('a query forced through the query plan gives the same', async () => {
    const query = 'SELECT VALUE c.id FROM c WHERE c.n = 2 ORDER BY c.id DESC';
    expect(await all(container, query, { forceQueryPlan: true })).toEqual(['c', 'b']);
    expect(await all(container, query, { enableQueryControl: true, maxItemCount: 1 })).toEqual(['c', 'b']);
    expect(await all(container, 'SELECT VALUE COUNT(1) FROM c', { forceQueryPlan: true })).toEqual([5]);
  });

  test.for([
    'SELECT',
    'SELECT * FROM',
    'SELECT * FROM c WHERE',
    'SELECT * FROM c WHERE c.a = ',
    'SELECT * FROM c WHERE c.a == 1',
    'SELECT * FROM c WHERE d.a = 1',
    'SELECT * FROM c WHERE c.value = 1',
    'SELECT * FROM c WHERE c.a = @missing',
    'SELECT * FROM c WHERE NOT c.a = 1',
    "SELECT * FROM c WHERE c.a LIKE 'x%'",
    'SELECT * FROM c WHERE c.a + 1 = 2',
    'SELECT * FROM c WHERE udf.mine(c.a)',
    'SELECT * FROM c WHERE ST_DISTANCE(c.a, c.b) < 1',
    'SELECT * FROM c WHERE CONTAINS(c.a)',
    'SELECT * FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags)',
    'SELECT t FROM c JOIN t IN c.tags',
    'SELECT VALUE t FROM t IN c.tags',
    'SELECT * FROM c.tags',
    'SELECT c.n, COUNT(1) AS k FROM c GROUP BY c.n',
    'SELECT COUNT(1) AS k FROM c',
    'SELECT TOP 1 VALUE COUNT(1) FROM c',
    'SELECT TOP -1 * FROM c',
    'SELECT TOP 1 * FROM c OFFSET 1 LIMIT 1',
    'SELECT c.a, c.b AS a FROM c',
    'SELECT * FROM c ORDER BY LOWER(c.a)',
    'SELECT * FROM c ORDER BY c.a, c.b, c.d',
    'SELECT * FROM c; DROP TABLE documents',
    'DELETE FROM c',
    "SELECT * FROM c WHERE c.a = 'open",
  ])('%s is refused with 400', async (query) => {
    expect(await refused(container, query)).toBe(400);
  });
});

test('ORDER BY two paths needs a composite index, forwards or backwards', async () => {
  const compositeIndexes = [
    [
      { path: '/n', order: 'ascending' as const },
      { path: '/who', order: 'descending' as const },
    ],
  ];
  const { container } = await events({}, { indexingPolicy: { compositeIndexes } });
  for (const document of documents) await container.items.create(document);
  const ids = async (by: string) => (await all(container, `SELECT VALUE c.id FROM c ORDER BY ${by}`)).join('');
  expect(await ids('c.n, c.who DESC')).toBe('eabcd');
  expect(await ids('c.n DESC, c.who ASC')).toBe('dcbae');
  expect(await refused(container, 'SELECT * FROM c ORDER BY c.n, c.who')).toBe(400);
  expect(await refused(container, 'SELECT * FROM c ORDER BY c.who, c.n')).toBe(400);
});

describe('paging', () => {
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `d${from + i}`);
  const fill = async (container: Container, from: number, to: number) => {
    for (const id of ids(from, to)) await container.items.create({ id, requestId: 'r', n: Number(id.slice(1)) % 3 });
  };

  test('pages are as large as asked for and join up to the whole', async () => {
    const { container } = await events();
    await fill(container, 0, 10);
    const sizes: number[] = [];
    const seen: unknown[] = [];
    for await (const page of pages(container, 'SELECT VALUE c.id FROM c', { maxItemCount: 4 })) {
      sizes.push(page.length);
      seen.push(...page);
    }
    expect(sizes).toEqual([4, 4, 2]);
    expect(seen).toEqual(ids(0, 10));
    expect(await all(container, 'SELECT * FROM c', { maxItemCount: 3 })).toHaveLength(10);
    expect(await all(container, 'SELECT * FROM c', { maxItemCount: -1 })).toHaveLength(10);
  });

  test.for([
    ['SELECT VALUE c.id FROM c', 'd0 d1 d2 d3 d4 d5'],
    ['SELECT VALUE c.id FROM c ORDER BY c.n', 'd0 d3 d1 d4 d2 d5'],
    ['SELECT VALUE c.id FROM c ORDER BY c.n DESC', 'd2 d5 d1 d4 d0 d3'],
    ['SELECT TOP 5 VALUE c.id FROM c', 'd0 d1 d2 d3 d4'],
    ['SELECT VALUE c.id FROM c OFFSET 2 LIMIT 3', 'd2 d3 d4'],
    ['SELECT DISTINCT VALUE c.n FROM c', '0 1 2'],
    ['SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n DESC', '2 1 0'],
  ] as const)('%s gives the same in pages of one', async ([query, expected]) => {
    const { container } = await events();
    await fill(container, 0, 6);
    for (const options of [{ maxItemCount: 1 }, { maxItemCount: 1, partitionKey: 'r' }]) {
      const seen: unknown[] = [];
      for await (const page of pages(container, query, options)) {
        expect(page).toHaveLength(1);
        seen.push(...page);
      }
      expect(seen.join(' ')).toBe(expected);
    }
  });

  test('query control pages across partitions and resumes from the SDK’s own token', async () => {
    const { container } = await events();
    for (const id of ids(0, 6)) await container.items.create({ id, requestId: id });
    const options = { maxItemCount: 2, enableQueryControl: true };
    for (const [tail, expected] of [
      ['', ids(0, 6)],
      ['ORDER BY c.id DESC', ids(0, 6).toReversed()],
    ] as const) {
      const seen: unknown[] = [];
      for await (const page of pages(container, `SELECT VALUE c.id FROM c ${tail}`, options)) seen.push(...page);
      expect(seen).toEqual(expected);
    }
  });

  test('a token stays valid while documents are added, changed and removed', async () => {
    for (const [tail, expected] of [
      ['', [...ids(0, 6), ...ids(6, 9)]],
      ['ORDER BY c.id DESC', ids(0, 6).toReversed()],
    ] as const) {
      const { container } = await events();
      await fill(container, 0, 6);
      const seen: unknown[] = [];
      let turn = 0;
      for await (const page of pages(container, `SELECT VALUE c.id FROM c ${tail}`, { maxItemCount: 2 })) {
        seen.push(...page);
        if (turn++ > 0) continue;
        await fill(container, 6, 9);
        // What the last page ended with is gone, and it goes on behind the place all the same.
        await container.item(String(seen.at(-1)), 'r').delete();
        await container.item(String(seen[0]), 'r').replace({ id: String(seen[0]), requestId: 'r', n: 9 });
      }
      expect(seen).toEqual(expected);
    }
  });

  test('a token fits only the query, the parameters and the partition it was given for', async () => {
    const { container } = await events();
    await fill(container, 0, 4);
    const query = (value: string, more: FeedOptions = {}, text = 'SELECT * FROM c WHERE c.requestId = @r') =>
      container.items
        .query({ query: text, parameters: [{ name: '@r', value }] }, { maxItemCount: 1, ...more })
        .fetchNext();
    const { continuationToken } = await query('r');
    const status = (work: ReturnType<typeof query>) => statusOf(work.then(() => ({ statusCode: 200 })));
    expect(await status(query('r', { continuationToken }))).toBe(200);
    expect(await status(query('s', { continuationToken }))).toBe(400);
    expect(await status(query('r', { continuationToken, partitionKey: 'r' }))).toBe(400);
    expect(await status(query('r', { continuationToken }, 'SELECT c.id FROM c WHERE c.requestId = @r'))).toBe(400);
    expect(await status(query('r', { continuationToken: 'made-up' }))).toBe(400);
  });

  test('a page ends at about 4 MB', async () => {
    const { container } = await events();
    for (const id of ['1', '2', '3']) await container.items.create({ id, requestId: 'r', text: 'x'.repeat(1_900_000) });
    const sizes: number[] = [];
    for await (const page of pages(container, 'SELECT * FROM c', {})) sizes.push(page.length);
    expect(sizes).toEqual([2, 1]);
  });
});

test('containers and databases with the same documents do not see each other', async () => {
  const { cosmos, container } = await events();
  const other = await containerOf(cosmos.url, { id: 'other' });
  await container.items.create({ id: '1', requestId: 'r' });
  await other.items.create({ id: '1', requestId: 'r', here: true });
  const { database } = await clientOf(cosmos.url).databases.create({ id: 'second' });
  await database.containers.create({ id: 'events', partitionKey: { paths: ['/requestId'] } });
  expect(await all(container, 'SELECT VALUE c.here FROM c')).toEqual([]);
  expect(await all(other, 'SELECT VALUE c.here FROM c')).toEqual([true]);
  expect(await all(database.container('events'), 'SELECT * FROM c')).toEqual([]);
});
