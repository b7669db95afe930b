import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sql from 'mssql';
import { generate } from 'selfsigned';
import { sampleDatabase } from '../../../local/sample/database.ts';
import { guidToBytes, type SqlServer, type SqlServerOptions, startSqlServer } from '../../../local/sql-server/index.ts';

export const SAMPLE = sampleDatabase();

export const ADA = { objectId: 'a0000000-0000-4000-8000-000000000001', name: 'ada@contoso.example' };
export const FIONN = { objectId: 'a0000000-0000-4000-8000-000000000004', name: 'fionn@contoso.example' };
export const SERVICE = {
  objectId: 'd0000000-0000-4000-8000-000000000002',
  clientId: 'c0000000-0000-4000-8000-000000000002',
  name: 'curfew-service',
};
export const ADMINISTRATOR = { objectId: 'a0000000-0000-4000-8000-000000000003', name: 'carla@contoso.example' };
export type Person = typeof ADA & { clientId?: string };

export const ADA_SID = `0x${guidToBytes(ADA.objectId).toString('hex')}`;
export const FIONN_SID = `0x${guidToBytes(FIONN.objectId).toString('hex')}`;
export const quoted = (name: string) => `[${name.replaceAll(']', ']]')}]`;

let pems: { key: string; cert: string } | undefined;

/** A certificate for localhost; making one takes a while, so each process makes one. */
export async function certificate() {
  if (pems) return pems;
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  pems = { key: made.private, cert: made.cert };
  return pems;
}

export interface Stand {
  server: SqlServer;
  ca: string;
  as(person: Person, database?: string): Promise<sql.ConnectionPool>;
  withPassword(user: string, password: string, database?: string): Promise<sql.ConnectionPool>;
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server on a folder of its own, and pools of one connection to it, all closed at the end. */
export async function stand(options: Partial<SqlServerOptions> = {}): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'sql-server-test-'));
  const tls = await certificate();
  const start = () =>
    startSqlServer({
      port: 0,
      dataPath: folder,
      tls,
      databases: [{ name: 'orders', seed: SAMPLE }],
      logins: [{ name: ADA.name, password: 'ada-on-a-laptop', objectId: ADA.objectId }],
      authenticateToken: async (token) => JSON.parse(token) as Person,
      tokenAuthority: 'https://login.example/tenant',
      administrator: ADMINISTRATOR.objectId,
      ...options,
    });
  let server = await start();
  const pools: sql.ConnectionPool[] = [];
  const connect = async (config: Partial<sql.config>, database = 'orders') => {
    const pool = new sql.ConnectionPool({
      server: 'localhost',
      port: server.port,
      database,
      options: { encrypt: true, cryptoCredentialsDetails: { ca: tls.cert } },
      pool: { max: 1, min: 0 },
      ...config,
    });
    // A killed session is an error of its pool as well.
    pool.on('error', () => {});
    pools.push(pool);
    return pool.connect();
  };
  const closeAll = async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
    await server.close();
  };
  return {
    get server() {
      return server;
    },
    ca: tls.cert,
    as: (person, database) => connect({ authentication: tokenLogin(JSON.stringify(person)) }, database),
    withPassword: (user, password, database) => connect({ user, password }, database),
    restart: async () => {
      await closeAll();
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await closeAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const tokenLogin = (token: string): NonNullable<sql.config['authentication']> => ({
  type: 'azure-active-directory-access-token',
  options: { token },
});

export const run = async (pool: sql.ConnectionPool, text: string) => (await pool.request().batch(text)).recordset;

/** The number of the error that the text gives; 0 when it gives none. */
export async function errorOf(pool: sql.ConnectionPool, text: string): Promise<number> {
  try {
    await pool.request().batch(text);
    return 0;
  } catch (error) {
    return error instanceof sql.RequestError ? (error.number ?? -1) : -1;
  }
}

export const sessionId = async (pool: sql.ConnectionPool) => Number((await run(pool, 'SELECT @@SPID AS id'))[0].id);
