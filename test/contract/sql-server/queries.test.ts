import sql from 'mssql';
import { describe, expect, test } from 'vitest';
import { ADMINISTRATOR, errorOf, run, stand } from './support.ts';

const owner = async () => {
  const s = await stand();
  return { pool: await s.as(ADMINISTRATOR), [Symbol.asyncDispose]: () => s[Symbol.asyncDispose]() };
};

describe('queries on user tables', () => {
  test('join, group, order, and only so many', async () => {
    await using t = await owner();
    const rows = await run(
      t.pool,
      `SELECT TOP (3) c.country, COUNT(DISTINCT o.order_id) AS orders, SUM(l.quantity * l.unit_price) AS total
       FROM dbo.customers AS c JOIN orders o ON o.customer_id = c.customer_id LEFT JOIN dbo.order_lines l ON l.order_id = o.order_id
       GROUP BY c.country HAVING COUNT(*) > 1 ORDER BY total DESC, c.country`,
    );
    expect(rows).toHaveLength(3);
    expect(rows[0].total).toBeGreaterThan(rows[2].total);
    expect(Math.round(rows[0].total * 100) / 100).toBe(rows[0].total);
  });

  test('pages by OFFSET and FETCH', async () => {
    await using t = await owner();
    const request = t.pool.request().input('skip', 5).input('take', 2);
    const { recordset } = await request.query(
      'SELECT order_id FROM dbo.orders ORDER BY order_id OFFSET @skip ROWS FETCH NEXT @take ROWS ONLY',
    );
    expect(recordset).toEqual([{ order_id: 6 }, { order_id: 7 }]);
  });

  test('every type comes back as it went in', async () => {
    await using t = await owner();
    await run(
      t.pool,
      `CREATE TABLE dbo.kinds (i int, b bigint, bit1 bit, f float, d decimal(10, 2), n nvarchar(50), m nvarchar(max), v varbinary(85), g uniqueidentifier,
        day date, t2 datetime2(7), dt datetime)`,
    );
    const at = new Date('2026-03-04T05:06:07.089Z');
    const long = 'ä'.repeat(9000);
    const request = t.pool
      .request()
      .input('i', sql.Int, -5)
      .input('b', sql.BigInt, '9007199254740993')
      .input('bit1', sql.Bit, true)
      .input('f', sql.Float, 0.1)
      .input('d', sql.Decimal(10, 2), 12.34)
      .input('n', sql.NVarChar(50), "O'Brien 日本")
      .input('m', sql.NVarChar(sql.MAX), long)
      .input('v', sql.VarBinary(85), Buffer.from([0, 255]))
      .input('g', sql.UniqueIdentifier, 'c0000000-0000-4000-8000-000000000002')
      .input('day', sql.Date, new Date('2026-03-04'))
      .input('t2', sql.DateTime2(7), at)
      .input('dt', sql.DateTime, at);
    await request.query('INSERT INTO dbo.kinds VALUES (@i, @b, @bit1, @f, @d, @n, @m, @v, @g, @day, @t2, @dt)');
    const [row] = await run(t.pool, 'SELECT * FROM dbo.kinds');
    expect(row).toMatchObject({
      i: -5,
      b: '9007199254740993',
      bit1: true,
      f: 0.1,
      d: 12.34,
      n: "O'Brien 日本",
      m: long,
    });
    expect(row.v).toEqual(Buffer.from([0, 255]));
    expect(row.g).toBe('C0000000-0000-4000-8000-000000000002');
    expect([row.day.toISOString(), row.t2.toISOString()]).toEqual(['2026-03-04T00:00:00.000Z', at.toISOString()]);
    expect(Math.abs(row.dt.getTime() - at.getTime())).toBeLessThanOrEqual(3);
    const nulls = await run(t.pool, 'INSERT INTO dbo.kinds (i) VALUES (NULL); SELECT * FROM dbo.kinds WHERE i IS NULL');
    expect(new Set(Object.values(nulls[0]))).toEqual(new Set([null]));
  });

  test('an identity numbers itself, and is told by OUTPUT and SCOPE_IDENTITY', async () => {
    await using t = await owner();
    const [row] = await run(
      t.pool,
      'INSERT INTO dbo.orders (customer_id) OUTPUT INSERTED.order_id, INSERTED.status VALUES (1)',
    );
    expect(row).toEqual({ order_id: 91, status: 'paid' });
    expect(
      (await run(t.pool, 'INSERT INTO dbo.orders (customer_id) VALUES (2); SELECT SCOPE_IDENTITY() AS id'))[0].id,
    ).toBe('92');
    expect(await errorOf(t.pool, 'INSERT INTO dbo.orders (order_id, customer_id) VALUES (500, 1)')).toBe(544);
  });

  test('counts of rows are reported', async () => {
    await using t = await owner();
    const result = await t.pool
      .request()
      .query("UPDATE dbo.orders SET status = N'x' WHERE order_id <= 3; DELETE FROM dbo.order_lines WHERE order_id = 1");
    expect(result.rowsAffected[0]).toBe(3);
    expect(result.rowsAffected).toHaveLength(2);
  });

  test.for([
    ["SELECT N'a' + N'b' AS v", 'ab'],
    ['SELECT 7 / 2 AS v', 3],
    ['SELECT 7 / 2.0 AS v', 3.5],
    ["SELECT ISNULL(NULL, N'x') AS v", 'x'],
    ["SELECT CASE WHEN N'ADA' = N'ada' THEN 1 ELSE 0 END AS v", 1],
    ["SELECT CASE WHEN N'Ada' LIKE N'[a-c]d_' THEN 1 ELSE 0 END AS v", 1],
    ["SELECT LEN(N'abc  ') AS v", 3],
    ["SELECT CHARINDEX(N'B', N'abc') AS v", 2],
    ["SELECT QUOTENAME(N'x]y') AS v", '[x]]y]'],
    ['SELECT CONVERT(varchar(40), 0xAB01, 1) AS v', '0xAB01'],
    ["SELECT DATEDIFF(day, '2026-01-31', DATEADD(month, 1, '2026-01-31')) AS v", 28],
    ["SELECT YEAR('2026-05-06') AS v", 2026],
    ["SELECT CAST('12' AS int) + 1 AS v", 13],
    ["SELECT TRY_CAST('x' AS int) AS v", null],
    ['WITH q (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM q WHERE n < 5) SELECT SUM(n) AS v FROM q', 15],
    ["SELECT STRING_AGG(v.a, N',') WITHIN GROUP (ORDER BY v.a DESC) AS v FROM (VALUES (N'x'), (N'y')) AS v (a)", 'y,x'],
    ['SELECT MAX(r) AS v FROM (SELECT ROW_NUMBER() OVER (ORDER BY product_id) AS r FROM dbo.products) AS q', '20'],
    ['DECLARE @n int = 2; IF EXISTS (SELECT 1 FROM dbo.orders) SET @n = @n + 1; SELECT @n AS v', 3],
    [
      'DECLARE @n nvarchar(20); SELECT @n = name FROM dbo.products WHERE product_id = 1; SELECT @n AS v',
      'Enamel mug, 350 ml',
    ],
    ["BEGIN TRY THROW 50001, N'no', 1 END TRY BEGIN CATCH SELECT ERROR_NUMBER() AS v END CATCH", 50001],
    ['WITH products AS (SELECT * FROM dbo.products) SELECT COUNT(*) AS v FROM products', 20],
    ['WITH [dbo.products] AS (SELECT 1 AS x) SELECT COUNT(*) AS v FROM products', 20],
    ['SELECT [o].[status] AS v FROM [dbo].[orders] AS [o] WHERE [o].[order_id] = 1 -- comment', 'delivered'],
  ] as const)('%s', async ([text, value]) => {
    await using t = await owner();
    const rows = await run(t.pool, text);
    expect(rows[0].v).toBe(value);
  });

  test('THROW ends the batch where nothing catches it', async () => {
    await using t = await owner();
    expect(await errorOf(t.pool, "IF 1 = 1 THROW 50001, N'no', 1; CREATE ROLE after_it")).toBe(50001);
    expect(await run(t.pool, "SELECT name FROM sys.database_principals WHERE name = N'after_it'")).toEqual([]);
  });

  test('NOCOUNT keeps the counts back', async () => {
    await using t = await owner();
    const result = await t.pool
      .request()
      .batch("SET NOCOUNT ON; UPDATE dbo.orders SET status = N'x' WHERE order_id <= 3");
    expect(result.rowsAffected).toEqual([]);
  });

  test('a thousand rows of a wide result arrive whole', async () => {
    await using t = await owner();
    const rows = await run(
      t.pool,
      "SELECT TOP (1000) a.name, REPLICATE(N'x', 500) AS filling FROM dbo.customers a CROSS JOIN dbo.order_lines b ORDER BY a.customer_id",
    );
    expect(rows).toHaveLength(1000);
    expect(new Set(rows.map((row) => row.filling.length))).toEqual(new Set([500]));
  });

  test('prepared statements run again and again', async () => {
    await using t = await owner();
    const statement = new sql.PreparedStatement(t.pool);
    statement.input('id', sql.Int);
    await statement.prepare('SELECT name FROM dbo.products WHERE product_id = @id');
    const names = [];
    for (const id of [1, 2]) names.push((await statement.execute({ id })).recordset[0].name);
    await statement.unprepare();
    expect(names).toEqual(['Enamel mug, 350 ml', 'Enamel mug, 500 ml']);
  });

  test('an output parameter comes back', async () => {
    await using t = await owner();
    const request = t.pool.request().output('n', sql.Int);
    expect((await request.query('SELECT @n = COUNT(*) FROM dbo.products')).output.n).toBe(20);
  });
});

