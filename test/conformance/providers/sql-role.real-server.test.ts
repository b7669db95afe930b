import { randomUUID } from 'node:crypto';
import { DefaultAzureCredential } from '@azure/identity';
import mssql from 'mssql';
import { describe, test } from 'vitest';
import { instantOf } from '../../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../../shared/providers/sql-role/entitlement.ts';
import { createSqlRoleProvider } from '../../../shared/providers/sql-role/provider.ts';
import type { Fixture } from './fixture.ts';
import { HandClock } from './hand-clock.ts';
import { closedPort } from './ports.ts';
import { SqlTarget } from './sql-target.ts';
import { describeProvider } from './suite.ts';

const { CURFEW_TEST_SQL_SERVER: server, CURFEW_TEST_SQL_DATABASE: database } = process.env;

/**
 * Whoever DefaultAzureCredential stands for is provider and administrator in one here, and has to be able to make roles and
 * users. It can't log in as other people, so nothing about sessions is tried.
 */
async function open(server: string, database: string): Promise<Fixture<SqlRoleEntitlement>> {
  const credential = new DefaultAzureCredential();
  const target = new SqlTarget((name) =>
    new mssql.ConnectionPool({
      server,
      database: name,
      authentication: { type: 'token-credential', options: { credential } },
      options: { encrypt: true },
    }).connect(),
  );
  const run = randomUUID().slice(0, 8);
  const role = (name: string): SqlRoleEntitlement => ({
    kind: 'sql-role',
    server,
    port: 1433,
    database,
    role: `curfew test ${run} ${name}`,
  });
  const entitlement = role('reader');
  const other = role('writer');
  await target.createRole(entitlement);
  await target.createRole(other);
  const clock = new HandClock(instantOf(Date.now()));
  const provider = createSqlRoleProvider({ credential, clock });
  return {
    provider,
    clock,
    entitlement,
    other,
    absent: role('absent'),
    almighty: { ...entitlement, role: 'db_owner' },
    down: { ...entitlement, server: 'localhost', port: await closedPort() },
    administrator: target,
    newcomer: (name) => target.newcomer(name),
    async close() {
      await provider.close();
      await target.dropMembers(other);
      await target.dropMembers(entitlement);
      await target.dropRole(other);
      await target.dropRole(entitlement);
      await target.close([entitlement]);
    },
  };
}

if (server && database) {
  describeProvider(`sql-role on ${server}`, () => open(server, database), { sessions: false, leastPrivilege: false });
} else {
  describe('sql-role on a real server', () => {
    test.skip('needs CURFEW_TEST_SQL_SERVER and CURFEW_TEST_SQL_DATABASE', () => undefined);
  });
}
