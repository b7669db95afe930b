import { SqlError, unsupported } from '../server-error.ts';
import type { SqlType } from '../tds/sql-type.ts';
import { Cursor } from './cursor.ts';
import { parseCreateIndex, parseCreateTable } from './ddl.ts';
import { parseDelete, parseInsert, parseUpdate } from './dml.ts';
import { type Expression, innerScope } from './emit.ts';
import { parseExpression } from './expression.ts';
import { parseAlterRole, parseCreateUser, parsePermission } from './security.ts';
import { parseQuery } from './select.ts';
import { parseSet } from './set.ts';
import type { Argument, Statement } from './statement.ts';

type Body = Statement extends infer S ? (S extends Statement ? Omit<S, 'line'> : never) : never;

const KEPT = 500;
const kept = new Map<string, Statement[]>();

/** Reads a whole batch before anything of it runs: a batch that isn't understood in full does nothing at all. */
export function parseBatch(text: string): Statement[] {
  const known = kept.get(text);
  if (known) return known;
  const c = new Cursor(text);
  const statements = parseUntil(c, () => c.atKind('end'));
  if (kept.size >= KEPT) kept.clear();
  kept.set(text, statements);
  return statements;
}

function parseUntil(c: Cursor, ended: () => boolean): Statement[] {
  const statements: Statement[] = [];
  for (;;) {
    while (c.accept(';'));
    if (ended()) return statements;
    statements.push(parseStatement(c));
  }
}

function parseStatement(c: Cursor): Statement {
  const { line } = c.peek();
  const statement = { line, ...parseBody(c) } as Statement;
  c.accept(';');
  return statement;
}

function parseBody(c: Cursor): Body {
  if (c.at('SELECT') || c.at('(')) return { kind: 'select', query: parseQuery(c) };
  if (c.at('WITH')) return parseWith(c);
  const { kind, text, raw } = c.take();
  if (kind !== 'word') throw new SqlError(102, `Incorrect syntax near '${raw}'.`, 15);
  switch (text) {
    case 'INSERT':
      return parseInsert(c);
    case 'UPDATE':
      return parseUpdate(c);
    case 'DELETE':
      return parseDelete(c);
    case 'CREATE':
      return parseCreate(c);
    case 'DROP':
      return parseDrop(c);
    case 'ALTER':
      if (c.accept('ROLE')) return parseAlterRole(c);
      throw unsupported(`ALTER ${c.peek().raw}`);
    case 'GRANT':
    case 'DENY':
    case 'REVOKE':
      return parsePermission(c, text);
    case 'DECLARE':
      return parseDeclare(c);
    case 'SET':
      return parseSet(c);
    case 'EXEC':
    case 'EXECUTE':
      return parseExecute(c);
    case 'KILL':
      return { kind: 'kill', session: c.integer() };
    case 'DBCC':
      if (c.accept('FLUSHAUTHCACHE')) return { kind: 'flush-auth-cache' };
      throw unsupported(`DBCC ${c.peek().raw}`);
    case 'WAITFOR':
      if (!c.accept('DELAY')) throw unsupported('WAITFOR TIME');
      return { kind: 'waitfor', delay: parseExpression(c, innerScope()) };
    case 'RETURN':
      return { kind: 'return' };
    case 'THROW':
      return parseThrow(c);
    default:
      return parseControl(c, text, raw);
  }
}

function parseControl(c: Cursor, text: string, raw: string): Body {
  switch (text) {
    case 'IF': {
      const condition = parseExpression(c, innerScope());
      const then = parseStatement(c);
      return c.accept('ELSE')
        ? { kind: 'if', condition, then, otherwise: parseStatement(c) }
        : { kind: 'if', condition, then };
    }
    case 'BEGIN':
      if (c.acceptAny('TRANSACTION', 'TRAN')) return transaction(c, 'begin');
      if (c.accept('TRY')) return parseTry(c);
      return parseBlock(c);
    case 'COMMIT':
    case 'ROLLBACK':
      c.acceptAny('TRANSACTION', 'TRAN', 'WORK');
      return transaction(c, text === 'COMMIT' ? 'commit' : 'rollback');
    case 'SAVE':
    case 'MERGE':
    case 'USE':
    case 'PRINT':
    case 'RAISERROR':
    case 'WHILE':
    case 'TRUNCATE':
    case 'BACKUP':
    case 'RESTORE':
    case 'BULK':
    case 'REVERT':
      throw text === 'USE'
        ? new SqlError(
            40508,
            'USE statement is not supported to switch between databases. Use a new connection to connect to a different database.',
          )
        : unsupported(raw);
    default:
      // A bare name at the start of a batch calls a procedure.
      throw /^(SP|XP)_/.test(text)
        ? new SqlError(2812, `Could not find stored procedure '${raw}'.`)
        : new SqlError(102, `Incorrect syntax near '${raw}'.`, 15);
  }
}

