import { checkPermissions, compile, resultColumns, sqlError, tableFinder, type Writable } from './compile.ts';
import { changePermissions, describe } from './grants.ts';
import { DATABASE, isOwner, may } from './permissions.ts';
import { alterRole, createRole, createSchema, createUser, dropRole, dropSchema, dropUser } from './principals.ts';
import { PROCEDURES } from './procedures.ts';
import { abortsBatch, isFatal, notPermitted, SqlError } from './server-error.ts';
import type { Change as AuditChange, Session } from './session.ts';
import type { Sqlite } from './sqlite.ts';
import { createIndex, createTable, dropTable } from './tables.ts';
import type { Reply } from './tds/reply.ts';
import type { SqlType, SqlValue } from './tds/sql-type.ts';
import { convert } from './tsql/conversion.ts';
import { Emit, type Expression, type Query } from './tsql/emit.ts';
import type { Change, Statement } from './tsql/statement.ts';

/** Thrown when the client has asked to stop. */
export class Cancelled extends Error {}
class BatchEnd extends Error {}

/** One batch as it runs: its variables, where the results go, and what may stop it. */
export interface Frame {
  session: Session;
  reply: Reply;
  signal: AbortSignal;
  inProcedure: boolean;
  types: Map<string, SqlType>;
  values: Map<string, SqlValue>;
}

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/** Runs the statements; errors go to the reply. False when the batch was cut short by one. */
export async function runBatch(frame: Frame, statements: Statement[]): Promise<boolean> {
  try {
    await runAll(frame, statements, false);
    return true;
  } catch (error) {
    if (error instanceof BatchEnd) return error.message === '';
    throw error;
  }
}

async function runAll(frame: Frame, statements: Statement[], caught: boolean) {
  for (const statement of statements) await run(frame, statement, caught);
}

/** `caught`: inside TRY, where an error goes to the CATCH block and not to the client. */
async function run(frame: Frame, statement: Statement, caught: boolean): Promise<void> {
  const { session, signal } = frame;
  signal.throwIfAborted();
  try {
    await dispatch(frame, statement, caught);
    session.error = 0;
  } catch (thrown) {
    if (thrown instanceof Cancelled || thrown instanceof BatchEnd) throw thrown;
    const error = sqlError(session.database, thrown);
    session.error = error.number;
    session.rowCount = 0;
    auditFailure(session, statement, error);
    if (caught || isFatal(error)) throw error;
    reportError(frame, error, statement.line);
    if (session.xactAbort && session.transaction) rollback(frame);
    if (abortsBatch(error) || session.xactAbort) throw new BatchEnd('error');
  }
}

export function reportError({ reply, inProcedure }: Pick<Frame, 'reply' | 'inProcedure'>, error: SqlError, line = 1) {
  reply.error(error, line);
  reply.done(inProcedure, { failed: true });
}

function rollback({ session, reply }: Frame) {
  const descriptor = session.transaction?.descriptor;
  session.rollback();
  if (descriptor) reply.rolledBack(descriptor);
}

async function dispatch(frame: Frame, statement: Statement, caught: boolean): Promise<void> {
  const { session, reply, signal } = frame;
  const done = () => reply.done(frame.inProcedure);
  switch (statement.kind) {
    case 'select':
      return select(frame, statement);
    case 'change':
      return change(frame, statement);
    case 'if':
      if (truth(frame, statement.condition)) return run(frame, statement.then, caught);
      return statement.otherwise ? run(frame, statement.otherwise, caught) : undefined;
    case 'block':
      return runAll(frame, statement.body, caught);
    case 'try':
      return tryCatch(frame, statement, caught);
    case 'throw':
      throw thrownError(frame, statement);
    case 'return':
      throw new BatchEnd('');
    case 'declare':
      for (const { name, type, value } of statement.variables) {
        if (frame.types.has(name)) {
          throw new SqlError(134, `The variable name '${name}' has already been declared.`, 15);
        }
        frame.types.set(name, type);
        frame.values.set(name, value ? convert(evaluate(frame, value), type) : null);
      }
      return;
    case 'assign':
      assign(frame, statement.name, evaluate(frame, statement.value));
      return;
    case 'execute':
      return execute(frame, statement);
    case 'begin': {
      const outer = session.transaction;
      await session.begin(signal);
      if (!outer && session.transaction) reply.begun(session.transaction.descriptor);
      return done();
    }
    case 'commit': {
      const descriptor = session.transaction?.descriptor;
      if (session.commit() && descriptor) reply.committed(descriptor);
      return done();
    }
    case 'rollback':
      rollback(frame);
      return done();
    case 'waitfor':
      await pause(delayOf(evaluate(frame, statement.delay)), signal);
      return done();
    case 'kill':
      kill(session, statement);
      return done();
    case 'create-table':
      await createTable(session, statement, signal);
      return done();
    case 'drop-table':
      await dropTable(session, statement, signal);
      return done();
    case 'create-index':
      await createIndex(session, statement, signal);
      return done();
    default:
      if (setting(session, statement)) return done();
      await changeCatalog(session, statement, signal);
      return done();
  }
}

