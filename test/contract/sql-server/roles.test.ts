import { describe, expect, test } from 'vitest';
import { ADA, ADA_SID, ADMINISTRATOR, errorOf, FIONN_SID, quoted, run, SERVICE, sessionId, stand } from './support.ts';

const withAda = async () => {
  const s = await stand();
  const service = await s.as(SERVICE);
  await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
  return { s, service, [Symbol.asyncDispose]: () => s[Symbol.asyncDispose]() };
};

describe('a role given and taken', () => {
  test('a user reads from the moment of ADD MEMBER to the moment of DROP MEMBER', async () => {
    await using t = await withAda();
    const ada = await t.s.as(ADA);
    const read = 'SELECT COUNT(*) AS n FROM dbo.orders';
    expect(await errorOf(ada, read)).toBe(229);
    await run(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    expect((await run(ada, read))[0].n).toBe(90);
    await run(t.service, 'ALTER ROLE [orders_reader] DROP MEMBER [ada]');
    expect(await errorOf(ada, read)).toBe(229);
  });

  test('the drop bites within a transaction of the user that is already open', async () => {
    await using t = await withAda();
    await run(t.service, 'ALTER ROLE [orders_writer] ADD MEMBER [ada]');
    const ada = await t.s.as(ADA);
    const transaction = ada.transaction();
    await transaction.begin();
    await transaction.request().batch("UPDATE dbo.orders SET status = N'packed' WHERE order_id = 1");
    await run(t.service, 'ALTER ROLE [orders_writer] DROP MEMBER [ada]');
    await expect(transaction.request().batch('SELECT * FROM dbo.orders')).rejects.toMatchObject({ number: 229 });
    await transaction.rollback();
  });

  test('the drop is in the audit with the instant at which it took effect', async () => {
    await using t = await withAda();
    await run(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    const before = performance.timeOrigin + performance.now();
    await run(t.service, 'ALTER ROLE [orders_reader] DROP MEMBER [ada]');
    const after = performance.timeOrigin + performance.now();
    const drop = t.s.server.audit('orders').find(({ action }) => action === 'ALTER ROLE DROP MEMBER');
    expect(drop).toMatchObject({ principal: SERVICE.name, object: 'orders_reader', member: 'ada', succeeded: true });
    expect(drop?.at).toBeGreaterThan(before);
    expect(drop?.at).toBeLessThan(after);
  });

  test('an administrator reads the audit over TDS, and nobody else', async () => {
    await using t = await withAda();
    const administrator = await t.s.as(ADMINISTRATOR);
    const rows = await run(administrator, "SELECT action, object FROM standin.audit WHERE action = 'CREATE USER'");
    expect(rows).toEqual([
      { action: 'CREATE USER', object: 'curfew-service' },
      { action: 'CREATE USER', object: 'ada' },
    ]);
    expect(await errorOf(t.service, 'SELECT * FROM standin.audit')).toBe(229);
  });

  test('roles within roles count, and DENY wins', async () => {
    await using t = await withAda();
    const administrator = await t.s.as(ADMINISTRATOR);
    await run(
      administrator,
      'CREATE ROLE [outer]; ALTER ROLE [orders_reader] ADD MEMBER [outer]; ALTER ROLE [outer] ADD MEMBER [ada]',
    );
    const ada = await t.s.as(ADA);
    expect(await errorOf(ada, 'SELECT * FROM dbo.products')).toBe(0);
    await run(administrator, 'DENY SELECT ON dbo.products TO [outer]');
    expect(await errorOf(ada, 'SELECT * FROM dbo.products')).toBe(229);
    expect(await errorOf(ada, 'SELECT * FROM dbo.customers')).toBe(0);
    expect(
      await errorOf(ada, 'SELECT * FROM dbo.customers c JOIN dbo.products p ON p.product_id = c.customer_id'),
    ).toBe(229);
    expect(await errorOf(ada, 'SELECT 1 WHERE EXISTS (SELECT * FROM dbo.products)')).toBe(229);
  });

  test('fixed roles: db_datareader reads, db_datawriter writes blind, db_denydatareader stops both', async () => {
    await using t = await withAda();
    const administrator = await t.s.as(ADMINISTRATOR);
    const ada = await t.s.as(ADA);
    await run(administrator, 'ALTER ROLE db_datawriter ADD MEMBER ada');
    expect(await errorOf(ada, "INSERT INTO dbo.products VALUES (99, N'Sieve', 5)")).toBe(0);
    expect(await errorOf(ada, 'DELETE FROM dbo.products WHERE product_id = 99')).toBe(229);
    await run(administrator, 'ALTER ROLE db_datareader ADD MEMBER ada');
    expect(await errorOf(ada, 'DELETE FROM dbo.products WHERE product_id = 99')).toBe(0);
    await run(administrator, 'ALTER ROLE db_denydatareader ADD MEMBER ada');
    expect(await errorOf(ada, 'SELECT * FROM dbo.products')).toBe(229);
  });

  test('members are listed, and a dropped user leaves no membership behind', async () => {
    await using t = await withAda();
    await run(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    const holders = `SELECT m.name FROM sys.database_role_members AS d
      JOIN sys.database_principals AS r ON r.principal_id = d.role_principal_id
      JOIN sys.database_principals AS m ON m.principal_id = d.member_principal_id WHERE r.name = @role`;
    const list = async () => (await t.service.request().input('role', 'orders_reader').query(holders)).recordset;
    expect(await list()).toEqual([{ name: 'ada' }]);
    await run(t.service, 'DROP USER [ada]');
    expect(await list()).toEqual([]);
    expect(await errorOf(t.service, 'DROP USER IF EXISTS [ada]')).toBe(0);
  });

  test('a session whose user was dropped can do nothing, even when the user comes back', async () => {
    await using t = await withAda();
    await run(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    const ada = await t.s.as(ADA);
    await sessionId(ada);
    await run(t.service, 'DROP USER [ada]');
    expect(await errorOf(ada, 'SELECT * FROM dbo.orders')).toBe(916);
    await run(
      t.service,
      `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; ALTER ROLE [orders_reader] ADD MEMBER [ada]`,
    );
    expect(await errorOf(ada, 'SELECT * FROM dbo.orders')).toBe(916);
  });
});

describe('error numbers', () => {
  test.for([
    ['CREATE USER [ada] WITH SID = 0x01020304050607080910111213141516, TYPE = E', 15023],
    [`CREATE USER [other] WITH SID = ${ADA_SID}, TYPE = E`, 15063],
    ['CREATE USER [x] FROM EXTERNAL PROVIDER', 33134],
    ['DROP USER [nobody]', 15151],
    ['DROP USER [dbo]', 15150],
    ['ALTER ROLE [orders_reader] ADD MEMBER [nobody]', 15151],
    ['ALTER ROLE [orders_reader] DROP MEMBER [ada]', 15151],
    ['ALTER ROLE [no_such_role] ADD MEMBER [ada]', 15151],
    ['ALTER ROLE [ada] ADD MEMBER [ada]', 15151],
    ['ALTER ROLE [public] ADD MEMBER [ada]', 15081],
    ['ALTER ROLE [orders_reader] ADD MEMBER [dbo]', 15405],
    ['ALTER ROLE [orders_reader] ADD MEMBER [orders_reader]', 15413],
    ['ALTER ROLE [db_datareader] ADD MEMBER [ada]', 15151],
    ['ALTER ROLE [db_owner] ADD MEMBER [curfew-service]', 15151],
    ['CREATE ROLE [mine]', 15247],
    ['DROP ROLE [orders_reader]', 15151],
    ['GRANT SELECT ON SCHEMA::dbo TO [ada]', 15151],
    ['GRANT CONTROL TO [curfew-service]', 15151],
    ['CREATE TABLE dbo.mine (id int)', 262],
    ['CREATE SCHEMA mine', 262],
    ['DROP TABLE dbo.orders', 3701],
    ['INSERT INTO sys.permission VALUES (1)', 259],
    ['SELECT * FROM sys.principal', 208],
    ["INSERT INTO dbo.products VALUES (99, N'Sieve', 5)", 229],
  ] as const)('the service: %s gives %i', async ([text, number]) => {
    await using t = await withAda();
    expect(await errorOf(t.service, text)).toBe(number);
  });

  test.for([
    ['ALTER ROLE [orders_reader] ADD MEMBER [ada]', 15151],
    [`CREATE USER [fionn] WITH SID = ${FIONN_SID}, TYPE = E`, 15247],
    ['DROP USER [curfew-service]', 15151],
    ['KILL 51', 6102],
    ['DBCC FLUSHAUTHCACHE', 15247],
  ] as const)('a plain user: %s gives %i', async ([text, number]) => {
    await using t = await withAda();
    expect(await errorOf(await t.s.as(ADA), text)).toBe(number);
  });

  test.for([
    ['CREATE ROLE [r]; ALTER ROLE [r] ADD MEMBER [curfew-service]; DROP ROLE [r]', 15144],
    ['CREATE SCHEMA [s] AUTHORIZATION [curfew-service]; DROP USER [curfew-service]', 15138],
    ['DROP ROLE [db_owner]', 15150],
    ['CREATE ROLE [a]; CREATE ROLE [b]; ALTER ROLE [a] ADD MEMBER [b]; ALTER ROLE [b] ADD MEMBER [a]', 15413],
    ['GRANT SELECT ON dbo.nothing TO [curfew-service]', 15151],
    ['GRANT SELECT ON SCHEMA::dbo TO [dbo]', 4617],
  ] as const)('an owner: %s gives %i', async ([text, number]) => {
    await using s = await stand();
    expect(await errorOf(await s.as(ADMINISTRATOR), text)).toBe(number);
  });

  test('adding a member twice is no error', async () => {
    await using t = await withAda();
    await run(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    expect(await errorOf(t.service, 'ALTER ROLE [orders_reader] ADD MEMBER [ada]')).toBe(0);
  });
});

describe('no way round a permission', () => {
  test.for([
    'SELECT COUNT(*) FROM dbo.orders',
    'SELECT (SELECT COUNT(*) FROM orders.dbo.orders)',
    'SELECT TOP ((SELECT COUNT(*) FROM orders)) 1 AS x',
    'SELECT 1 ORDER BY (SELECT COUNT(*) FROM orders)',
    'WITH q AS (SELECT * FROM orders) SELECT * FROM q',
    'SELECT * FROM (SELECT order_id FROM orders UNION SELECT 1) AS q',
    'SELECT v.x FROM (VALUES ((SELECT COUNT(*) FROM orders))) AS v (x)',
    'DECLARE @n int = (SELECT COUNT(*) FROM orders)',
    'DECLARE @n int; SELECT @n = order_id FROM orders',
    'IF EXISTS (SELECT * FROM orders) SELECT 1',
    'WAITFOR DELAY (SELECT status FROM orders)',
    'THROW 50001, (SELECT status FROM orders), 1',
    'DELETE FROM orders WHERE 1 = 0',
    "UPDATE o SET status = N'x' FROM orders o",
    'INSERT INTO orders (customer_id) VALUES (1)',
  ])('%s', async (text) => {
    await using t = await withAda();
    expect(await errorOf(await t.s.as(ADA), text)).toBe(229);
  });
});

describe('names', () => {
  test.for(['x]; DROP ROLE [orders_reader]; --', "O'Brien", 'a"b', 'name with spaces', '日本', 'SELECT'])(
    'a user may be called %s',
    async (name) => {
      await using s = await stand();
      const service = await s.as(SERVICE);
      await run(service, `CREATE USER ${quoted(name)} WITH SID = ${ADA_SID}, TYPE = E`);
      await run(service, `ALTER ROLE [orders_reader] ADD MEMBER ${quoted(name)}`);
      const found = await service
        .request()
        .input('name', name)
        .query('SELECT name FROM sys.database_principals WHERE name = @name');
      expect(found.recordset).toEqual([{ name }]);
      await run(service, `DROP USER ${quoted(name)}`);
      expect(await run(service, "SELECT name FROM sys.database_principals WHERE name = 'orders_reader'")).toHaveLength(
        1,
      );
    },
  );

  test('names are the same whatever their case', async () => {
    await using t = await withAda();
    expect(await errorOf(t.service, `CREATE USER [ADA] WITH SID = ${FIONN_SID}, TYPE = E`)).toBe(15023);
    expect(await errorOf(t.service, 'alter role [ORDERS_READER] add member [Ada]')).toBe(0);
  });
});

describe('what the catalog shows', () => {
  test('a plain user sees itself and the fixed roles, the service with VIEW DEFINITION sees all', async () => {
    await using t = await withAda();
    const users = "SELECT name FROM sys.database_principals WHERE type = 'E' ORDER BY name";
    expect(await run(await t.s.as(ADA), users)).toEqual([{ name: 'ada' }]);
    expect(await run(t.service, users)).toEqual([{ name: 'ada' }, { name: 'curfew-service' }]);
  });

  test('grants and the functions that tell of them agree', async () => {
    await using t = await withAda();
    const [row] = await run(
      t.service,
      `SELECT HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'ALTER ANY USER') AS users, HAS_PERMS_BY_NAME('orders_reader', 'ROLE', 'ALTER') AS reader,
        HAS_PERMS_BY_NAME('db_owner', 'ROLE', 'ALTER') AS owner, HAS_PERMS_BY_NAME('dbo.orders', 'OBJECT', 'SELECT') AS rows,
        IS_ROLEMEMBER('orders_reader', 'ada') AS ada, IS_ROLEMEMBER('nonsense') AS nonsense, DATABASE_PRINCIPAL_ID('nobody') AS nobody`,
    );
    expect(row).toEqual({ users: 1, reader: 1, owner: 0, rows: 0, ada: 0, nonsense: null, nobody: null });
    const permissions = await t.service
      .request()
      .input('name', 'curfew-service')
      .query(
        `SELECT p.permission_name, p.class_desc FROM sys.database_permissions p JOIN sys.database_principals g
        ON g.principal_id = p.grantee_principal_id WHERE g.name = @name ORDER BY p.class_desc, p.permission_name`,
      );
    expect(permissions.recordset.map((one) => one.permission_name)).toEqual([
      'ALTER ANY USER',
      'CONNECT',
      'KILL DATABASE CONNECTION',
      'VIEW DATABASE STATE',
      'VIEW DEFINITION',
      'ALTER',
      'ALTER',
    ]);
  });
});
