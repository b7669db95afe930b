import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sql from 'mssql';
import { expect, test } from 'vitest';
import { ADMINISTRATOR, run, tokenLogin } from './support.ts';

async function start(folder: string) {
  const child = fork(join(import.meta.dirname, 'crash-child.ts'), [folder], { execArgv: [] });
  const [port] = (await once(child, 'message')) as [number];
  const pool = new sql.ConnectionPool({
    server: 'localhost',
    port,
    database: 'orders',
    options: { encrypt: true, trustServerCertificate: true },
    authentication: tokenLogin(JSON.stringify(ADMINISTRATOR)),
    pool: { max: 1, min: 0 },
  });
  pool.on('error', () => {});
  await pool.connect();
  return {
    pool,
    kill: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await pool.close();
    },
  };
}

test('what was acknowledged outlives kill -9, and what was not committed is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sql-server-crash-'));
  const first = await start(folder);
  const acknowledged = 20;
  for (let i = 1; i <= acknowledged; i++) {
    const sid = i.toString(16).padStart(32, '0');
    await run(
      first.pool,
      `CREATE USER [u${i}] WITH SID = 0x${sid}, TYPE = E; ALTER ROLE [orders_reader] ADD MEMBER [u${i}]`,
    );
    await run(first.pool, `INSERT INTO dbo.products VALUES (${1000 + i}, N'p${i}', 1)`);
  }
  await run(first.pool, 'BEGIN TRAN; CREATE USER [lost] WITH SID = 0xFF000000000000000000000000000000, TYPE = E');
  await first.kill();
  const second = await start(folder);
  const members = await run(second.pool, 'SELECT COUNT(*) AS n FROM sys.database_role_members');
  const products = await run(second.pool, 'SELECT COUNT(*) AS n FROM dbo.products WHERE product_id > 1000');
  const lost = await run(second.pool, "SELECT DATABASE_PRINCIPAL_ID('lost') AS id");
  const audit = await run(
    second.pool,
    "SELECT COUNT(*) AS n FROM standin.audit WHERE action = 'ALTER ROLE ADD MEMBER'",
  );
  expect([members[0].n, products[0].n, lost[0].id, audit[0].n]).toEqual([
    acknowledged,
    acknowledged,
    null,
    acknowledged,
  ]);
  await second.kill();
  rmSync(folder, { recursive: true, force: true });
});
