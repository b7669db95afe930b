import tls from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import { offboarding, onboarding } from '../../infra/targets/onboarding.ts';
import { instantOf } from '../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../shared/providers/sql-role/entitlement.ts';
import { createSqlRoleProvider } from '../../shared/providers/sql-role/provider.ts';
import { HandClock } from '../conformance/providers/hand-clock.ts';
import { ADMINISTRATOR, run, SERVICE, stand } from '../contract/sql-server/support.ts';

const seed = 'CREATE TABLE dbo.orders (id int NOT NULL PRIMARY KEY);';
export const curfew = { user: 'curfew-service', clientId: SERVICE.clientId, roles: ['orders_reader', 'orders writer'] };

/** A server whose databases nobody has onboarded, and what a service with Curfew's identity can do with them. */
export async function bareShop(databases: readonly string[] = ['orders']) {
  const s = await stand({ databases: databases.map((name) => ({ name, seed })) });
  tls.setDefaultCACertificates([s.ca]);
  const administrator = await s.as(ADMINISTRATOR);
  const credential: TokenCredential = {
    getToken: async () => ({ token: JSON.stringify(SERVICE), expiresOnTimestamp: Date.now() + 3_600_000 }),
  };
  const provider = createSqlRoleProvider({ credential, clock: new HandClock(instantOf(Date.now())) });
  const on = (role: string, database = 'orders'): SqlRoleEntitlement => {
    return { kind: 'sql-role', server: 'localhost', port: s.server.port, database, role };
  };
  const runIn = async (database: string, batches: readonly string[]) => {
    const pool = database === 'orders' ? administrator : await s.as(ADMINISTRATOR, database);
    for (const batch of batches) await run(pool, batch);
  };
  return {
    ...{ s, administrator, provider, on, runIn },
    onboard: (what: typeof curfew & { reads?: string } = curfew, database = 'orders') =>
      runIn(database, onboarding(what)),
    offboard: (what: { user: string; clientId: string } = curfew) => runIn('orders', offboarding(what)),
    [Symbol.asyncDispose]: async () => {
      await provider.close();
      await s[Symbol.asyncDispose]();
    },
  };
}
