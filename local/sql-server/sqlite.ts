import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SqlValue } from './tds/sql-type.ts';

const KEPT_STATEMENTS = 300;

/** A SQLite connection that keeps its prepared statements, and gives integers as bigint so that 1 and 1.0 stay apart. */
export class Sqlite {
  readonly raw: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.raw = new DatabaseSync(path, { enableForeignKeyConstraints: true, readBigInts: true, timeout: 0 });
  }

  prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    if (kept) return kept;
    const statement = this.raw.prepare(sql);
    if (this.#statements.size >= KEPT_STATEMENTS) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    }
    this.#statements.set(sql, statement);
    return statement;
  }

  get(sql: string, ...values: SqlValue[]): Record<string, SqlValue> | undefined {
    return this.prepare(sql).get(...values) as Record<string, SqlValue> | undefined;
  }

  all(sql: string, ...values: SqlValue[]): Record<string, SqlValue>[] {
    return this.prepare(sql).all(...values) as Record<string, SqlValue>[];
  }

  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  together(work: () => void) {
    this.exec('BEGIN');
    try {
      work();
      this.exec('COMMIT');
    } catch (error) {
      this.exec('ROLLBACK');
      throw error;
    }
  }

  exec(sql: string) {
    this.raw.exec(sql);
  }

  close() {
    this.#statements.clear();
    this.raw.close();
  }
}

export const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
