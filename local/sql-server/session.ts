import { randomBytes } from 'node:crypto';
import type { AuditEntry } from './audit.ts';
import { principalById } from './catalog.ts';
import type { Database, Store } from './database.ts';
import { type Rights, readRights } from './permissions.ts';
import { SqlError } from './server-error.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { Sqlite } from './sqlite.ts';
import type { Statement } from './tsql/statement.ts';

export interface Login {
  name: string;
  sid: Uint8Array;
  hostName: string;
  programName: string;
  libraryName: string;
}

interface Transaction {
  descriptor: Buffer;
  depth: number;
  writes: Set<Store>;
  /** Entries of changes that bite when the transaction is committed. */
  pending: Omit<AuditEntry, 'at'>[];
}

export interface PreparedHandle {
  statements: Statement[];
  /** Of the parameters, with their @, in order. */
  names: string[];
}

export type Change = Pick<AuditEntry, 'action' | 'object' | 'member'>;

/** What a change of the catalog gives that leaves the session's own rights as they were. */
export const OF_OTHERS = Symbol('of others');

/** One connection to one database: who it is, its transaction, and its settings. */
export class Session {
  readonly id: number;
  readonly database: Database;
  readonly registry: SessionRegistry;
  readonly login: Login;
  readonly principalId: number;
  readonly loginTime: number;
  /** Ends the connection at once; the statement that runs fails with 596. */
  kill: () => void = () => {};
  running = false;
  lastRequest: number;
  transaction: Transaction | undefined;
  xactAbort = false;
  noCount = false;
  /** Takes the locks for writing when a transaction begins, so that what it reads stays as it is. */
  strict = false;
  lockTimeout: number | undefined;
  identityInsert: string | undefined;
  rowCount = 0;
  error = 0;
  /** The error that a CATCH block handles. */
  caught: SqlError | undefined;
  identity: bigint | null = null;
  readonly prepared = new Map<number, PreparedHandle>();
  #rights: { version: number; own: boolean; rights: Rights } | undefined;

  constructor(id: number, registry: SessionRegistry, database: Database, login: Login, principalId: number) {
    this.id = id;
    this.registry = registry;
    this.database = database;
    this.login = login;
    this.principalId = principalId;
    this.loginTime = database.now();
    this.lastRequest = this.loginTime;
  }

  /** The catalog as this session sees it: with its own uncommitted changes. */
  get catalog(): Sqlite {
    return this.transaction?.writes.has('catalog') ? this.database.catalog : this.database.reader;
  }

  rights(): Rights {
    const { version } = this.database;
    const own = this.transaction?.writes.has('catalog') === true;
    if (this.#rights?.version === version && this.#rights.own === own) return this.#rights.rights;
    if (!principalById(this.catalog, this.principalId)) {
      throw new SqlError(
        916,
        `The server principal "${this.login.name}" is not able to access the database "${this.database.name}" under the current security context.`,
        14,
      );
    }
    const rights = readRights(this.catalog, this.principalId);
    this.#rights = { version, own, rights };
    return rights;
  }

  async begin(signal: AbortSignal | undefined) {
    if (this.transaction) {
      this.transaction.depth++;
      return;
    }
    this.transaction = { descriptor: randomBytes(8), depth: 1, writes: new Set(), pending: [] };
    if (!this.strict) return;
    try {
      await this.#startWriting('catalog', signal);
      await this.#startWriting('data', signal);
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** True when this ended the transaction, and not just an inner one. */
  commit(): boolean {
    const { transaction } = this;
    if (!transaction) {
      throw new SqlError(3902, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.');
    }
    transaction.depth--;
    if (transaction.depth > 0) return false;
    // A crash between the two leaves the data without its entry in the catalog; nothing shows then, and no access is given.
    for (const store of ['data', 'catalog'] as const) {
      if (transaction.writes.has(store)) this.database.writer(store).exec('COMMIT');
    }
    this.#ended(transaction.writes);
    const at = this.database.now();
    this.database.recordAll(transaction.pending.map((entry) => ({ ...entry, at })));
    this.database.locks.releaseAll(this, 'transaction');
    return true;
  }

  rollback() {
    const { transaction } = this;
    if (!transaction) {
      throw new SqlError(3903, 'The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.');
    }
    for (const store of transaction.writes) this.database.writer(store).exec('ROLLBACK');
    this.#ended(transaction.writes);
    this.database.locks.releaseAll(this, 'transaction');
  }

  #ended(writes: ReadonlySet<Store>) {
    this.transaction = undefined;
    this.#rights = undefined;
    if (writes.has('catalog')) this.database.version++;
    if (writes.has('data')) this.database.shape++;
  }

  /** Runs a change, alone or within the transaction, and writes it into the audit when it bites. */
  async write<T>(store: Store, signal: AbortSignal | undefined, change: Change | undefined, action: (on: Sqlite) => T) {
    const entry = change && { ...change, sessionId: this.id, principal: this.login.name, succeeded: true };
    const on = this.database.writer(store);
    if (this.transaction) {
      await this.#startWriting(store, signal);
      on.run('SAVEPOINT statement');
      try {
        this.database.caller = this;
        const result = action(on);
        on.run('RELEASE statement');
        if (result !== OF_OTHERS) this.#rights = undefined;
        if (entry) this.transaction.pending.push(entry);
        return result;
      } catch (error) {
        on.exec('ROLLBACK TO statement; RELEASE statement');
        this.#rights = undefined;
        throw error;
      }
    }
    await this.#lock(store, signal);
    try {
      this.database.caller = this;
      on.exec('BEGIN');
      const result = action(on);
      on.exec('COMMIT');
      if (store === 'catalog') this.database.version++;
      if (entry) this.database.record(entry);
      return result;
    } catch (error) {
      if (on.raw.isTransaction) on.exec('ROLLBACK');
      throw error;
    } finally {
      this.database.locks.release(this, store, 'transaction');
    }
  }

  async #startWriting(store: Store, signal: AbortSignal | undefined) {
    if (this.transaction?.writes.has(store)) return;
    await this.#lock(store, signal);
    this.database.writer(store).exec('BEGIN');
    this.transaction?.writes.add(store);
  }

  async #lock(store: Store, signal: AbortSignal | undefined) {
    const asked = this.database.locks.acquire(this, store, 'exclusive', 'transaction', this.lockTimeout, signal);
    const outcome = typeof asked === 'string' ? asked : await asked;
    if (outcome === 'timeout') throw new SqlError(1222, 'Lock request time out period exceeded.');
    if (outcome === 'deadlock') {
      throw new SqlError(
        1205,
        `Transaction (Process ID ${this.id}) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.`,
        13,
      );
    }
    if (outcome === 'cancelled') throw signal?.reason;
    if (!signal?.aborted) return;
    // The lock came just as the session was ended: it must not begin to write.
    this.database.locks.release(this, store, 'transaction');
    throw signal.reason;
  }

  /** As a pooled connection is handed on: nothing of the last user remains but the login. */
  reset() {
    if (this.transaction) this.rollback();
    this.database.locks.releaseAll(this);
    this.xactAbort = false;
    this.noCount = false;
    this.strict = false;
    this.lockTimeout = undefined;
    this.identityInsert = undefined;
    this.prepared.clear();
  }

  end() {
    if (this.transaction) this.rollback();
    this.database.locks.releaseAll(this);
    this.registry.remove(this);
    this.database.record({ sessionId: this.id, principal: this.login.name, action: 'SESSION ENDED', succeeded: true });
  }
}