/** Settings of the session, and statements that there is nothing to do for. */
function setting(session: Session, statement: Statement): boolean {
  switch (statement.kind) {
    case 'option':
      if (statement.name === 'XACT_ABORT') session.xactAbort = statement.on;
      return true;
    case 'isolation':
      session.strict = statement.strict;
      return true;
    case 'lock-timeout':
      session.lockTimeout = statement.milliseconds < 0 ? undefined : statement.milliseconds;
      return true;
    case 'identity-insert': {
      const { schema, name } = statement.table;
      if (!isOwner(session.rights()))
        throw new SqlError(
          1088,
          `Cannot find the object "${name}" because it does not exist or you do not have permissions.`,
        );
      session.identityInsert = statement.on ? `${schema}.${name}`.toLowerCase() : undefined;
      return true;
    }
    case 'flush-auth-cache':
      // Nothing is cached, so there is nothing to flush; the permission is asked for all the same.
      if (!may(session.rights(), 'KILL DATABASE CONNECTION')) throw notPermitted();
      session.database.record({ ...who(session), action: 'DBCC FLUSHAUTHCACHE', succeeded: true });
      return true;
    case 'nothing':
      return true;
    default:
      return false;
  }
}

const who = (session: Session) => ({ sessionId: session.id, principal: session.login.name });

async function changeCatalog(session: Session, statement: Statement, signal: AbortSignal) {
  const entry = auditOf(statement);
  await session.write('catalog', signal, entry, (on: Sqlite) => {
    switch (statement.kind) {
      case 'create-user':
        return createUser(session, on, statement);
      case 'external-user':
        throw may(session.rights(), 'ALTER ANY USER')
          ? new SqlError(
              33134,
              `Principal '${statement.name}' could not be resolved. The server has no identity to look it up with.`,
            )
          : notPermitted();
      case 'drop-user':
        return dropUser(session, on, statement);
      case 'create-role':
        return createRole(session, on, statement);
      case 'drop-role':
        return dropRole(session, on, statement);
      case 'alter-role':
        return alterRole(session, on, statement);
      case 'create-schema':
        return createSchema(session, on, statement);
      case 'drop-schema':
        return dropSchema(session, on, statement);
      case 'permission':
        return changePermissions(session, on, statement);
      default:
        throw new SqlError(40517, `Statement '${statement.kind}' is not supported.`);
    }
  });
}

/** How the audit names a statement; nothing for those that it doesn't record. */
function auditOf(statement: Statement): AuditChange | undefined {
  switch (statement.kind) {
    case 'alter-role':
      return { action: `ALTER ROLE ${statement.verb} MEMBER`, object: statement.role, member: statement.member };
    case 'create-user':
    case 'external-user':
      return { action: 'CREATE USER', object: statement.name };
    case 'drop-user':
    case 'create-role':
    case 'drop-role':
    case 'create-schema':
    case 'drop-schema':
      return { action: statement.kind.replace('-', ' ').toUpperCase(), object: statement.name };
    case 'permission':
      return {
        action: `${statement.verb} ${statement.permissions.join(', ')}`,
        object: describe(statement.on),
        member: statement.principals.join(', '),
      };
    case 'kill':
      return { action: 'KILL', object: String(statement.session) };
    case 'flush-auth-cache':
      return { action: 'DBCC FLUSHAUTHCACHE' };
    case 'change':
      return { action: statement.verb, object: `${statement.table.schema}.${statement.table.name}` };
    case 'select':
      return { action: 'SELECT' };
    default:
      return undefined;
  }
}

