import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

export interface Header {
  name: string;
  value: string;
}

export interface Attachment {
  filename: string | null;
  mimeType: string;
  bytes: number;
}

export interface StoredMessage {
  /** Counts up with each message that arrives. */
  id: string;
  /** ISO 8601, UTC. */
  receivedAt: string;
  /** The envelope's sender and recipients, which need not be what the headers say. */
  from: string;
  to: readonly string[];
  subject: string;
  text: string;
  html: string | null;
  headers: readonly Header[];
  /** The addresses that start with http:// or https:// in the text part, in order. */
  links: readonly string[];
  /** What was attached; the content stays in the raw message. */
  attachments: readonly Attachment[];
}

export type NewMessage = Omit<StoredMessage, 'id'> & { raw: Uint8Array };

const Row = z.object({ id: z.number(), message: z.string() });
const parse = (row: unknown): StoredMessage => {
  const { id, message } = Row.parse(row);
  return { ...(JSON.parse(message) as Omit<StoredMessage, 'id'>), id: String(id) };
};

/** Messages in SQLite. `add` returns when the message is on the disk. */
export class MailStore {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        message TEXT NOT NULL,
        raw BLOB NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS recipients (
        address TEXT NOT NULL,
        id INTEGER NOT NULL REFERENCES messages (id),
        PRIMARY KEY (address, id)
      ) STRICT, WITHOUT ROWID;
    `);
  }

  add({ raw, ...message }: NewMessage): StoredMessage {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const insert = this.#db.prepare('INSERT INTO messages (message, raw) VALUES (?, ?)');
      const id = Number(insert.run(JSON.stringify(message), raw).lastInsertRowid);
      const address = this.#db.prepare('INSERT OR IGNORE INTO recipients (address, id) VALUES (?, ?)');
      for (const to of message.to) address.run(to.toLowerCase(), id);
      this.#db.exec('COMMIT');
      return { ...message, id: String(id) };
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  get(id: number): StoredMessage | undefined {
    const row = this.#db.prepare('SELECT id, message FROM messages WHERE id = ?').get(id);
    return row && parse(row);
  }

  raw(id: number): Uint8Array | undefined {
    const row = this.#db.prepare('SELECT raw FROM messages WHERE id = ?').get(id);
    return row?.raw instanceof Uint8Array ? row.raw : undefined;
  }

  /** Newest first; `to` is a whole address, in any case; `before` an id, for the next page. */
  list({ to, before = Number.MAX_SAFE_INTEGER, limit = -1 }: ListOptions = {}): StoredMessage[] {
    const rows =
      to === undefined
        ? this.#db.prepare('SELECT id, message FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?').all(before, limit)
        : this.#db
            .prepare(
              `SELECT id, message FROM messages JOIN recipients USING (id)
               WHERE address = ? AND id < ? ORDER BY id DESC LIMIT ?`,
            )
            .all(to.toLowerCase(), before, limit);
    return rows.map(parse);
  }

  close(): void {
    this.#db.close();
  }
}

export interface ListOptions {
  to?: string;
  before?: number;
  limit?: number;
}
