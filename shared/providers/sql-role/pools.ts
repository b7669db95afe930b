import type { TokenCredential } from '@azure/identity';
import mssql from 'mssql';
import type { Place } from './entitlement.ts';
import { LoginRefused } from './errors.ts';

/** One pool of connections to each database, opened when first wanted and logged in with an Entra token. */
export class Pools {
  readonly #credential: TokenCredential;
  readonly #pools = new Map<string, Promise<mssql.ConnectionPool>>();

  constructor(credential: TokenCredential) {
    this.#credential = credential;
  }

  /** Fails if not even one connection can be made; the next call tries anew. */
  open(place: Place): Promise<mssql.ConnectionPool> {
    const key = keyOf(place);
    const standing = this.#pools.get(key);
    if (standing) return standing;
    const opening = connect(place, this.#credential);
    this.#pools.set(key, opening);
    opening.catch(() => this.#forget(key, opening));
    return opening;
  }

  /** Lets go of a pool that can't be trusted any more. The next call opens another. */
  async discard(place: Place, pool: mssql.ConnectionPool): Promise<void> {
    const key = keyOf(place);
    const standing = this.#pools.get(key);
    // Somebody else may have put a new one in its place already.
    if (!standing || (await standing.catch(() => undefined)) !== pool) return;
    this.#forget(key, standing);
    void closeQuietly(standing);
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(closeQuietly));
  }

  #forget(key: string, pool: Promise<mssql.ConnectionPool>): void {
    if (this.#pools.get(key) === pool) this.#pools.delete(key);
  }
}

/** Names the database. */
export const keyOf = ({ server, port, database }: Place) => JSON.stringify([server.toLowerCase(), port, database]);

function connect({ server, port, database }: Place, credential: TokenCredential): Promise<mssql.ConnectionPool> {
  let reason: number | undefined;
  const pool = new mssql.ConnectionPool({
    server,
    port,
    database,
    authentication: { type: 'token-credential', options: { credential } },
    connectionTimeout: 5_000,
    requestTimeout: 10_000,
    // A SELECT 1 before every use would stand between a deadline and its drop; the state of the socket must do.
    validateConnection: 'socket',
    // Where there are two, the first says why, and the second that this is the end.
    beforeConnect: (connection) => {
      connection.on('errorMessage', ({ number }) => {
        reason ??= number;
      });
    },
    // Connections opened ahead of a deadline are to be there still when it comes.
    pool: { min: 0, max: 10, idleTimeoutMillis: 300_000, acquireTimeoutMillis: 30_000 },
    options: {
      encrypt: true,
      trustServerCertificate: false,
      appName: 'Curfew',
      // Curfew tries again by itself, and says so in the events.
      maxRetriesOnTransientErrors: 0,
    },
  });
  // What goes wrong comes to the caller as well; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool.connect().catch((error: unknown) => {
    throw reason === undefined ? error : new LoginRefused(reason);
  });
}

async function closeQuietly(opening: Promise<mssql.ConnectionPool>): Promise<void> {
  try {
    await (await opening).close();
  } catch {
    // It never opened, or is closed.
  }
}
