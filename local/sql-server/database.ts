import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Audit, type AuditEntry } from './audit.ts';
import { createCatalog, SESSIONS } from './catalog-schema.ts';
import { Locks } from './locks.ts';
import type { Session } from './session.ts';
import { literal, Sqlite } from './sqlite.ts';
import { registerFunctions } from './sqlite-functions.ts';
import { datetimeText, epochText } from './tds/date-text.ts';

/** The two files that transactions write: the user's tables, and the catalog. Nothing that a user locks holds up the catalog. */
export type Store = 'data' | 'catalog';

export interface Access {
  action: number;
  file: string;
  table: string;
}

/**
 * One database: three SQLite files (data, catalog, audit). Each of the first two has one connection that writes, given by a lock
 * to one session at a time, and all who only read share another. Readers see what is committed and wait for nobody.
 */
export class Database {
  readonly name: string;
  readonly id: number;
  readonly locks = new Locks<Session>();
  /** Reads both files as they are committed. */
  readonly reader: Sqlite;
  readonly data: Sqlite;
  readonly catalog: Sqlite;
  readonly #audit: Audit;
  readonly #auditFile: Sqlite;
  readonly now: () => number;
  readonly #files: readonly string[];
  /** Grows with every commit to the catalog: what was read of it before is stale. */
  version = 0;
  /** Grows with every change of tables. */
  shape = 0;
  /** Who is asking; the functions that SQLite calls look here. Set right before each statement runs. */
  caller: Session | undefined;
  /** Filled by SQLite while it compiles a statement. */
  accesses: Access[] | undefined;

  constructor(name: string, id: number, folder: string, now: () => number) {
    this.name = name;
    this.id = id;
    this.now = now;
    const file = (part: string) => join(folder, `${encodeURIComponent(name.toLowerCase())}.${part}.sqlite`);
    this.#files = ['data', 'catalog', 'audit'].map(file);
    this.catalog = this.#open(':memory:', { sys: file('catalog') });
    createCatalog(this.catalog, datetimeText(now()));
    this.#auditFile = this.#open(':memory:', { standin: file('audit') });
    // Survives the death of the process all the same; only a power cut could cost the last entries.
    this.#auditFile.exec('PRAGMA standin.synchronous = NORMAL');
    this.#audit = new Audit(this.#auditFile);
    this.data = this.#open(file('data'), { sys: file('catalog'), standin: file('audit') });
    this.reader = this.#open(file('data'), { sys: file('catalog'), standin: file('audit') });
  }

  #open(path: string, attached: Record<string, string>): Sqlite {
    const sqlite = new Sqlite(path);
    for (const [schema, file] of Object.entries(attached)) sqlite.exec(`ATTACH ${literal(file)} AS ${schema}`);
    for (const schema of ['main', ...Object.keys(attached)]) {
      sqlite.exec(`PRAGMA ${schema}.journal_mode = WAL; PRAGMA ${schema}.synchronous = FULL`);
    }
    registerFunctions(sqlite.raw, this);
    sqlite.exec(`PRAGMA temp_store = MEMORY; ${SESSIONS}`);
    sqlite.raw.setAuthorizer((action, table, _column, file) => {
      if (table !== null && file !== null) this.accesses?.push({ action, file, table });
      return 0;
    });
    return sqlite;
  }

  writer(store: Store): Sqlite {
    return store === 'data' ? this.data : this.catalog;
  }

  /** Lists a session in sys.dm_exec_sessions of every connection. */
  sessionOpened({ id, login, loginTime }: Session) {
    for (const sqlite of [this.reader, this.data, this.catalog]) {
      sqlite.run(
        'INSERT INTO temp.session VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[
          BigInt(id),
          datetimeText(loginTime),
          login.sid,
          login.name,
          login.hostName,
          login.programName,
          login.libraryName,
        ],
      );
    }
  }

  sessionEnded({ id }: Session) {
    for (const sqlite of [this.reader, this.data, this.catalog]) {
      sqlite.run('DELETE FROM temp.session WHERE session_id = ?', BigInt(id));
    }
  }

  record(entry: Omit<AuditEntry, 'at'> & { at?: number }) {
    const at = entry.at ?? this.now();
    this.#audit.record({ ...entry, at }, epochText(at));
  }

  /** As one piece of work for the disk. */
  recordAll(entries: readonly AuditEntry[]) {
    this.#auditFile.together(() => {
      for (const entry of entries) this.record(entry);
    });
  }

  audit(): AuditEntry[] {
    return this.#audit.entries();
  }

  /** Seeding is one piece of work: until it is marked done, a start begins again. */
  get seeded(): boolean {
    return this.catalog.get("SELECT 1 AS one FROM sys.meta WHERE key = 'seeded'") !== undefined;
  }

  /** The files go at once, and what still has them open sees no others. */
  delete() {
    for (const file of this.#files) for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  }

  close() {
    for (const sqlite of [this.reader, this.data, this.catalog, this.#auditFile]) sqlite.close();
  }
}
