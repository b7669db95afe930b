import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectAs } from '../../local/database.ts';
import { type Api, startApi, until } from './api-support.ts';

/** What somebody who has the access can do in the database to have it longer. */
let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const connect = async (name: string) =>
  connectAs(await api.tokenOf(name, 'https://database.windows.net/.default'), api.ports.sql);

async function hold(name: string) {
  const id = await api.asked(name, { role: 'writer' });
  await api.approve('bob', id);
  expect((await api.shown(id)).state).toBe('granted');
  return id;
}

test('an open transaction with locks neither delays the end nor leaves anything behind', async () => {
  const id = await hold('ada');
  const pool = await connect('ada');
  // On one connection: the pool would log in anew, as a user with no right who is yet to be dropped.
  const transaction = pool.transaction();
  await transaction.begin();
  const run = (text: string) => transaction.request().batch(text);
  const { principalId } = (await api.shown(id)).requester;
  await run(`UPDATE orders SET status = 'stolen' WHERE order_id = 1;
    EXEC sp_getapplock @Resource = 'curfew:${principalId}', @LockMode = 'Exclusive', @LockOwner = 'Session'`);
  await run('SELECT 1 AS one');
  expect((await api.post('bob', `/requests/${id}/revoke`)).body.state).toBe('revoked');
  await expect(run('SELECT 1 AS one')).rejects.toThrow();
  await transaction.rollback().catch(() => undefined);
  await pool.close();
  const carla = await connect('carla');
  const { recordset } = await carla.request().query('SELECT status FROM orders WHERE order_id = 1');
  expect(recordset).not.toEqual([{ status: 'stolen' }]);
  const members = await carla
    .request()
    .query(
      "SELECT u.name FROM sys.database_role_members AS m JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id WHERE u.name LIKE 'ada%'",
    );
  expect(members.recordset).toEqual([]);
  await carla.close();
});

test('clients that connect again and again neither read on nor keep it from ending', async () => {
  const id = await hold('fionn');
  const over = { is: false };
  const reads: number[] = [];
  const client = async () => {
    while (!over.is) {
      const pool = await connect('fionn').catch(() => undefined);
      for (let isOpen = pool !== undefined; isOpen && !over.is; await sleep(20)) {
        const text = 'SELECT TOP 1 order_id FROM orders';
        const begun = Date.now();
        const found = await pool
          ?.request()
          .query(text)
          .catch((error: { number?: number }) => error.number ?? 0);
        if (typeof found === 'object') reads.push(begun);
        // Refused is good enough for them: the session stays.
        isOpen = typeof found === 'object' || found === 229;
      }
      await pool?.close();
      await sleep(5);
    }
  };
  const clients = Array.from({ length: 4 }, client);
  await until(
    async () => reads.length,
    (count) => count > 10,
  );
  expect((await api.post('bob', `/requests/${id}/revoke`)).body.state).toBe('revoked');
  over.is = true;
  await Promise.all(clients);
  const drop = api.sql.audit('orders').findLast(({ action, succeeded }) => action.includes('DROP MEMBER') && succeeded);
  expect(reads.filter((begun) => begun > (drop?.at ?? 0))).toEqual([]);
  expect(await api.reads('fionn')).not.toBe('rows');
});

test('nobody who has the access can pass it on', async () => {
  const id = await hold('ada');
  const pool = await connect('ada');
  for (const text of [
    'ALTER ROLE [orders_writer] ADD MEMBER [eve@partner.example]',
    'CREATE USER [eve@partner.example] WITHOUT LOGIN',
    'GRANT SELECT ON SCHEMA::[dbo] TO [public]',
    'ALTER AUTHORIZATION ON ROLE::[orders_writer] TO [ada@contoso.example]',
    "EXECUTE AS USER = 'curfew-service'",
    'CREATE ROLE [mine]',
    'DROP USER [curfew-service]',
  ]) {
    await expect(pool.request().query(text)).rejects.toThrow();
  }
  await pool.close();
  await api.post('ada', `/requests/${id}/revoke`);
  expect(await api.reads('ada')).not.toBe('rows');
});
