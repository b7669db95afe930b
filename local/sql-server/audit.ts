import type { Sqlite } from './sqlite.ts';

export interface AuditEntry {
  /** Epoch ms, with a fraction. For a change: the instant at which it was committed, and so bit. */
  at: number;
  sessionId: number;
  principal: string;
  action: string;
  object?: string;
  member?: string;
  succeeded: boolean;
  error?: number;
}

const TABLE = `CREATE TABLE IF NOT EXISTS standin.audit (
  id INTEGER PRIMARY KEY, at float NOT NULL, at_utc datetime2(7) NOT NULL, session_id smallint NOT NULL, principal nvarchar(128) NOT NULL,
  action nvarchar(60) NOT NULL, object nvarchar(300), member nvarchar(128), succeeded bit NOT NULL, error int)`;

/** What happened in a database, in a file of its own, so that recording never waits for anybody's transaction. */
export class Audit {
  readonly #file: Sqlite;

  constructor(file: Sqlite) {
    this.#file = file;
    file.exec(TABLE);
  }

  record(entry: AuditEntry, utc: string) {
    this.#file.run(
      'INSERT INTO standin.audit VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[entry.at, utc, BigInt(entry.sessionId), entry.principal, entry.action],
      ...[entry.object ?? null, entry.member ?? null, entry.succeeded ? 1n : 0n],
      entry.error === undefined ? null : BigInt(entry.error),
    );
  }

  entries(): AuditEntry[] {
    return this.#file.all('SELECT * FROM standin.audit ORDER BY id').map((row) => ({
      at: Number(row.at),
      sessionId: Number(row.session_id),
      principal: String(row.principal),
      action: String(row.action),
      ...(row.object === null ? {} : { object: String(row.object) }),
      ...(row.member === null ? {} : { member: String(row.member) }),
      succeeded: row.succeeded === 1n,
      ...(row.error === null ? {} : { error: Number(row.error) }),
    }));
  }
}