function auditFailure(session: Session, statement: Statement, error: SqlError) {
  const entry = auditOf(statement);
  if (!entry) return;
  const object = error.object === undefined ? {} : { object: error.object };
  session.database.record({ ...who(session), ...object, ...entry, succeeded: false, error: error.number });
}

/** Runs a SELECT where it sees what the session has written. */
function query(frame: Frame, key: object, writable: Writable) {
  const { session, types, values } = frame;
  const { database } = session;
  database.caller = session;
  let on = session.transaction?.writes.has('data') ? database.data : database.reader;
  if (session.transaction?.writes.has('catalog')) {
    // The connection that has uncommitted changes of the catalog knows no user tables.
    const seen = new Set<string>();
    writable.sql(new Emit(types, tableFinder(database, on, seen)));
    if ([...seen].every((table) => table.startsWith('sys.'))) on = database.catalog;
  }
  const compiled = compile(session, on, key, writable, types);
  checkPermissions(session, compiled.needs);
  const rows = compiled.statement.all(
    ...compiled.used.map((name) => values.get(name) ?? null),
  ) as unknown as SqlValue[][];
  for (const { permission, table } of compiled.needs)
    database.record({ ...who(session), action: permission, object: table, succeeded: true });
  return { compiled, rows };
}

function select(frame: Frame, { query: parsed }: Of<'select'>) {
  const { session, reply } = frame;
  const { compiled, rows } = query(frame, parsed, parsed);
  if (parsed.assigns.length > 0) {
    const last = rows.at(-1);
    for (const [i, name] of parsed.assigns.entries()) if (last) assign(frame, name, last[i] ?? null);
  } else {
    reply.rows(resultColumns(compiled.statement, compiled.columns, rows), rows);
  }
  session.rowCount = rows.length;
  reply.done(frame.inProcedure, { count: rows.length });
}

async function change(frame: Frame, statement: Change) {
  const { session, reply, signal, types, values } = frame;
  const { database } = session;
  session.rights();
  const object = `${statement.table.schema}.${statement.table.name}`;
  const target = object.toLowerCase();
  const writable: Writable = { target, sql: (e) => statement.sql(e), columns: (e) => statement.output?.(e) ?? [] };
  await session.write('data', signal, { action: statement.verb, object }, (on) => {
    if (['sys', 'standin'].includes(statement.table.schema.toLowerCase())) {
      throw new SqlError(259, 'Ad hoc updates to system catalogs are not allowed.');
    }
    const compiled = compile(session, on, statement, writable, types);
    // SQLite names no table when an INSERT has nothing to read; the permission is asked for by the statement itself.
    checkPermissions(session, [{ permission: statement.verb, table: target }, ...compiled.needs]);
    const e = new Emit(types, tableFinder(database, on, new Set()));
    if (statement.verb === 'INSERT' && statement.explicit(e) && session.identityInsert !== target) {
      throw new SqlError(
        544,
        `Cannot insert explicit value for identity column in table '${statement.table.name}' when IDENTITY_INSERT is set to OFF.`,
      );
    }
    const bound = compiled.used.map((name) => values.get(name) ?? null);
    if (statement.output) {
      const rows = compiled.statement.all(...bound) as unknown as SqlValue[][];
      reply.rows(resultColumns(compiled.statement, compiled.columns, rows), rows);
      session.rowCount = rows.length;
    } else {
      session.rowCount = Number(compiled.statement.run(...bound).changes);
    }
    if (statement.verb === 'INSERT') session.identity = lastIdentity(on, statement, e);
  });
  reply.done(frame.inProcedure, { count: session.rowCount });
}

function lastIdentity(on: Sqlite, statement: Change, e: Emit): bigint | null {
  const { schema, name } = statement.table;
  if (!e.table(schema, name).identity) return null;
  const id = on.get('SELECT last_insert_rowid() AS id')?.id;
  return typeof id === 'bigint' ? id : null;
}

const single = new WeakMap<Expression, Query>();

