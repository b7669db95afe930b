import { findProcedure, runBatch } from './execute.ts';
import type { Frame } from './frame.ts';
import { SqlError } from './server-error.ts';
import type { RpcParameter, RpcRequest } from './tds/requests.ts';
import { INT } from './tds/sql-type.ts';
import { parseBatch } from './tsql/parser.ts';
import type { Statement } from './tsql/statement.ts';

/** A remote procedure call: parameterised and prepared statements, and the system procedures by name. */
export async function runRpc(frame: Frame, request: RpcRequest) {
  const { session } = frame;
  const { xactAbort, noCount, strict, lockTimeout } = session;
  try {
    await call(frame, request);
  } finally {
    // What a procedure sets, sp_executesql among them, holds until it ends.
    Object.assign(session, { xactAbort, noCount, strict, lockTimeout });
  }
}

async function call(frame: Frame, { procedure, parameters }: RpcRequest) {
  const { reply } = frame;
  let status = 0;
  let completed = true;
  switch (procedure.toLowerCase()) {
    case 'sp_executesql':
      completed = await runWith(frame, parseBatch(textOf(parameters, 0)), parameters.slice(2));
      break;
    case 'sp_prepare':
      prepare(frame, parameters);
      break;
    case 'sp_execute':
      completed = await runPrepared(frame, parameters);
      break;
    case 'sp_unprepare':
      frame.session.prepared.delete(Number(parameters[0]?.value));
      break;
    default:
      status = await runProcedure(frame, procedure, parameters);
  }
  reply.returnStatus(completed ? status : 1);
  reply.doneProcedure(!completed);
}

function textOf(parameters: RpcParameter[], index: number): string {
  const value = parameters[index]?.value;
  if (typeof value !== 'string') throw new SqlError(214, "Procedure expects parameter of type 'ntext/nchar/nvarchar'.");
  return value;
}

async function runWith(frame: Frame, statements: Statement[], parameters: RpcParameter[]): Promise<boolean> {
  for (const { name, type, value } of parameters) {
    frame.types.set(name.toLowerCase(), type);
    frame.values.set(name.toLowerCase(), value);
  }
  const completed = await runBatch(frame, statements);
  for (const [i, { name, output, type }] of parameters.entries()) {
    if (output) frame.reply.returnValue(i, name, type, frame.values.get(name.toLowerCase()) ?? null);
  }
  return completed;
}

const NAMES = /@[\p{L}\p{N}_@#$]+/gu;

/** The handle keeps the names of the parameters: their values come without names when it is run. */
function prepare({ session, reply }: Frame, parameters: RpcParameter[]) {
  const declared = parameters[1]?.value;
  const statements = parseBatch(textOf(parameters, 2));
  const names = typeof declared === 'string' ? (declared.match(NAMES) ?? []) : [];
  const handle = session.prepared.size === 0 ? 1 : Math.max(...session.prepared.keys()) + 1;
  session.prepared.set(handle, { statements, names });
  reply.returnValue(0, '@handle', INT, BigInt(handle));
}

async function runPrepared(frame: Frame, [handle, ...given]: RpcParameter[]): Promise<boolean> {
  const prepared = frame.session.prepared.get(Number(handle?.value));
  if (!prepared) throw new SqlError(8179, `Could not find prepared statement with handle ${Number(handle?.value)}.`);
  const named = given.map((parameter, i) => ({ ...parameter, name: parameter.name || (prepared.names[i] ?? '') }));
  return runWith(frame, prepared.statements, named);
}

async function runProcedure(frame: Frame, name: string, parameters: RpcParameter[]): Promise<number> {
  const known = findProcedure(name.replace(/^\[?(?:sys|dbo)\]?\./i, '').replace(/^\[|\]$/g, ''));
  const values = new Map(
    parameters.map((parameter, i) => {
      const key = parameter.name === '' ? known.parameters[i] : parameter.name.toLowerCase();
      if (key === undefined || !known.parameters.includes(key)) {
        throw new SqlError(8145, `${parameter.name} is not a parameter for procedure ${name}.`);
      }
      return [key, parameter.value];
    }),
  );
  return known.run({ session: frame.session, signal: frame.signal, arguments: values });
}
