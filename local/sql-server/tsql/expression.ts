import { SqlError } from '../server-error.ts';
import { literal, quote } from '../sqlite.ts';
import { BIGINT, FLOAT, INT, MAX, type SqlType, writeType } from '../tds/sql-type.ts';
import { binaryOf, type Cursor } from './cursor.ts';
import type { Emit, Expression, Scope } from './emit.ts';
import { parseCall } from './functions.ts';
import { parseQuery } from './select.ts';

/** Expressions of T-SQL, written as expressions of SQLite. */
export function parseExpression(c: Cursor, scope: Scope): Expression {
  let left = parseAnd(c, scope);
  while (c.accept('OR')) left = boolean(left, 'OR', parseAnd(c, scope));
  return left;
}

function parseAnd(c: Cursor, scope: Scope): Expression {
  let left = parseNot(c, scope);
  while (c.accept('AND')) left = boolean(left, 'AND', parseNot(c, scope));
  return left;
}

function parseNot(c: Cursor, scope: Scope): Expression {
  if (!c.accept('NOT')) return parseComparison(c, scope);
  const operand = parseNot(c, scope);
  return { sql: (e) => `(NOT ${operand.sql(e)})`, type: () => INT };
}

const boolean = (left: Expression, operator: string, right: Expression): Expression => ({
  sql: (e) => `(${left.sql(e)} ${operator} ${right.sql(e)})`,
  type: () => INT,
});

const COMPARISONS: Record<string, string> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  '!<': '>=',
  '!>': '<=',
};

/** Text compares without regard to case, as in the default collation of Azure SQL. */
const collated = (e: Emit, operand: Expression, ...others: Expression[]) =>
  [operand, ...others].some((one) => one.type(e)?.kind === 'nvarchar')
    ? `${operand.sql(e)} COLLATE NOCASE`
    : operand.sql(e);

/** A string compared with a date, a GUID or a number takes on that type, as SQL Server converts it. */
function like(e: Emit, operand: Expression, other: Expression): Expression {
  const type = other.type(e);
  if (!type || operand.type(e)?.kind !== 'nvarchar') return operand;
  if (type.kind === 'nvarchar' || type.kind === 'varbinary') return operand;
  return cast(operand, type.kind === 'decimal' ? FLOAT : type.kind === 'int' ? BIGINT : type);
}

function parseComparison(c: Cursor, scope: Scope): Expression {
  const left = parseSum(c, scope);
  const operator = c.atKind('operator') ? COMPARISONS[c.peek().text] : undefined;
  if (operator) {
    c.take();
    const right = parseSum(c, scope);
    return {
      sql: (e) => {
        const [a, b] = [like(e, left, right), like(e, right, left)];
        return `(${a.sql(e)} ${operator} ${collated(e, b, a)})`;
      },
      type: () => INT,
    };
  }
  if (c.accept('IS')) {
    const not = c.accept('NOT') ? ' NOT' : '';
    c.expect('NULL');
    return { sql: (e) => `(${left.sql(e)} IS${not} NULL)`, type: () => INT };
  }
  const not = c.at('NOT') && ['IN', 'LIKE', 'BETWEEN'].includes(c.peek(1).text) && c.accept('NOT') ? 'NOT ' : '';
  if (c.accept('BETWEEN')) {
    const from = parseSum(c, scope);
    c.expect('AND');
    const to = parseSum(c, scope);
    return {
      sql: (e) =>
        `(${collated(e, left, from)} ${not}BETWEEN ${like(e, from, left).sql(e)} AND ${like(e, to, left).sql(e)})`,
      type: () => INT,
    };
  }
  if (c.accept('LIKE')) {
    const pattern = parseSum(c, scope);
    const mark = c.accept('ESCAPE') ? parseSum(c, scope) : undefined;
    return {
      sql: (e) => `(${not}tsql_like(${left.sql(e)}, ${pattern.sql(e)}, ${mark?.sql(e) ?? 'NULL'}))`,
      type: () => INT,
    };
  }
  if (!c.accept('IN')) return left;
  c.expect('(');
  if (c.at('SELECT') || c.at('WITH')) {
    const query = parseQuery(c, scope);
    c.expect(')');
    return { sql: (e) => `(${collated(e, left)} ${not}IN (${query.sql(e)}))`, type: () => INT };
  }
  const list = parseList(c, scope);
  c.expect(')');
  return {
    sql: (e) =>
      `(${collated(e, left, ...list)} ${not}IN (${list.map((item) => like(e, item, left).sql(e)).join(', ')}))`,
    type: () => INT,
  };
}

