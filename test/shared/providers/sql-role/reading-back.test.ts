import { expect, test, vi } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import type { Instant } from '../../../../shared/domain/time.ts';
import type { Database } from '../../../../shared/providers/sql-role/database.ts';
import type { SqlRoleEntitlement } from '../../../../shared/providers/sql-role/entitlement.ts';
import { createSqlRoleProvider } from '../../../../shared/providers/sql-role/provider.ts';
import { scriptedDatabase } from './scripted-database.ts';

// A target that carries a change out and then doesn't show it can't be had from a server, so here the connections are a script.
const script = vi.hoisted(() => ({ database: undefined as Database | undefined }));
vi.mock('../../../../shared/providers/sql-role/pools.ts', () => ({
  keyOf: JSON.stringify,
  Pools: class {
    open = () => Promise.resolve({});
  },
}));
vi.mock('../../../../shared/providers/sql-role/database.ts', async (original) => ({
  ...(await original<object>()),
  onPool: () => script.database,
  inLockedTransaction: (...given: unknown[]) => (given.at(-1) as (on: unknown) => unknown)(script.database),
}));

const now = '2026-11-21T09:00:00.000Z' as Instant;
const provider = createSqlRoleProvider({
  credential: { getToken: () => Promise.resolve(null) },
  clock: { now: () => now, sleepUntil: () => Promise.resolve() },
});
const entitlement: SqlRoleEntitlement = { kind: 'sql-role', server: 's', port: 1433, database: 'd', role: 'reader' };
const maria = {
  principalId: '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId,
  userPrincipalName: 'maria@contoso.example',
};
/** That nothing is lacking. */
const rights = ['ALTER ANY USER', 'KILL DATABASE CONNECTION', 'VIEW DATABASE STATE', 'VIEW DEFINITION', 'alters'];
const has = Object.fromEntries(rights.map((right) => [right, 1]));
const ready = [[{ me: 'curfew', owner: 0, ...has, roles: 1, fixed: 0, everybody: 0 }]];
const user = [[{ name: 'maria', principal_id: 7 }]];
const held = { held: 1, at: new Date(now), sees: 1 };
const notHeld = { ...held, held: 0 };

test.each([
  ['a grant that the target does not show afterwards', notHeld, 'CURFEW_TARGET_NOT_VERIFIED'],
  ['a grant that it shows', held, undefined],
])('%s', async (_title, shown, code) => {
  script.database = scriptedDatabase(ready, user, [[notHeld]], [], [[shown]]);
  const outcome = provider.grant(entitlement, maria).catch((error: unknown) => error);
  expect(await outcome).toEqual(code ? expect.objectContaining({ code }) : 'granted');
});

test.each([
  ['a drop after which the target still shows the membership', held, 'CURFEW_TARGET_NOT_VERIFIED'],
  ['a drop after which it does not', notHeld, undefined],
])('%s', async (_title, shown, code) => {
  script.database = scriptedDatabase(user, [[held], [notHeld]], [[shown]]);
  const drop = provider.revoke(entitlement, maria, now).catch((error: unknown) => error);
  expect(await drop).toEqual(code ? expect.objectContaining({ code }) : { outcome: 'revoked', droppedAt: now });
});
