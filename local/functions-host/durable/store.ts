import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

export type RuntimeStatus = 'Pending' | 'Running' | 'Suspended' | 'Completed' | 'Failed' | 'Terminated';

/** JSON texts, as the extension keeps them; `null` is an absent value. */
export interface InstanceRow {
  readonly id: string;
  /** Tells apart the lives of one id; work of an earlier life is dropped by it. */
  readonly execution: string;
  readonly name: string;
  readonly version: string;
  /** How many lives under this id came before. */
  readonly generation: number;
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
  readonly status: RuntimeStatus;
  readonly created: number;
  readonly updated: number;
}

export interface TaskRow {
  readonly instance: string;
  readonly execution: string;
  readonly task: number;
  readonly name: string;
  readonly input: string | null;
  /** When a worker took it, where that is written down. */
  readonly started?: number | null;
}

export interface TimerRow {
  readonly instance: string;
  readonly execution: string;
  readonly timer: number;
  readonly fireAt: number;
  readonly created: number;
}

export interface InstanceFilter {
  readonly statuses?: readonly string[];
  readonly createdFrom?: number;
  readonly createdTo?: number;
  readonly prefix?: string;
}

const schema = `
  CREATE TABLE IF NOT EXISTS instance (
    id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, generation INTEGER NOT NULL, input TEXT, output TEXT,
    customStatus TEXT, status TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS instance_created ON instance (created);
  CREATE TABLE IF NOT EXISTS turn (instance TEXT NOT NULL, number INTEGER NOT NULL, events TEXT NOT NULL, PRIMARY KEY (instance, number)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, instance TEXT NOT NULL, event TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS inbox_instance ON inbox (instance);
  CREATE TABLE IF NOT EXISTS task (
    instance TEXT NOT NULL, execution TEXT NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT, started INTEGER,
    PRIMARY KEY (instance, task)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS timer (
    instance TEXT NOT NULL, execution TEXT NOT NULL, timer INTEGER NOT NULL, fireAt INTEGER NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (instance, timer)
  ) WITHOUT ROWID;
`;

/**
 * The log behind the engine. Writes go straight into one open transaction and count only from `commit` on, which is
 * synchronous and reaches the disk: whoever was promised something is told after it.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #open = false;
  #lastInbox = 0;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;');
    this.#db.exec(schema);
    this.#addStarted();
    const newest = this.#statement('SELECT max(seq) AS seq FROM inbox').get();
    this.#lastInbox = Number(newest?.seq ?? 0);
  }

  /** State files of before have no such column. */
  #addStarted(): void {
    const columns = this.#statement("SELECT name FROM pragma_table_info('task')").all();
    if (!columns.some(({ name }) => name === 'started')) this.#db.exec('ALTER TABLE task ADD COLUMN started INTEGER');
  }

  get dirty(): boolean {
    return this.#open;
  }

  commit(): void {
    if (!this.#open) return;
    this.#db.exec('COMMIT');
    this.#open = false;
  }

  close(): void {
    this.commit();
    this.#db.close();
  }

  putInstance(row: InstanceRow): void {
    this.#write(
      `INSERT INTO instance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
        execution = excluded.execution, name = excluded.name, version = excluded.version, generation = excluded.generation,
        input = excluded.input, output = excluded.output, customStatus = excluded.customStatus, status = excluded.status,
        created = excluded.created, updated = excluded.updated`,
      row.id,
      row.execution,
      row.name,
      row.version,
      row.generation,
      row.input,
      row.output,
      row.customStatus,
      row.status,
      row.created,
      row.updated,
    );
  }

  appendTurn(instance: string, number: number, events: string): void {
    this.#write('INSERT INTO turn VALUES (?, ?, ?)', instance, number, events);
  }

  /** Drops what belongs to an execution, but not the row nor messages that wait. */
  forgetExecution(instance: string): void {
    this.#write('DELETE FROM turn WHERE instance = ?', instance);
    this.forgetWork(instance);
  }

  forgetWork(instance: string): void {
    this.#write('DELETE FROM task WHERE instance = ?', instance);
    this.#write('DELETE FROM timer WHERE instance = ?', instance);
  }

  deleteInstance(instance: string): void {
    this.forgetExecution(instance);
    this.#write('DELETE FROM inbox WHERE instance = ?', instance);
    this.#write('DELETE FROM instance WHERE id = ?', instance);
  }

  /** Returns the number by which the message is taken out again. */
  putMessage(instance: string, event: string): number {
    this.#write('INSERT INTO inbox VALUES (?, ?, ?)', ++this.#lastInbox, instance, event);
    return this.#lastInbox;
  }

  takeMessage(seq: number): void {
    this.#write('DELETE FROM inbox WHERE seq = ?', seq);
  }

  putTask(row: TaskRow): void {
    this.#write(
      'INSERT INTO task (instance, execution, task, name, input) VALUES (?, ?, ?, ?, ?)',
      row.instance,
      row.execution,
      row.task,
      row.name,
      row.input,
    );
  }

  noteStart({ instance, execution, task }: TaskRow, started: number): void {
    this.#write(
      'UPDATE task SET started = ? WHERE instance = ? AND task = ? AND execution = ?',
      started,
      instance,
      task,
      execution,
    );
  }

  deleteTask(instance: string, task: number): void {
    this.#write('DELETE FROM task WHERE instance = ? AND task = ?', instance, task);
  }

  putTimer(row: TimerRow): void {
    this.#write(
      'INSERT INTO timer VALUES (?, ?, ?, ?, ?)',
      row.instance,
      row.execution,
      row.timer,
      row.fireAt,
      row.created,
    );
  }

  deleteTimer(instance: string, timer: number): void {
    this.#write('DELETE FROM timer WHERE instance = ? AND timer = ?', instance, timer);
  }

  instance(id: string): InstanceRow | undefined {
    return this.#statement('SELECT * FROM instance WHERE id = ?').get(id) as InstanceRow | undefined;
  }

  turns(instance: string): string[] {
    const rows = this.#statement('SELECT events FROM turn WHERE instance = ? ORDER BY number').all(instance);
    return rows.map((row) => String(row.events));
  }

  messages(instance: string): { seq: number; event: string }[] {
    const rows = this.#statement('SELECT seq, event FROM inbox WHERE instance = ? ORDER BY seq').all(instance);
    return rows.map((row) => ({ seq: Number(row.seq), event: String(row.event) }));
  }

  instancesWithMessages(): string[] {
    const rows = this.#statement('SELECT DISTINCT instance FROM inbox').all();
    return rows.map((row) => String(row.instance));
  }

  tasks(): TaskRow[] {
    return this.#statement('SELECT * FROM task').all() as unknown as TaskRow[];
  }

  timers(): TimerRow[] {
    return this.#statement('SELECT * FROM timer').all() as unknown as TimerRow[];
  }

  list(filter: InstanceFilter): InstanceRow[] {
    const rows = this.#statement(
      `SELECT * FROM instance WHERE created >= ? AND created <= ? AND substr(id, 1, ?) = ? ORDER BY id`,
    ).all(
      filter.createdFrom ?? 0,
      filter.createdTo ?? Number.MAX_SAFE_INTEGER,
      filter.prefix?.length ?? 0,
      filter.prefix ?? '',
    ) as unknown as InstanceRow[];
    return filter.statuses ? rows.filter((row) => filter.statuses?.includes(row.status)) : rows;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #write(sql: string, ...values: SQLInputValue[]): void {
    if (!this.#open) {
      this.#db.exec('BEGIN');
      this.#open = true;
    }
    this.#statement(sql).run(...values);
  }
}
