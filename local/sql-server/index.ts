import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createSecureContext } from 'node:tls';
import type { AuditEntry } from './audit.ts';
import { Authenticator, type Person } from './authentication.ts';
import { Connection } from './connection.ts';
import { Database } from './database.ts';
import { seed } from './seed.ts';
import { SessionRegistry } from './session-registry.ts';

export type { AuditEntry } from './audit.ts';
export { guidToBytes } from './guid.ts';

export interface SqlServerOptions {
  /** 0 takes any free one. Only 127.0.0.1 is listened on. */
  port: number;
  /** A folder for SQLite files, or ':memory:' for one that goes when the server is closed. */
  dataPath: string;
  /** PEM, for localhost. */
  tls: { key: string; cert: string };
  /** `seed` is T-SQL in batches separated by GO, run as dbo when there is no such database yet. */
  databases: { name: string; seed: string }[];
  /** People who may also log in by name and password, as the same person as with their token. */
  logins: { name: string; password: string; objectId: string }[];
  /** Throws when the token is bad. An application's SID is made of its client id, a person's of the object id. */
  authenticateToken: (accessToken: string) => Promise<Person>;
  /** Where clients are told to get their token. */
  tokenAuthority: string;
  /** Epoch ms, with a fraction if there is one. */
  now?: () => number;
  /** Object id or client id of whoever is dbo in every database. */
  administrator?: string;
}

export interface SqlServer {
  port: number;
  close(): Promise<void>;
  audit(database: string): AuditEntry[];
  /** Ends its sessions, and is gone with all that is in it. There is no DROP DATABASE in T-SQL here. */
  drop(database: string): void;
}

const preciseNow = () => performance.timeOrigin + performance.now();

/** Azure SQL Database on a laptop: TDS 7.4 over TLS, on SQLite. See README.md for what it covers and what it refuses. */
export async function startSqlServer(options: SqlServerOptions): Promise<SqlServer> {
  const temporary = options.dataPath === ':memory:';
  const folder = temporary ? mkdtempSync(join(tmpdir(), 'sql-server-')) : options.dataPath;
  mkdirSync(folder, { recursive: true });
  const registry = new SessionRegistry();
  // Statements that were under way still hold them.
  const dropped: Database[] = [];
  for (const [i, { name, seed: script }] of options.databases.entries()) {
    const database = new Database(name, i + 5, folder, options.now ?? preciseNow);
    registry.databases.push(database);
    await seed(registry, database, script);
  }
  const { authenticateToken, logins, administrator } = options;
  const context = {
    serverName: 'localhost',
    // TLS inside TDS can't be 1.3, whose handshake goes on after the first data.
    secureContext: createSecureContext({ ...options.tls, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
    authenticator: new Authenticator({ authenticateToken, logins, administrator, registry }),
    tokenAuthority: options.tokenAuthority,
  };
  const connections = new Set<Connection>();
  const server = createServer((socket) => {
    const connection = new Connection(socket, context);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    audit: (name) => registry.databases.find((database) => database.name === name)?.audit() ?? [],
    drop: (name) => {
      const found = registry.databases.find((database) => database.name === name);
      if (!found) throw new TypeError(`there is no database ${name}`);
      registry.databases.splice(registry.databases.indexOf(found), 1);
      registry.killAll(found);
      found.delete();
      dropped.push(found);
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.close();
      await closed;
      for (const database of [...registry.databases, ...dropped]) database.close();
      if (temporary) rmSync(folder, { recursive: true, force: true });
    },
  };
}