/** The value of an expression, worked out by SQLite. */
function evaluate(frame: Frame, expression: Expression): SqlValue {
  const asQuery = single.get(expression) ?? {
    assigns: [],
    sql: (e: Emit) => `SELECT ${expression.sql(e)}`,
    columns: () => [],
  };
  single.set(expression, asQuery);
  return query(frame, asQuery, asQuery).rows[0]?.[0] ?? null;
}

function truth(frame: Frame, condition: Expression): boolean {
  const value = evaluate(frame, condition);
  return value !== null && Number(value) !== 0;
}

function assign(frame: Frame, name: string, value: SqlValue) {
  const type = frame.types.get(name);
  if (!type) throw new SqlError(137, `Must declare the scalar variable "${name}".`, 15);
  frame.values.set(name, convert(value, type));
}

async function tryCatch(frame: Frame, { body, handler }: Of<'try'>, caught: boolean) {
  const { session } = frame;
  try {
    await runAll(frame, body, true);
  } catch (error) {
    if (!(error instanceof SqlError) || isFatal(error)) throw error;
    const outer = session.caught;
    session.caught = error;
    try {
      await runAll(frame, handler, caught);
    } finally {
      session.caught = outer;
    }
  }
}

function thrownError(frame: Frame, { number, message, state }: Of<'throw'>): SqlError {
  if (!number || !message || !state) {
    return (
      frame.session.caught ??
      new SqlError(10704, 'To rethrow an error, a THROW statement must be used inside a CATCH block.', 15)
    );
  }
  const error = new SqlError(
    Number(evaluate(frame, number)),
    String(evaluate(frame, message)),
    16,
    Number(evaluate(frame, state)),
  );
  if (error.number < 50_000)
    return new SqlError(35100, `Error number ${error.number} in the THROW statement is outside the valid range.`);
  return error;
}

async function execute(frame: Frame, { procedure: name, arguments: given, result }: Of<'execute'>) {
  const known = findProcedure(name);
  const values = new Map<string, SqlValue>();
  for (const [i, argument] of given.entries()) {
    const parameter = argument.name === '' ? known.parameters[i] : argument.name.toLowerCase();
    if (parameter === undefined || !known.parameters.includes(parameter) || argument.output !== undefined) {
      throw new SqlError(8145, `${argument.name} is not a parameter for procedure ${name}.`);
    }
    values.set(parameter, evaluate(frame, argument.value));
  }
  const status = await known.run({ session: frame.session, signal: frame.signal, arguments: values });
  if (result) assign(frame, result, BigInt(status));
  if (!frame.inProcedure) frame.reply.returnStatus(status);
  frame.reply.done(frame.inProcedure);
}

export function findProcedure(name: string) {
  const key = name.toLowerCase().replace(/^sys\./, '');
  const known = Object.hasOwn(PROCEDURES, key) ? PROCEDURES[key] : undefined;
  if (!known) throw new SqlError(2812, `Could not find stored procedure '${name}'.`);
  return known;
}

/** Only sessions of one's own database can be ended. */
function kill(session: Session, { session: id }: Of<'kill'>) {
  if (!may(session.rights(), 'KILL DATABASE CONNECTION', DATABASE)) {
    throw new SqlError(6102, 'User does not have permission to use the KILL statement.', 14);
  }
  if (session.transaction) throw new SqlError(6115, 'KILL command cannot be used inside user transactions.');
  if (id < 1 || id > 32_767) throw new SqlError(6101, `Session ID ${id} is not valid.`);
  if (id === session.id) throw new SqlError(6104, 'Cannot use KILL to kill your own process.');
  const victim = session.registry.get(id);
  if (!victim || victim.database !== session.database)
    throw new SqlError(6106, `Process ID ${id} is not an active process ID.`);
  session.database.record({
    ...who(session),
    action: 'KILL',
    object: String(id),
    member: victim.login.name,
    succeeded: true,
  });
  victim.kill();
}

function delayOf(value: SqlValue): number {
  const match =
    typeof value === 'string' ? /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?$/.exec(value.trim()) : null;
  if (!match) throw new SqlError(148, `Incorrect time syntax in time string '${String(value)}' used with WAITFOR.`, 15);
  const [, hours, minutes, seconds = '0', digits = '0'] = match;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(digits.padEnd(3, '0'));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