export function parseList(c: Cursor, scope: Scope): Expression[] {
  const list = [parseExpression(c, scope)];
  while (c.accept(',')) list.push(parseExpression(c, scope));
  return list;
}

function parseSum(c: Cursor, scope: Scope): Expression {
  let left = parseProduct(c, scope);
  for (;;) {
    const operator = c.acceptAny('+', '-', '&', '|', '^');
    if (!operator) return left;
    left = arithmetic(left, operator, parseProduct(c, scope));
  }
}

function parseProduct(c: Cursor, scope: Scope): Expression {
  let left = parseUnary(c, scope);
  for (;;) {
    const operator = c.acceptAny('*', '/', '%');
    if (!operator) return left;
    left = arithmetic(left, operator, parseUnary(c, scope));
  }
}

function arithmetic(left: Expression, operator: string, right: Expression): Expression {
  return {
    type: (e) => resultType(left.type(e), operator, right.type(e)),
    sql: (e) => {
      const [a, b] = [left.type(e), right.type(e)];
      const [x, y] = [left.sql(e), right.sql(e)];
      if (operator === '+') {
        if (a?.kind === 'nvarchar' && b?.kind === 'nvarchar') return `(${x} || ${y})`;
        return isNumber(a) && isNumber(b) ? `(${x} + ${y})` : `tsql_plus(${x}, ${y})`;
      }
      if (operator === '/') {
        return `tsql_divide(${x}, ${y}, ${isWhole(a) && isWhole(b) ? 1 : 0})`;
      }
      if (operator === '^') return `tsql_xor(${x}, ${y})`;
      return `(${x} ${operator} ${y})`;
    },
  };
}

const isWhole = (type: SqlType | undefined) => type === undefined || type.kind === 'int' || type.kind === 'bit';
const isNumber = (type: SqlType | undefined) =>
  type !== undefined && ['int', 'bit', 'float', 'decimal'].includes(type.kind);

export function resultType(a: SqlType | undefined, operator: string, b: SqlType | undefined): SqlType | undefined {
  if (!a || !b) return undefined;
  if (a.kind === 'nvarchar' && b.kind === 'nvarchar') {
    return {
      kind: 'nvarchar',
      length: a.length === MAX || b.length === MAX ? MAX : Math.min(4000, a.length + b.length),
    };
  }
  if (a.kind === 'float' || b.kind === 'float') return FLOAT;
  if (a.kind === 'decimal' || b.kind === 'decimal') {
    const [x, y] = [a.kind === 'decimal' ? a.scale : 0, b.kind === 'decimal' ? b.scale : 0];
    const scale = operator === '*' ? x + y : operator === '/' ? Math.max(6, x) : Math.max(x, y);
    return { kind: 'decimal', precision: 38, scale: Math.min(scale, 18) };
  }
  if (a.kind === 'int' && b.kind === 'int') return a.bytes >= b.bytes ? a : b;
  return a.kind === 'int' || a.kind === 'bit' ? INT : undefined;
}

function parseUnary(c: Cursor, scope: Scope): Expression {
  const sign = c.acceptAny('-', '+', '~');
  if (!sign) return parsePostfix(c, scope);
  const operand = parseUnary(c, scope);
  return { sql: (e) => `(${sign} ${operand.sql(e)})`, type: (e) => operand.type(e) };
}

function parsePostfix(c: Cursor, scope: Scope): Expression {
  const operand = parsePrimary(c, scope);
  if (!c.accept('COLLATE')) return operand;
  const collation = c.name();
  if (!/_C[IS]_A[IS]$|_BIN2?$/i.test(collation)) throw new SqlError(448, `Invalid collation '${collation}'.`);
  const name = /_CI_/i.test(collation) ? 'NOCASE' : 'BINARY';
  return { sql: (e) => `(${operand.sql(e)} COLLATE ${name})`, type: (e) => operand.type(e) };
}

function parsePrimary(c: Cursor, scope: Scope): Expression {
  const { kind, text } = c.peek();
  switch (kind) {
    case 'string':
      c.take();
      return { sql: () => literal(text.replaceAll('\0', '')), type: () => textType(text.length) };
    case 'number':
      c.take();
      return { sql: () => text.replace(/^\./, '0.').replace(/\.$/, '.0'), type: () => numberType(text) };
    case 'binary': {
      c.take();
      const bytes = binaryOf(text);
      return {
        sql: () => `x'${bytes.toString('hex')}'`,
        type: () => ({ kind: 'varbinary', length: bytes.length || 1 }),
      };
    }
    case 'variable':
      c.take();
      if (text.startsWith('@@')) return globalVariable(text);
      return { sql: (e) => e.variable(text), type: (e) => e.variableType(text) };
    case 'operator':
      return parseParenthesis(c, scope);
    case 'word':
      if (text === 'NULL') {
        c.take();
        return { sql: () => 'NULL', type: () => undefined };
      }
      if (text === 'CASE') return parseCase(c, scope);
      if (text === 'EXISTS') {
        c.take();
        c.expect('(');
        const query = parseQuery(c, scope);
        c.expect(')');
        return { sql: (e) => `EXISTS (${query.sql(e)})`, type: () => INT };
      }
  }
  return parseCall(c, scope) ?? parseColumn(c, scope);
}

