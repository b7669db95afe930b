import { DatabaseSync } from 'node:sqlite';

const schema = `
  CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), lsn INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO meta VALUES (1, 0);
  CREATE TABLE IF NOT EXISTS databases (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, etag TEXT NOT NULL, ts INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS containers (
    n INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL REFERENCES databases (n) ON DELETE CASCADE,
    id TEXT NOT NULL, etag TEXT NOT NULL, ts INTEGER NOT NULL, definition TEXT NOT NULL, UNIQUE (database, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS documents (
    n INTEGER PRIMARY KEY AUTOINCREMENT, container INTEGER NOT NULL REFERENCES containers (n) ON DELETE CASCADE,
    partition TEXT NOT NULL, id TEXT NOT NULL, lsn INTEGER NOT NULL, etag TEXT NOT NULL, ts INTEGER NOT NULL,
    ttl INTEGER, expires INTEGER, body TEXT NOT NULL, UNIQUE (container, partition, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS documents_born ON documents (container);
  CREATE INDEX IF NOT EXISTS documents_in_partition ON documents (container, partition);
  CREATE INDEX IF NOT EXISTS documents_changed ON documents (container, lsn);
  CREATE INDEX IF NOT EXISTS documents_expiring ON documents (expires) WHERE expires IS NOT NULL;
`;

type Row = Record<string, unknown>;
type Bind = null | number | string;

/**
 * One SQLite file and its group commit. Writes that arrive in one turn of the event loop share a transaction; nobody
 * is answered before `settled()`, so what was acknowledged, and what was read, is on disk (WAL, synchronous=FULL).
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  #lsn: number;
  #group: PromiseWithResolvers<void> | undefined;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    // Exclusive: two servers on one file would each miss the other's counter.
    this.#db.exec(
      'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON',
    );
    this.#db.exec(schema);
    this.#lsn = this.#savedLsn();
  }

  get lsn(): number {
    return this.#lsn;
  }

  nextLsn(): number {
    this.#lsn += 1;
    return this.#lsn;
  }

  one(sql: string, ...values: Bind[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  /** Not for interleaving: finish or leave one iteration before the same SQL runs again. */
  each(sql: string, ...values: Bind[]): Iterable<Row> {
    return this.#statement(sql).iterate(...values);
  }

  run(sql: string, ...values: Bind[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** The number SQLite gave the new row. */
  insert(sql: string, ...values: Bind[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid);
  }

  /** All of `work` or nothing of it; on disk when `settled()` resolves. */
  write<T>(work: () => T): T {
    if (this.#group === undefined) {
      this.#db.exec('BEGIN IMMEDIATE');
      this.#group = Promise.withResolvers();
      // A group that fails is reported to whoever awaits it; with nobody waiting it must not end the process.
      this.#group.promise.catch(() => {});
      setImmediate(() => this.#commit());
    }
    this.#db.exec('SAVEPOINT work');
    try {
      const result = work();
      this.#db.exec('RELEASE work');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK TO work; RELEASE work');
      throw error;
    }
  }

  /** Resolves when everything written so far is durable; rejects when it was lost. */
  async settled(): Promise<void> {
    await this.#group?.promise;
  }

  close(): void {
    this.#commit();
    this.#db.close();
  }

  #commit(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    try {
      this.run('UPDATE meta SET lsn = ?', this.#lsn);
      this.#db.exec('COMMIT');
      group.resolve();
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#lsn = this.#savedLsn();
      group.reject(error);
    }
  }

  #savedLsn = (): number => Number(this.one('SELECT lsn FROM meta')?.lsn);

  #statement(sql: string) {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}