function transaction(c: Cursor, kind: 'begin' | 'commit' | 'rollback'): Body {
  if (c.atKind('variable')) throw unsupported('transaction name in a variable');
  // A word that begins a statement isn't the name of the transaction.
  if (c.atName() && !/^(SP_|THROW$)/.test(c.peek().text)) c.name();
  return { kind };
}

function parseBlock(c: Cursor): Body {
  const body = parseUntil(c, () => c.at('END'));
  c.expect('END');
  return { kind: 'block', body };
}

function parseTry(c: Cursor): Body {
  const body = parseUntil(c, () => c.at('END'));
  c.expect('END', 'TRY');
  c.accept(';');
  c.expect('BEGIN', 'CATCH');
  const handler = parseUntil(c, () => c.at('END'));
  c.expect('END', 'CATCH');
  return { kind: 'try', body, handler };
}

function parseThrow(c: Cursor): Body {
  if (!c.atKind('number') && !c.atKind('variable')) return { kind: 'throw' };
  const number = parseExpression(c, innerScope());
  c.expect(',');
  const message = parseExpression(c, innerScope());
  c.expect(',');
  return { kind: 'throw', number, message, state: parseExpression(c, innerScope()) };
}

function parseWith(c: Cursor): Body {
  return { kind: 'select', query: parseQuery(c) };
}

function parseCreate(c: Cursor): Body {
  if (c.accept('USER')) return parseCreateUser(c);
  for (const kind of ['ROLE', 'SCHEMA'] as const) {
    if (!c.accept(kind)) continue;
    const name = c.name();
    const body = { kind: kind === 'ROLE' ? ('create-role' as const) : ('create-schema' as const), name };
    return c.accept('AUTHORIZATION') ? { ...body, owner: c.name() } : body;
  }
  if (c.accept('TABLE')) return parseCreateTable(c);
  if (c.accept('INDEX')) return parseCreateIndex(c, false);
  if (c.accept('UNIQUE', 'INDEX')) return parseCreateIndex(c, true);
  throw unsupported(`CREATE ${c.peek().raw}`);
}

function parseDrop(c: Cursor): Body {
  const kind = c.acceptAny('USER', 'ROLE', 'SCHEMA', 'TABLE');
  if (!kind) throw unsupported(`DROP ${c.peek().raw}`);
  const ifExists = c.accept('IF', 'EXISTS');
  if (kind === 'TABLE') return { kind: 'drop-table', table: c.objectName(), ifExists };
  const kinds = { USER: 'drop-user', ROLE: 'drop-role', SCHEMA: 'drop-schema' } as const;
  return { kind: kinds[kind as keyof typeof kinds], name: c.name(), ifExists };
}

function parseDeclare(c: Cursor): Body {
  const variables: { name: string; type: SqlType; value?: Expression }[] = [];
  do {
    const name = c.variable();
    c.accept('AS');
    if (c.at('TABLE')) throw unsupported('DECLARE … TABLE');
    const type = c.type();
    variables.push(c.accept('=') ? { name, type, value: parseExpression(c, innerScope()) } : { name, type });
  } while (c.accept(','));
  return { kind: 'declare', variables };
}

function parseExecute(c: Cursor): Body {
  let result: string | undefined;
  if (c.atKind('variable')) {
    result = c.variable();
    c.expect('=');
  }
  if (c.at('(')) throw unsupported('EXECUTE of a string');
  if (c.at('AS')) throw unsupported('EXECUTE AS');
  const parts = c.names(4);
  const args: Argument[] = [];
  while (!c.atKind('end') && !c.at(';') && (args.length === 0 ? atArgument(c) : c.accept(',')))
    args.push(parseArgument(c));
  return { kind: 'execute', procedure: parts.at(-1) ?? '', ...(result ? { result } : {}), arguments: args };
}

const atArgument = (c: Cursor) =>
  ['variable', 'string', 'number', 'binary'].includes(c.peek().kind) || c.at('-') || c.at('NULL');

function parseArgument(c: Cursor): Argument {
  let name = '';
  if (c.atKind('variable') && c.peek(1).kind === 'operator' && c.peek(1).text === '=') {
    name = c.variable();
    c.take();
  }
  const variable = c.atKind('variable') ? c.peek().text : undefined;
  const value = parseArgumentValue(c);
  if (!c.acceptAny('OUTPUT', 'OUT')) return { name, value };
  if (variable === undefined) throw c.fail();
  return { name, value, output: variable };
}

/** Arguments are constants or variables, and a bare word is a string. */
function parseArgumentValue(c: Cursor): Expression {
  const { kind, raw } = c.peek();
  if (kind === 'word' && !c.at('NULL')) {
    if (!c.atName()) throw c.fail();
    c.take();
    return { sql: () => `'${raw.replaceAll("'", "''")}'`, type: () => ({ kind: 'nvarchar', length: 4000 }) };
  }
  if (!atArgument(c)) throw c.fail();
  return parseExpression(c, innerScope());
}