function parseParenthesis(c: Cursor, scope: Scope): Expression {
  c.expect('(');
  if (c.at('SELECT') || c.at('WITH')) {
    const query = parseQuery(c, scope);
    c.expect(')');
    return { sql: (e) => `(${query.sql(e)})`, type: (e) => query.columns(e)[0]?.type };
  }
  const inner = parseExpression(c, scope);
  c.expect(')');
  return { sql: (e) => `(${inner.sql(e)})`, type: (e) => inner.type(e) };
}

function parseCase(c: Cursor, scope: Scope): Expression {
  c.expect('CASE');
  const subject = c.at('WHEN') ? undefined : parseExpression(c, scope);
  const branches: [Expression, Expression][] = [];
  while (c.accept('WHEN')) {
    const when = parseExpression(c, scope);
    c.expect('THEN');
    branches.push([when, parseExpression(c, scope)]);
  }
  if (branches.length === 0) throw c.fail();
  const otherwise = c.accept('ELSE') ? parseExpression(c, scope) : undefined;
  c.expect('END');
  const results = [...branches.map(([, result]) => result), ...(otherwise ? [otherwise] : [])];
  return {
    type: (e) => commonType(results.map((result) => result.type(e))),
    sql: (e) => {
      const whens = branches.map(([when, then]) => `WHEN ${when.sql(e)} THEN ${then.sql(e)}`).join(' ');
      const tail = otherwise ? ` ELSE ${otherwise.sql(e)}` : '';
      return `CASE ${subject ? `${collated(e, subject)} ` : ''}${whens}${tail} END`;
    },
  };
}

export function commonType(types: (SqlType | undefined)[]): SqlType | undefined {
  const [first, ...rest] = types.filter((type) => type !== undefined);
  return rest.reduce((sum, type) => {
    if (sum?.kind === 'nvarchar' && type.kind === 'nvarchar') {
      return sum.length === MAX || (type.length !== MAX && sum.length >= type.length) ? sum : type;
    }
    return sum?.kind === type.kind && sum.kind !== 'decimal' && sum.kind !== 'int' ? sum : resultType(sum, '+', type);
  }, first);
}

function parseColumn(c: Cursor, scope: Scope): Expression {
  const parts = c.names(4);
  const column = parts.at(-1) ?? '';
  const qualifier = parts.at(-2);
  const name = qualifier === undefined ? quote(column) : `${quote(qualifier)}.${quote(column)}`;
  return { sql: () => name, type: (e) => e.columnType(scope, qualifier, column), column };
}

export const cast = (operand: Expression, type: SqlType, style?: Expression, lenient = false): Expression => ({
  sql: (e) =>
    `tsql_cast(${operand.sql(e)}, ${literal(writeType(type))}, ${style?.sql(e) ?? 'NULL'}, ${lenient ? 1 : 0})`,
  type: () => type,
});

export const textType = (length: number): SqlType => ({
  kind: 'nvarchar',
  length: length > 4000 ? MAX : Math.max(1, length),
});

function numberType(text: string): SqlType {
  if (/e/i.test(text)) return FLOAT;
  const [whole = '', digits] = text.split('.');
  if (digits !== undefined)
    return { kind: 'decimal', precision: Math.min(38, whole.length + digits.length), scale: digits.length };
  return Number(text) > 2_147_483_647 ? BIGINT : INT;
}

const GLOBALS: Record<string, SqlType> = {
  '@@spid': { kind: 'int', bytes: 2 },
  '@@version': { kind: 'nvarchar', length: 300 },
  '@@trancount': INT,
  '@@rowcount': INT,
  '@@error': INT,
  '@@identity': BIGINT,
  '@@servername': { kind: 'nvarchar', length: 128 },
  '@@lock_timeout': INT,
};

function globalVariable(name: string): Expression {
  const type = Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : undefined;
  if (!type) throw new SqlError(137, `Must declare the scalar variable "${name}".`, 15);
  return { sql: () => `tsql_global(${literal(name)})`, type: () => type };
}
