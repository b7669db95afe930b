import sql from 'mssql';
import { describe, expect, test } from 'vitest';
import { ADA, ADA_SID, ADMINISTRATOR, errorOf, run, SERVICE, sessionId, stand, tokenLogin } from './support.ts';

const withAda = async () => {
  const s = await stand();
  const service = await s.as(SERVICE);
  await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E; ALTER ROLE [orders_writer] ADD MEMBER [ada]`);
  return { s, service, ada: await s.as(ADA), [Symbol.asyncDispose]: () => s[Symbol.asyncDispose]() };
};

/** Resolves when the session runs a statement that it has been given. */
async function running(pool: sql.ConnectionPool, id: number) {
  const state = 'SELECT status FROM sys.dm_exec_sessions WHERE session_id = @id';
  for (;;) {
    const { recordset } = await pool.request().input('id', id).query(state);
    if (recordset[0]?.status === 'running') return;
  }
}

describe('sessions', () => {
  test('a principal finds sessions of another by its SID, and its own alone without VIEW DATABASE STATE', async () => {
    await using t = await withAda();
    const id = await sessionId(t.ada);
    const found = await t.service
      .request()
      .input('sid', sql.VarBinary, Buffer.from(ADA_SID.slice(2), 'hex'))
      .query(
        'SELECT session_id, login_name, login_time, is_user_process FROM sys.dm_exec_sessions WHERE security_id = @sid',
      );
    expect(found.recordset).toMatchObject([{ session_id: id, login_name: ADA.name, is_user_process: true }]);
    expect(found.recordset[0].login_time).toBeInstanceOf(Date);
    expect(await run(t.ada, 'SELECT session_id FROM sys.dm_exec_sessions')).toEqual([{ session_id: id }]);
  });

  test('a login time that was read finds the same session again', async () => {
    await using t = await withAda();
    const id = await sessionId(t.ada);
    const [{ login_time: at }] = await run(
      t.service,
      `SELECT login_time FROM sys.dm_exec_sessions WHERE session_id = ${id}`,
    );
    const again = await t.service
      .request()
      .input('at', sql.DateTime, at)
      .query('SELECT session_id FROM sys.dm_exec_sessions WHERE login_time = @at AND session_id <> @@SPID');
    expect(again.recordset).toEqual([{ session_id: id }]);
  });

  test('KILL ends an idle session at once', async () => {
    await using t = await withAda();
    const id = await sessionId(t.ada);
    await run(t.service, `KILL ${id}`);
    expect(await run(t.service, `SELECT * FROM sys.dm_exec_sessions WHERE session_id = ${id}`)).toEqual([]);
    const ended = t.s.server.audit('orders').findLast(({ action }) => action === 'SESSION ENDED');
    expect(ended).toMatchObject({ sessionId: id, principal: ADA.name });
  });

  test('KILL cuts off a running statement, and undoes its transaction', async () => {
    await using t = await withAda();
    const id = await sessionId(t.ada);
    const victim = errorOf(
      t.ada,
      "BEGIN TRAN; UPDATE dbo.orders SET status = N'lost' WHERE order_id = 1; WAITFOR DELAY '00:01:00'",
    );
    await running(t.service, id);
    await run(t.service, `KILL ${id}`);
    expect(await victim).toBe(596);
    const administrator = await t.s.as(ADMINISTRATOR);
    expect(await run(administrator, "SELECT * FROM dbo.orders WHERE status = N'lost'")).toEqual([]);
  });

  test.for([
    ['KILL 0', 6101],
    ['KILL 99999', 6101],
    ['KILL 777', 6106],
    ['BEGIN TRAN; KILL 777', 6115],
  ] as const)('%s gives %i', async ([text, number]) => {
    await using t = await withAda();
    expect(await errorOf(t.service, text)).toBe(number);
  });

  test('KILL of oneself is 6104', async () => {
    await using t = await withAda();
    expect(await errorOf(t.service, `KILL ${await sessionId(t.service)}`)).toBe(6104);
  });

  test('a request that is cancelled leaves the connection fit for the next', async () => {
    await using t = await withAda();
    const id = await sessionId(t.ada);
    const request = t.ada.request();
    const waiting = request.batch("WAITFOR DELAY '00:01:00'");
    await running(t.service, id);
    request.cancel();
    await expect(waiting).rejects.toMatchObject({ code: 'ECANCEL' });
    expect(await sessionId(t.ada)).toBe(id);
  });

  test('a request that takes too long times out at the client', async () => {
    await using t = await withAda();
    const pool = new sql.ConnectionPool({
      server: 'localhost',
      port: t.s.server.port,
      database: 'orders',
      requestTimeout: 50,
      options: { encrypt: true, cryptoCredentialsDetails: { ca: t.s.ca } },
      authentication: tokenLogin(JSON.stringify(ADA)),
    });
    await pool.connect();
    await expect(pool.request().batch("WAITFOR DELAY '00:00:30'")).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(await errorOf(pool, 'SELECT 1')).toBe(0);
    await pool.close();
  });

  test('WAITFOR waits as long as it says', async () => {
    await using t = await withAda();
    const start = performance.now();
    await run(t.ada, "WAITFOR DELAY '00:00:00.120'");
    expect(performance.now() - start).toBeGreaterThanOrEqual(119);
  });
});

describe('application locks', () => {
  const take = `DECLARE @r int; EXEC @r = sp_getapplock @Resource = N'holds', @LockMode = 'Exclusive', @LockOwner = 'Transaction',
    @LockTimeout = @timeout; SELECT @r AS r`;
  const acquire = async (on: sql.Transaction, timeout: number) =>
    (await on.request().input('timeout', timeout).query(take)).recordset[0].r as number;

  test('the second waits for the first to commit', async () => {
    await using t = await withAda();
    const [first, second] = [t.service.transaction(), t.ada.transaction()];
    await first.begin();
    await second.begin();
    expect(await acquire(first, 0)).toBe(0);
    expect(await acquire(second, 0)).toBe(-1);
    const order: string[] = [];
    const id = (await second.request().query('SELECT @@SPID AS id')).recordset[0].id;
    const waiting = acquire(second, -1).then((r) => order.push(`second ${r}`));
    await running(await t.s.as(SERVICE), id);
    order.push('first commits');
    await first.commit();
    await waiting;
    expect(order).toEqual(['first commits', 'second 1']);
    await second.rollback();
  });

  test('rollback and the end of the session let go as well', async () => {
    await using t = await withAda();
    const first = t.service.transaction();
    await first.begin();
    expect(await acquire(first, 0)).toBe(0);
    await first.rollback();
    const held =
      "EXEC sp_getapplock @Resource = N'holds', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0";
    await run(t.ada, held);
    const id = await sessionId(t.ada);
    const again = t.service.transaction();
    await again.begin();
    expect(await acquire(again, 0)).toBe(-1);
    await run(await t.s.as(SERVICE), `KILL ${id}`);
    expect(await acquire(again, 0)).toBe(0);
    await again.commit();
  });

  test('a lock of a transaction is refused outside of one, and a lock that is not held cannot be let go', async () => {
    await using t = await withAda();
    const outside = await t.service.request().input('timeout', 0).query(take);
    expect(outside.recordset[0].r).toBe(-999);
    expect(await errorOf(t.service, "EXEC sp_releaseapplock @Resource = N'holds', @LockOwner = 'Session'")).toBe(1223);
  });

  test('two that wait for each other: one is told of the deadlock', async () => {
    await using t = await withAda();
    const lock = (name: string) =>
      `DECLARE @r int; EXEC @r = sp_getapplock @Resource = N'${name}', @LockMode = 'Exclusive'; SELECT @r AS r`;
    const [a, b] = [t.service.transaction(), t.ada.transaction()];
    await a.begin();
    await b.begin();
    await a.request().query(lock('one'));
    const spid = (await a.request().query('SELECT @@SPID AS id')).recordset[0].id;
    await b.request().query(lock('two'));
    const first = a.request().query(lock('two'));
    await running(await t.s.as(SERVICE), spid);
    expect((await b.request().query(lock('one'))).recordset[0].r).toBe(-3);
    await b.rollback();
    expect((await first).recordset[0].r).toBe(1);
    await a.rollback();
  });
});
