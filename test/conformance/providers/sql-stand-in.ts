import { randomUUID } from 'node:crypto';
import tls from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import mssql from 'mssql';
import { generate } from 'selfsigned';
import { startSqlServer } from '../../../local/sql-server/index.ts';
import { instantOf } from '../../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../../shared/providers/sql-role/entitlement.ts';
import { createSqlRoleProvider } from '../../../shared/providers/sql-role/provider.ts';
import type { Fixture } from './fixture.ts';
import { HandClock } from './hand-clock.ts';
import { closedPort } from './ports.ts';
import { type Connect, SqlTarget } from './sql-target.ts';

const administrator = randomUUID();
const curfew = randomUUID();

/** Curfew's identity has what DESIGN asks for in `sales`, and may do no more than log in to `bare`. */
const seeds = (sid: string) => ({
  sales: `CREATE USER [curfew app] WITH SID = ${sid}, TYPE = E;
    CREATE ROLE [sales reader]; CREATE ROLE [sales]] reporter]; CREATE ROLE locked;
    CREATE TABLE dbo.curfew_probe (id int NOT NULL PRIMARY KEY);
    GRANT SELECT ON dbo.curfew_probe TO [sales reader]; GRANT SELECT ON dbo.curfew_probe TO [sales]] reporter];
    GRANT ALTER ANY USER TO [curfew app]; GRANT KILL DATABASE CONNECTION TO [curfew app];
    GRANT VIEW DATABASE STATE TO [curfew app]; GRANT VIEW DEFINITION TO [curfew app];
    GRANT ALTER ON ROLE::[sales reader] TO [curfew app]; GRANT ALTER ON ROLE::[sales]] reporter] TO [curfew app];`,
  bare: `CREATE USER [curfew app] WITH SID = ${sid}, TYPE = E; CREATE ROLE reader;`,
});

export interface StandIn extends Fixture<SqlRoleEntitlement> {
  readonly provider: ReturnType<typeof createSqlRoleProvider>;
  readonly administrator: SqlTarget;
  /** A role that is there, and that Curfew may not alter. */
  readonly locked: SqlRoleEntitlement;
  /** How often Curfew has logged in. */
  logins(): number;
  /** Takes the lock of that name, as another instance of Curfew would. */
  holdLock(resource: string, owner: string): Promise<{ release(): Promise<void> }>;
  /** Changes users in a transaction, and doesn't end it. */
  holdChange(): Promise<{ release(): Promise<void> }>;
  /** Ends every connection, and listens no more. */
  stop(): Promise<void>;
  /** Listens again, on the same port and with the same data. */
  restart(): Promise<void>;
}

/** The token is the id of whoever it stands for: tokens are checked elsewhere. */
const credentialOf = (id: string, asked: () => void = () => undefined): TokenCredential => ({
  getToken: () => {
    asked();
    return Promise.resolve({ token: id, expiresOnTimestamp: Date.now() + 3_600_000 });
  },
});

/** `sql-role` and the SQL server of `local/`, with the driver and TLS between them as in Azure. */
export async function openStandIn(dataPath = ':memory:'): Promise<StandIn> {
  const certificate = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  tls.setDefaultCACertificates([certificate.cert]);
  let tokens = 0;
  const seed = seeds(`0x${sidHex(curfew)}`);
  const start = (port: number) =>
    startSqlServer({
      port,
      dataPath,
      tls: { key: certificate.private, cert: certificate.cert },
      databases: Object.entries(seed).map(([name, text]) => ({ name, seed: text })),
      logins: [],
      authenticateToken: (token) => Promise.resolve({ objectId: token, name: token }),
      tokenAuthority: 'https://login.example',
      administrator,
    });
  let server = await start(0);
  const { port } = server;
  const connectAs =
    (id: string, max: number): Connect =>
    (database) =>
      new mssql.ConnectionPool({
        server: 'localhost',
        port,
        database,
        authentication: { type: 'token-credential', options: { credential: credentialOf(id) } },
        requestTimeout: 60_000,
        pool: { max },
        options: { encrypt: true },
      }).connect();

  const clock = new HandClock(instantOf(Date.now()));
  const provider = createSqlRoleProvider({
    credential: credentialOf(curfew, () => {
      tokens++;
    }),
    clock,
  });
  const target = new SqlTarget(connectAs(administrator, 2));
  const entitlement: SqlRoleEntitlement = {
    kind: 'sql-role',
    server: 'localhost',
    port,
    database: 'sales',
    role: 'sales reader',
  };
  return {
    provider,
    clock,
    entitlement,
    other: { ...entitlement, role: 'sales] reporter' },
    locked: { ...entitlement, role: 'locked' },
    absent: { ...entitlement, role: 'no such role' },
    almighty: { ...entitlement, role: 'db_owner' },
    down: { ...entitlement, port: await closedPort() },
    unprepared: { ...entitlement, database: 'bare', role: 'reader' },
    administrator: target,
    newcomer: (name) => target.newcomer(name),
    signIn: (person, place) => target.openSession(connectAs(person.principalId, 1), place, person),
    logins: () => tokens,
    holdLock: async (resource, owner) => {
      const pool = await connectAs(administrator, 1)('sales');
      const transaction = new mssql.Transaction(pool);
      await transaction.begin();
      const request = transaction.request().input('Resource', resource).input('LockMode', 'Exclusive');
      await request.input('LockOwner', 'Transaction').input('DbPrincipal', owner).execute('sp_getapplock');
      return {
        release: async () => {
          await transaction.rollback();
          await pool.close();
        },
      };
    },
    holdChange: async () => {
      const pool = await connectAs(administrator, 1)('sales');
      const transaction = new mssql.Transaction(pool);
      await transaction.begin();
      await transaction.request().batch('CREATE ROLE passing');
      return {
        release: async () => {
          await transaction.rollback();
          await pool.close();
        },
      };
    },
    stop: () => server.close(),
    restart: async () => {
      server = await start(port);
    },
    async close() {
      await provider.close();
      await target.close([]);
      await server.close();
    },
  };
}

/** A uniqueidentifier's bytes. */
function sidHex(guid: string): string {
  const [a = '', b = '', c = '', ...rest] = guid.split('-');
  return [...[a, b, c].map((group) => Buffer.from(group, 'hex').reverse().toString('hex')), ...rest].join('');
}
