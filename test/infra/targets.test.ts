import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { onboarding } from '../../infra/targets/onboarding.ts';
import { instantOf } from '../../shared/domain/time.ts';
import { ADA, errorOf, run, SERVICE } from '../contract/sql-server/support.ts';
import { ada } from '../support/samples.ts';
import { bareShop, curfew } from './shop.ts';

const ready = { user: curfew.user, isOwner: false, lacks: [] };

const held = `SELECT u.name, p.permission_name, r.name AS role FROM sys.database_permissions AS p
  JOIN sys.database_principals AS u ON u.principal_id = p.grantee_principal_id
  LEFT JOIN sys.database_principals AS r ON p.class = 4 AND r.principal_id = p.major_id
  WHERE u.name = N'curfew-service' ORDER BY p.permission_name, r.name`;

describe('onboarding a database', () => {
  test('gives the service what its preflight asks for', async () => {
    await using t = await bareShop();
    await t.onboard();
    for (const role of curfew.roles) expect(await t.provider.preflight(t.on(role))).toEqual(ready);
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
    expect(await t.provider.endSessions(reader, ada)).toBe(1);
    expect(await t.provider.holders(reader)).toEqual([]);
  });

  test('done by halves is found out, with the statement that does the other half', async () => {
    await using t = await bareShop();
    await t.onboard({ ...curfew, roles: ['orders_reader'] });
    await run(t.administrator, 'REVOKE KILL DATABASE CONNECTION FROM [curfew-service]; CREATE ROLE [orders writer]');
    const statements = [
      'GRANT KILL DATABASE CONNECTION TO [curfew-service];',
      'GRANT ALTER ON ROLE::[orders writer] TO [curfew-service];',
    ];
    const lacks = statements.map((statement) => ({ missing: expect.any(String), statement }));
    expect(await t.provider.preflight(t.on('orders writer'))).toEqual({ ...ready, lacks });
    for (const statement of statements) await run(t.administrator, statement);
    expect(await t.provider.preflight(t.on('orders writer'))).toEqual(ready);
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

describe('docs/onboarding.md', () => {
  const page = readFileSync('docs/onboarding.md', 'utf8');

  test('names the rights that the statements give, and no others', () => {
    const given = ['service.sql', 'role.sql'].flatMap((file) =>
      [...readFileSync(`infra/targets/${file}`, 'utf8').matchAll(/^GRANT ([A-Z ]+?)(?: ON ROLE::\S+)? TO/gm)].map(
        ([, right]) => right,
      ),
    );
    const named = [...page.matchAll(/^\| `([A-Z ]+)`/gm)].map(([, right]) => right);
    expect(named).toEqual(given);
  });

  test('has statements that run', async () => {
    await using t = await bareShop();
    await t.onboard();
    const statements = [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
    expect(statements).toHaveLength(2);
    await t.runIn('orders', statements);
    const found = await t.provider.preflight(t.on('curfew_db_datareader'));
    expect(found).toMatchObject({
      lacks: [{ statement: 'GRANT ALTER ON ROLE::[curfew_db_datareader] TO [curfew-service];' }],
    });
  });
});

describe('taking Curfew out of a database', () => {
  const rights = `SELECT COUNT(*) AS rights FROM sys.database_permissions AS p JOIN sys.database_principals AS u
    ON u.principal_id = p.grantee_principal_id WHERE u.name = N'curfew-service'`;

  test('leaves the roles and who is in them, and nothing of the service', async () => {
    await using t = await bareShop();
    await t.onboard();
    await run(t.administrator, 'CREATE USER [eve] WITHOUT LOGIN; ALTER ROLE [orders_reader] ADD MEMBER [eve]');
    // Twice is the same as once.
    for (const _ of [1, 2]) await t.offboard();
    expect(await t.provider.preflight(t.on('orders_reader'))).toEqual({ user: undefined });
    const members = `SELECT r.name AS role, u.name FROM sys.database_role_members AS m
      JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
      JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id`;
    expect(await run(t.administrator, members)).toEqual([{ role: 'orders_reader', name: 'eve' }]);
    await t.onboard();
    expect(await t.provider.preflight(t.on('orders_reader'))).toEqual(ready);
  });

  test('stops at somebody whom Curfew let in and who has it still', async () => {
    await using t = await bareShop();
    await t.onboard();
    const reader = t.on('orders_reader');
    await t.provider.grant(reader, ada);
    await expect(t.offboard()).rejects.toMatchObject({ number: 50003 });
    expect(await t.provider.preflight(reader)).toEqual(ready);
    await t.provider.revoke(reader, ada, instantOf(0));
    await t.provider.cleanUp(reader, ada);
    await t.offboard();
    expect(await t.provider.preflight(reader)).toEqual({ user: undefined });
  });

  test('leaves a user who owns something without any right, until somebody else owns it', async () => {
    await using t = await bareShop();
    await t.onboard({ ...curfew, roles: [] });
    await run(t.administrator, 'CREATE SCHEMA [attic] AUTHORIZATION [curfew-service]');
    await expect(t.offboard()).rejects.toMatchObject({ number: 15138 });
    expect(await run(t.administrator, rights)).toEqual([{ rights: 0 }]);
    await run(t.administrator, 'DROP SCHEMA [attic]');
    await t.offboard();
  });

  test.each([
    ['of that name is somebody else', { ...curfew, clientId: 'a0000000-0000-4000-8000-00000000000f' }],
    ['of that client id has another name', { ...curfew, user: 'somebody' }],
  ])('touches nothing where the user %s', async (_, other) => {
    await using t = await bareShop();
    await t.onboard();
    await expect(t.offboard(other)).rejects.toMatchObject({ number: 50001 });
    expect(await t.provider.preflight(t.on('orders_reader'))).toEqual(ready);
  });
});
