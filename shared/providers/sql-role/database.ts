import mssql from 'mssql';
import type { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import { inSpan } from '../../telemetry.ts';
import { ownName, ownNameRow, type Statement } from './statements.ts';

/** What the rest of this folder needs of a connection: statements in, checked rows out. */
export interface Database {
  /** Carries a statement out. Gives one array of rows for each SELECT in it. */
  send(statement: Statement): Promise<unknown[][]>;
}

/** The pool as a database: each statement on whichever connection is free. */
export function onPool(pool: mssql.ConnectionPool, name: string): Database {
  return { send: (statement) => send(new mssql.Request(pool), name, statement) };
}

/** Names and numbers are sent as parameters; a statement without any goes as a plain batch, as DDL and KILL want it. */
async function send(
  request: mssql.Request,
  name: string,
  { operation, text, values }: Statement,
): Promise<unknown[][]> {
  for (const [name, value] of Object.entries(values ?? {})) {
    if (typeof value === 'string') request.input(name, mssql.NVarChar(value.length > 4000 ? mssql.MAX : 4000), value);
    else if (value instanceof Date) request.input(name, mssql.DateTime2(3), value);
    else if (typeof value === 'number') request.input(name, mssql.Int, value);
    else request.input(name, mssql.VarBinary(85), value);
  }
  const attributes = { 'db.system': 'mssql', 'db.namespace': name, 'db.operation.name': operation };
  const result = await inSpan(`${operation} ${name}`, { kind: 'client', attributes }, () =>
    values ? request.query<unknown[]>(text) : request.batch<unknown[]>(text),
  );
  return Array.isArray(result.recordsets) ? result.recordsets : [];
}

export async function rows<T>(database: Database, row: z.ZodType<T>, statement: Statement): Promise<T[]> {
  return readRows(row, (await database.send(statement))[0]);
}

export async function oneRow<T>(database: Database, row: z.ZodType<T>, statement: Statement): Promise<T> {
  return firstRow(row, (await database.send(statement))[0]);
}

/** The first of rows that must be there. */
export function firstRow<T>(row: z.ZodType<T>, found: unknown): T {
  const [first] = readRows(row, found);
  if (first === undefined) throw unexpected();
  return first;
}

export function readRows<T>(row: z.ZodType<T>, found: unknown): T[] {
  const parsed = row.array().safeParse(found);
  if (!parsed.success) throw unexpected();
  return parsed.data;
}

const unexpected = () =>
  new CurfewError('CURFEW_TARGET_NOT_VERIFIED', { detail: 'The database gave an answer that cannot be relied on.' });

/**
 * Runs `work` in one transaction under a lock of that name, which ends with the transaction. It keeps two instances of
 * Curfew from changing the same user at once; nobody else takes it.
 */
export async function inLockedTransaction<T>(
  pool: mssql.ConnectionPool,
  name: string,
  resource: string,
  discard: () => Promise<void>,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const transaction = new mssql.Transaction(pool);
  let rolledBack = false;
  transaction.on('rollback', () => {
    rolledBack = true;
  });
  await transaction.begin();
  try {
    const database: Database = { send: (statement) => send(new mssql.Request(transaction), name, statement) };
    await lock(transaction, database, resource);
    const answer = await work(database);
    await transaction.commit();
    return answer;
  } catch (error) {
    // A connection that can't be rolled back would carry the open transaction to whoever gets it next.
    if (!rolledBack) await transaction.rollback().catch(discard);
    throw error;
  }
}

/** The lock belongs to Curfew's own user: one of that name that `public` holds, as anybody may, is another lock. */
async function lock(transaction: mssql.Transaction, database: Database, resource: string): Promise<void> {
  const { name } = await oneRow(database, ownNameRow, ownName);
  const answer = await new mssql.Request(transaction)
    .input('DbPrincipal', mssql.NVarChar(128), name)
    .input('Resource', mssql.NVarChar(255), resource)
    .input('LockMode', mssql.VarChar(32), 'Exclusive')
    .input('LockOwner', mssql.VarChar(32), 'Transaction')
    .input('LockTimeout', mssql.Int, 5_000)
    .execute<unknown>('sp_getapplock');
  const outcome: unknown = answer.returnValue;
  // 0 and 1 are had at once and after a wait; below 0 are time-out, deadlock and the like.
  if (typeof outcome !== 'number' || outcome < 0) {
    throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', { detail: 'Another change to the same user was going on.' });
  }
}