describe('what is not understood is refused', () => {
  test.for([
    ['SELEC 1', 102],
    ['SELECT FROM dbo.orders', 156],
    ['SELECT * FROM dbo.nothing', 208],
    ['SELECT nothing FROM dbo.orders', 207],
    ['SELECT name FROM dbo.products p JOIN dbo.customers c ON 1 = 1', 209],
    ['SELECT SOUNDEX(1)', 195],
    ['SELECT @nobody', 137],
    ['EXEC sp_who', 2812],
    ['sp_who', 2812],
    ['SET NOEXEC ON', 195],
    ['SET ANSI_NULLS OFF', 40517],
    ['USE master', 40508],
    ['SELECT * FROM master.sys.databases', 40515],
    ['BACKUP DATABASE orders TO DISK = 1', 40517],
    ['ALTER TABLE dbo.orders ADD x int', 40517],
    ['TRUNCATE TABLE dbo.orders', 40517],
    ['MERGE dbo.orders USING dbo.orders ON 1 = 1', 40517],
    ['CREATE USER [x] WITH PASSWORD = 1', 40517],
    ['CREATE VIEW v AS SELECT 1', 40517],
    ['SELECT * INTO #t FROM dbo.orders', 40517],
    ['DBCC CHECKDB', 40517],
    ['SELECT 1 FOR JSON PATH', 40517],
    ["SELECT 'open", 105],
    ['SELECT /* open', 113],
    ['ATTACH DATABASE x', 102],
    ['PRAGMA table_info(x)', 102],
    ['SELECT * FROM sqlite_master', 208],
    ['SELECT load_extension(1)', 195],
    ['SELECT 1 / 0', 8134],
    ["SELECT CAST('x' AS int)", 245],
    ["INSERT INTO dbo.customers VALUES (99, N'x', N'x', N'x', N'too long', '2026-01-01')", 2628],
    ["INSERT INTO dbo.customers VALUES (99, NULL, N'x', N'x', N'NL', '2026-01-01')", 515],
    ['INSERT INTO dbo.orders (customer_id) VALUES (9999)', 547],
    ['UPDATE dbo.products SET price = -1', 547],
    ["UPDATE dbo.customers SET customer_since = 'soon'", 241],
  ] as const)('%s gives %i', async ([text, number]) => {
    await using t = await owner();
    expect(await errorOf(t.pool, text)).toBe(number);
  });

  test('a batch with one statement that is not understood does nothing at all', async () => {
    await using t = await owner();
    expect(await errorOf(t.pool, 'DELETE FROM dbo.order_lines; FROBNICATE')).toBe(102);
    expect((await run(t.pool, 'SELECT COUNT(*) AS n FROM dbo.order_lines'))[0].n).toBe(179);
  });
});

