import sql from 'mssql';
import { describe, expect, test } from 'vitest';
import { ADA, ADA_SID, ADMINISTRATOR, errorOf, run, SERVICE, stand } from './support.ts';

const users = "SELECT name FROM sys.database_principals WHERE type = 'E' AND name <> 'curfew-service'";

describe('transactions', () => {
  test('a rollback undoes users, roles and properties together', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    const transaction = service.transaction();
    await transaction.begin();
    await transaction.request().batch(`CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    await transaction
      .request()
      .batch("EXEC sp_addextendedproperty @name = N'k', @value = N'v', @level0type = N'USER', @level0name = N'ada'");
    await transaction.request().batch('ALTER ROLE [orders_reader] ADD MEMBER [ada]');
    expect((await transaction.request().query(users)).recordset).toEqual([{ name: 'ada' }]);
    expect(await run(await s.as(SERVICE), users)).toEqual([]);
    await transaction.rollback();
    expect(await run(service, users)).toEqual([]);
    expect(s.server.audit('orders').some(({ action, object }) => action === 'CREATE USER' && object === 'ada')).toBe(
      false,
    );
  });

  test('text and driver mean the same transaction', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, `BEGIN TRAN; CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    expect((await run(service, 'SELECT @@TRANCOUNT AS n'))[0].n).toBe(1);
    await run(service, 'ROLLBACK');
    expect(await run(service, users)).toEqual([]);
    await run(service, `BEGIN TRANSACTION; CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; COMMIT TRANSACTION`);
    expect(await run(service, users)).toEqual([{ name: 'ada' }]);
    expect(await errorOf(service, 'COMMIT')).toBe(3902);
    expect(await errorOf(service, 'ROLLBACK')).toBe(3903);
  });

  test('with XACT_ABORT an error rolls back and ends the batch; without it the next statement runs', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    const create = `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`;
    const failing = 'ALTER ROLE [orders_reader] ADD MEMBER [nobody]';
    expect(await errorOf(service, `SET XACT_ABORT ON; BEGIN TRAN; ${create}; ${failing}; COMMIT`)).toBe(15151);
    expect((await run(service, 'SELECT @@TRANCOUNT AS n'))[0].n).toBe(0);
    expect(await run(service, users)).toEqual([]);
    expect(await errorOf(service, `SET XACT_ABORT OFF; BEGIN TRAN; ${failing}; ${create}; COMMIT`)).toBe(15151);
    expect(await run(service, users)).toEqual([{ name: 'ada' }]);
  });

  test('what a parameterised statement sets ends with it, what a batch sets stays', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await service.request().input('x', 1).query('SET XACT_ABORT ON; SELECT @x');
    await errorOf(service, 'BEGIN TRAN; DROP USER [nobody]');
    expect((await run(service, 'SELECT @@TRANCOUNT AS n; ROLLBACK; SET XACT_ABORT ON'))[0].n).toBe(1);
    await errorOf(service, 'BEGIN TRAN; DROP USER [nobody]');
    expect((await run(service, 'SELECT @@TRANCOUNT AS n'))[0].n).toBe(0);
  });

  test('an inner transaction counts, and the outermost commit or any rollback ends all', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, `BEGIN TRAN; BEGIN TRAN; CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; COMMIT`);
    expect((await run(service, 'SELECT @@TRANCOUNT AS n'))[0].n).toBe(1);
    await run(service, 'ROLLBACK');
    expect(await run(service, users)).toEqual([]);
  });

  test("the driver's transaction hears that XACT_ABORT has ended it", async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    const transaction = service.transaction();
    await transaction.begin();
    await expect(transaction.request().batch('SET XACT_ABORT ON; DROP USER [nobody]')).rejects.toMatchObject({
      number: 15151,
    });
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'EABORT' });
  });

  test('a statement that fails half-way leaves nothing', async () => {
    await using s = await stand();
    const administrator = await s.as(ADMINISTRATOR);
    expect(await errorOf(administrator, "INSERT INTO dbo.products VALUES (98, N'Sieve', 5), (98, N'Ladle', 5)")).toBe(
      2627,
    );
    expect(await run(administrator, 'SELECT * FROM dbo.products WHERE product_id = 98')).toEqual([]);
  });

  test('a role is dropped while a user keeps a writing transaction open', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(
      service,
      `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; ALTER ROLE [orders_writer] ADD MEMBER [ada]`,
    );
    const ada = (await s.as(ADA)).transaction();
    await ada.begin();
    await ada.request().batch("UPDATE dbo.orders SET status = N'packed'");
    expect(await errorOf(service, 'ALTER ROLE [orders_writer] DROP MEMBER [ada]')).toBe(0);
    await ada.commit();
  });

  test('a second writer waits for the first, up to its lock time-out', async () => {
    await using s = await stand();
    const [first, second] = [await s.as(ADMINISTRATOR), await s.as(ADMINISTRATOR)];
    const transaction = first.transaction();
    await transaction.begin();
    await transaction.request().batch("UPDATE dbo.orders SET status = N'first' WHERE order_id = 1");
    expect((await run(second, 'SELECT status FROM dbo.orders WHERE order_id = 1'))[0].status).not.toBe('first');
    expect(
      await errorOf(second, "SET LOCK_TIMEOUT 10; UPDATE dbo.orders SET status = N'second' WHERE order_id = 1"),
    ).toBe(1222);
    const waiting = run(second, "SET LOCK_TIMEOUT -1; UPDATE dbo.orders SET status = status + N'!' WHERE order_id = 1");
    await transaction.commit();
    await waiting;
    expect((await run(first, 'SELECT status FROM dbo.orders WHERE order_id = 1'))[0].status).toBe('first!');
  });

  test('what was acknowledged is there after a restart, with users, roles, grants, properties and audit', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(
      service,
      `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; ALTER ROLE [orders_writer] ADD MEMBER [ada]`,
    );
    await run(
      service,
      "EXEC sp_addextendedproperty @name = N'k', @value = N'v', @level0type = N'USER', @level0name = N'ada'",
    );
    await run(await s.as(ADA), "UPDATE dbo.orders SET status = N'kept' WHERE order_id = 1");
    const before = s.server.audit('orders').filter(({ action }) => action === 'ALTER ROLE ADD MEMBER');
    await s.restart();
    const again = await s.as(SERVICE);
    expect(await run(again, "SELECT IS_ROLEMEMBER('orders_writer', 'ada') AS r")).toEqual([{ r: 1 }]);
    expect(await run(again, 'SELECT name, value FROM sys.extended_properties WHERE class = 4')).toEqual([
      { name: 'k', value: 'v' },
    ]);
    expect((await run(await s.as(ADA), 'SELECT status FROM dbo.orders WHERE order_id = 1'))[0].status).toBe('kept');
    expect(s.server.audit('orders').filter(({ action }) => action === 'ALTER ROLE ADD MEMBER')).toEqual(before);
  });

  test('a transaction of a connection that is handed on is not handed on', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, "BEGIN TRAN; EXEC sp_getapplock @Resource = N'r', @LockMode = 'Exclusive'");
    await new Promise<void>((resolve, reject) => {
      const pool = service as unknown as {
        acquire(r: object): Promise<{ reset(done: (e?: Error) => void): void }>;
        release(c: object): void;
      };
      pool
        .acquire(new sql.Request(service))
        .then((connection) =>
          connection.reset((error) => {
            pool.release(connection);
            return error ? reject(error) : resolve();
          }),
        )
        .catch(reject);
    });
    expect((await run(service, 'SELECT @@TRANCOUNT AS n'))[0].n).toBe(0);
  });
});

