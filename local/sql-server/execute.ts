import { sqlError } from './compile.ts';
import type { Frame } from './frame.ts';
import { changePermissions } from './grants.ts';
import { kill } from './kill.ts';
import { isOwner, may } from './permissions.ts';
import { alterRole, createRole, createSchema, createUser, dropRole, dropSchema, dropUser } from './principals.ts';
import { PROCEDURES } from './procedures.ts';
import { assign, change, evaluate, select, truth } from './queries.ts';
import { abortsBatch, isFatal, notPermitted, SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import type { Sqlite } from './sqlite.ts';
import { auditFailure, auditOf, who } from './statement-audit.ts';
import { createIndex, createTable, dropTable } from './tables.ts';
import type { SqlValue } from './tds/sql-type.ts';
import { convert } from './tsql/conversion.ts';
import type { Statement } from './tsql/statement.ts';
import { delayOf, pause } from './waitfor.ts';

/** Thrown when the client has asked to stop. */
export class Cancelled extends Error {}
const DEADLOCK = 1205;
class BatchEnd extends Error {}

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
    if ((session.xactAbort || error.number === DEADLOCK) && session.transaction) rollback(frame);
    // Where nothing catches it, THROW ends the batch, whatever XACT_ABORT is.
    if (abortsBatch(error) || session.xactAbort || statement.kind === 'throw') throw new BatchEnd('error');
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
      return select(frame, statement.query);
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
      kill(session, statement.session);
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
      else session.noCount = statement.on;
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
