import tls from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import { describe, expect, test } from 'vitest';
import { onboarding } from '../../infra/targets/onboarding.ts';
import { createSqlRoleProvider } from '../../shared/adapters/sql/sql-role.ts';
import type { SqlRoleEntitlement } from '../../shared/domain/policy.ts';
import { instantOf } from '../../shared/domain/time.ts';
import { HandClock } from '../conformance/providers/hand-clock.ts';
import { ADA, ADMINISTRATOR, errorOf, run, SERVICE, stand } from '../contract/sql-server/support.ts';
import { ada } from '../support/samples.ts';

const shop = 'CREATE TABLE dbo.orders (id int NOT NULL PRIMARY KEY);';
const curfew = { user: 'curfew-service', clientId: SERVICE.clientId, roles: ['orders_reader', 'orders writer'] };

/** A server whose one database nobody has onboarded, and what a service with Curfew's identity can do with it. */
async function bareShop() {
  const s = await stand({ databases: [{ name: 'orders', seed: shop }] });
  tls.setDefaultCACertificates([s.ca]);
  const administrator = await s.as(ADMINISTRATOR);
  const credential: TokenCredential = {
    getToken: async () => ({ token: JSON.stringify(SERVICE), expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const provider = createSqlRoleProvider({ credential, clock: new HandClock(instantOf(Date.now())) });
  const on = (role: string): SqlRoleEntitlement => {
    return { kind: 'sql-role', server: 'localhost', port: s.server.port, database: 'orders', role };
  };
  const onboard = async (what: typeof curfew & { reads?: string } = curfew) => {
    for (const batch of onboarding(what)) await run(administrator, batch);
  };
  return {
    ...{ s, administrator, provider, on, onboard },
    [Symbol.asyncDispose]: async () => {
      await provider.close();
      await s[Symbol.asyncDispose]();
    },
  };
}

const held = `SELECT u.name, p.permission_name, r.name AS role FROM sys.database_permissions AS p
  JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
  LEFT JOIN sys.database_principals AS r ON p.class = 4 AND r.principal_id = p.major_id
  WHERE u.name = N'curfew-service' ORDER BY p.permission_name, r.name`;

describe('onboarding a database', () => {
  test('gives the service what its preflight asks for', async () => {
    await using t = await bareShop();
    await t.onboard();
    for (const role of curfew.roles) expect(await t.provider.preflight(t.on(role))).toEqual([]);
  });

  test('gives it nothing more, and twice is the same as once', async () => {
    await using t = await bareShop();
    await t.onboard();
    const once = await run(t.administrator, held);
    const rights = once.map(({ permission_name, role }) => [permission_name, role]);
    expect(rights).toEqual([
      ['ALTER', 'orders writer'],
      ['ALTER', 'orders_reader'],
      ['ALTER ANY USER', null],
      ['CONNECT', null],
      ['KILL DATABASE CONNECTION', null],
      ['VIEW DATABASE STATE', null],
      ['VIEW DEFINITION', null],
    ]);
    await t.onboard();
    expect(await run(t.administrator, held)).toEqual(once);
    const service = await t.s.as(SERVICE);
    expect(await errorOf(service, 'SELECT * FROM dbo.orders')).toBe(229);
    expect(await errorOf(service, 'ALTER ROLE [db_owner] ADD MEMBER [curfew-service]')).toBe(15151);
  });

  test('is enough to give a role, to take it, and to end the sessions of who had it', async () => {
    await using t = await bareShop();
    await t.onboard({ ...curfew, reads: 'dbo' });
    const reader = t.on('orders_reader');
    await t.provider.grant(reader, ada);
    const session = await t.s.as({ ...ADA, objectId: ada.principalId });
    expect(await errorOf(session, 'SELECT * FROM dbo.orders')).toBe(0);
    expect(await t.provider.revoke(reader, ada, instantOf(0))).toMatchObject({ outcome: 'revoked' });
    expect(await t.provider.terminate(reader, ada)).toBe(1);
    expect(await t.provider.holders(reader)).toEqual([]);
  });

  test('done by halves is found out, with the statement that does the other half', async () => {
    await using t = await bareShop();
    await t.onboard({ ...curfew, roles: ['orders_reader'] });
    await run(t.administrator, 'REVOKE KILL DATABASE CONNECTION FROM [curfew-service]; CREATE ROLE [orders writer]');
    const lacks = await t.provider.preflight(t.on('orders writer'));
    expect(lacks.map(({ statement }) => statement)).toEqual([
      'GRANT KILL DATABASE CONNECTION TO [curfew-service];',
      'GRANT ALTER ON ROLE::[orders writer] TO [curfew-service];',
    ]);
    for (const { statement } of lacks) await run(t.administrator, statement);
    expect(await t.provider.preflight(t.on('orders writer'))).toEqual([]);
  });

  test('stops at a user of that name who is somebody else, and at a service that is db_owner', async () => {
    await using t = await bareShop();
    await t.onboard();
    const another = 'a0000000-0000-4000-8000-00000000000f';
    await expect(t.onboard({ ...curfew, clientId: another })).rejects.toMatchObject({ number: 50001 });
    await run(t.administrator, 'ALTER ROLE [db_owner] ADD MEMBER [curfew-service]');
    await expect(t.onboard()).rejects.toMatchObject({ number: 50002 });
  });

  test.each(['a]b', "a'b", '$(Sid)', ''])('takes no name like %j, which would not stay a name', (user) => {
    expect(() => onboarding({ ...curfew, user })).toThrow('is not a name');
  });
});