describe('extended properties', () => {
  const add =
    "EXEC sp_addextendedproperty @name = N'curfew', @value = N'O''Brien', @level0type = N'USER', @level0name = N'ada'";
  const drop = "EXEC sp_dropextendedproperty @name = N'curfew', @level0type = N'USER', @level0name = N'ada'";

  test('are added, found by parameters, and dropped', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    await run(service, add);
    const found = await service
      .request()
      .input('name', sql.NVarChar, 'curfew')
      .query(
        `SELECT p.name, e.value FROM sys.extended_properties e JOIN sys.database_principals p ON p.principal_id = e.major_id
        WHERE e.class = 4 AND e.name = @name`,
      );
    expect(found.recordset).toEqual([{ name: 'ada', value: "O'Brien" }]);
    expect(await errorOf(service, add)).toBe(15233);
    await run(service, drop);
    expect(await errorOf(service, drop)).toBe(15217);
  });

  test('need the user to be there, and the right to alter it', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    expect(await errorOf(service, add)).toBe(15135);
    await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    expect(await errorOf(await s.as(ADA), add)).toBe(15135);
  });

  test('by remote call with parameters', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    const request = service.request();
    request.input('name', 'curfew').input('value', 'x').input('level0type', 'USER').input('level0name', 'ada');
    expect((await request.execute('sp_addextendedproperty')).returnValue).toBe(0);
    await expect(service.request().execute('sp_who')).rejects.toMatchObject({ number: 2812 });
  });
});

test('many drops in one transaction: one that fails is caught, the others are committed together, and so is the audit', async () => {
  await using s = await stand();
  const pool = await s.as(ADMINISTRATOR);
  const names = Array.from({ length: 20 }, (_, number) => `user ${number}`);
  await run(pool, 'CREATE ROLE many');
  for (const name of names)
    await run(pool, `CREATE USER [${name}] WITHOUT LOGIN; ALTER ROLE many ADD MEMBER [${name}]`);
  const drops = [...names, 'nobody'].map(
    (name) => `BEGIN TRY ALTER ROLE many DROP MEMBER [${name}]; END TRY
      BEGIN CATCH SET @errors = CONCAT(@errors, N' ', ERROR_NUMBER()); END CATCH;`,
  );
  const [row] = await run(
    pool,
    `DECLARE @errors nvarchar(max) = N''; BEGIN TRANSACTION; ${drops.join('\n')} COMMIT TRANSACTION; SELECT @errors AS errors`,
  );
  expect(row).toEqual({ errors: ' 15151' });
  const entries = s.server.audit('orders').filter(({ action }) => action === 'ALTER ROLE DROP MEMBER');
  const done = entries.filter(({ succeeded }) => succeeded);
  expect(done.map(({ member }) => member)).toEqual(names);
  expect(new Set(done.map(({ at }) => at)).size).toBe(1);
});

test('rights that a session takes from itself in a transaction are gone at its next statement', async () => {
  await using s = await stand();
  const administrator = await s.as(ADMINISTRATOR);
  await run(
    administrator,
    `CREATE USER [${ADA.name}] WITH SID = ${ADA_SID}, TYPE = E; CREATE ROLE keepers; GRANT ALTER ANY ROLE TO keepers;
     ALTER ROLE keepers ADD MEMBER [${ADA.name}]; CREATE USER other WITHOUT LOGIN; ALTER ROLE keepers ADD MEMBER other`,
  );
  const ada = await s.as(ADA);
  const drop = (name: string) => `ALTER ROLE keepers DROP MEMBER [${name}];`;
  const text = `BEGIN TRANSACTION; ${drop('other')} ${drop(ADA.name)} ${drop('other')} COMMIT TRANSACTION`;
  expect(await errorOf(ada, text)).toBe(15151);
  expect(await errorOf(ada, 'ALTER ROLE keepers ADD MEMBER other')).toBe(15151);
});
