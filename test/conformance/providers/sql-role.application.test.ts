import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientSecretCredential } from '@azure/identity';
import mssql from 'mssql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectAs } from '../../../local/database.ts';
import { type Laptop, startLaptop } from '../../../local/laptop.ts';
import { applicationTokenFor, tokenFor } from '../../../local/people.ts';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import { instantOf } from '../../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../../shared/providers/sql-role/entitlement.ts';
import { createSqlRoleProvider, type SqlRoleProvider } from '../../../shared/providers/sql-role/provider.ts';
import { HandClock } from './hand-clock.ts';

const scope = 'https://database.windows.net/.default';
const clock = new HandClock(instantOf(Date.now()));
const application = {
  principalId: 'd0000000-0000-4000-8000-000000000005' as PrincipalId,
  clientId: 'c0000000-0000-4000-8000-000000000005' as PrincipalId,
  userPrincipalName: 'nightly-export',
};
let folder: string;
let laptop: Laptop;
let provider: SqlRoleProvider;
let entitlement: SqlRoleEntitlement;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curfew-application-'));
  laptop = await startLaptop({ folder, withoutCurfew: true });
  const {
    AZURE_TENANT_ID: tenant = '',
    AZURE_CLIENT_ID: client = '',
    AZURE_CLIENT_SECRET: secret = '',
  } = laptop.settings;
  const options = { authorityHost: laptop.entra.url, disableInstanceDiscovery: true };
  provider = createSqlRoleProvider({ credential: new ClientSecretCredential(tenant, client, secret, options), clock });
  entitlement = {
    kind: 'sql-role',
    server: 'localhost',
    port: laptop.ports.sql,
    database: 'orders',
    role: 'orders_reader',
  };
});
afterAll(async () => {
  await provider.close();
  await laptop.close();
  await rm(folder, { recursive: true });
});

/** One connection of the application, with a token by client credentials, kept by a transaction. */
async function openSession() {
  const pool = await connectAs(
    await applicationTokenFor('nightly-export', laptop.entra.authority, scope),
    laptop.ports.sql,
  );
  const transaction = new mssql.Transaction(pool);
  await transaction.begin();
  return {
    reads: () =>
      transaction
        .request()
        .query('SELECT TOP 1 * FROM orders')
        .then(
          ({ recordset }) => recordset.length === 1,
          () => false,
        ),
    close: async () => {
      await transaction.rollback().catch(() => undefined);
      await pool.close();
    },
  };
}

/** As an administrator reads it. */
async function userOfApplication() {
  const pool = await connectAs(await tokenFor('carla', laptop.entra.authority, scope), laptop.ports.sql);
  try {
    const found = await pool
      .request()
      .query<{ name: string; type: string; sid: Buffer }>(
        "SELECT name, type, sid FROM sys.database_principals WHERE name = 'nightly-export'",
      );
    return found.recordset.map(({ name, type, sid }) => [name, type.trim(), sid.toString('hex')])[0];
  } finally {
    await pool.close();
  }
}

test('an application is given the role under its client id, reads, and is cut off when it is taken', async () => {
  await expect(openSession()).rejects.toMatchObject({ code: 'ELOGIN' });
  expect(await provider.grant(entitlement, application)).toBe('granted');
  expect(await provider.grant(entitlement, application)).toBe('already-held');
  expect(await userOfApplication()).toEqual(['nightly-export', 'E', '000000c0000000408000000000000005']);
  expect(await provider.holders(entitlement)).toEqual([{ principalId: application.clientId, name: 'nightly-export' }]);
  const session = await openSession();
  expect(await session.reads()).toBe(true);

  expect((await provider.revoke(entitlement, application, clock.now())).outcome).toBe('revoked');
  expect(await provider.isHeld(entitlement, application)).toBe(false);
  expect(await provider.endSessions(entitlement, application)).toBeGreaterThanOrEqual(1);
  expect(await session.reads()).toBe(false);
  expect(await provider.endSessions(entitlement, application)).toBe(0);
  await session.close();

  await provider.cleanUp(entitlement, application);
  expect(await userOfApplication()).toBeUndefined();
  await expect(openSession()).rejects.toMatchObject({ code: 'ELOGIN' });
});

test('an application is not the person whose object id is its own', async () => {
  const { clientId: _, ...person } = application;
  await provider.grant(entitlement, application);
  expect(await provider.isHeld(entitlement, person)).toBe(false);
  expect((await provider.revoke(entitlement, person, clock.now())).outcome).toBe('absent');
  expect(await provider.isHeld(entitlement, application)).toBe(true);
  await provider.revoke(entitlement, application, clock.now());
  await provider.cleanUp(entitlement, application);
});