describe('JSON', () => {
  test('OPENJSON gives a row for each element, with its key, its value and the number of its type', async () => {
    await using t = await owner();
    const json = `["a", 2.5, true, null, {"x": [1, "y"]}, [3]]`;
    const { recordset } = await t.pool
      .request()
      .input('json', sql.NVarChar(sql.MAX), json)
      .query('SELECT [key], value, type FROM OPENJSON(@json) AS j ORDER BY j.[key]');
    expect(recordset).toEqual([
      { key: '0', value: 'a', type: 1 },
      { key: '1', value: '2.5', type: 2 },
      { key: '2', value: 'true', type: 3 },
      { key: '3', value: null, type: 0 },
      { key: '4', value: '{"x":[1,"y"]}', type: 5 },
      { key: '5', value: '[3]', type: 4 },
    ]);
  });

  test('JSON_VALUE gives scalars as text, and NULL for all else', async () => {
    await using t = await owner();
    const [row] = await run(
      t.pool,
      `DECLARE @json nvarchar(max) = N'{"a": {"b": [10, "it''s"]}, "t": true, "n": null}';
       SELECT JSON_VALUE(@json, '$.a.b[1]') AS text, JSON_VALUE(@json, 'lax $.a.b[0]') AS number, JSON_VALUE(@json, '$.t') AS bit,
         JSON_VALUE(@json, '$.n') AS none, JSON_VALUE(@json, '$.a.b') AS list, JSON_VALUE(@json, '$.x.y') AS missing`,
    );
    expect(row).toEqual({ text: "it's", number: '10', bit: 'true', none: null, list: null, missing: null });
  });

  test('joins catalogs by what is in it, for whom the catalogs show', async () => {
    await using t = await owner();
    const rows = await run(
      t.pool,
      `SELECT p.name FROM OPENJSON(N'[{"sid": "01"}, {"sid": "ff"}]') AS j
       JOIN sys.database_principals AS p ON p.sid = CONVERT(varbinary(85), JSON_VALUE(j.value, '$.sid'), 2)`,
    );
    expect(rows).toEqual([{ name: 'dbo' }]);
  });

  test.each([
    ["SELECT * FROM OPENJSON(N'[1,')", 13609],
    ["SELECT JSON_VALUE(N'{', '$.a')", 13609],
    ["SELECT JSON_VALUE(N'{}', 'a b')", 13607],
    ["SELECT * FROM OPENJSON(N'[]', '$.a')", 40517],
    ["SELECT * FROM OPENJSON(N'[]') WITH (a int)", 40517],
  ])('%s is error %i', async (text, number) => {
    await using t = await owner();
    expect(await errorOf(t.pool, text)).toBe(number);
  });
});
