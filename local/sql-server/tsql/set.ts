import { SqlError, unsupported } from '../server-error.ts';
import type { Cursor } from './cursor.ts';
import { innerScope } from './emit.ts';
import { parseExpression } from './expression.ts';
import type { Statement } from './statement.ts';

type Body = Statement extends infer S ? (S extends Statement ? Omit<S, 'line'> : never) : never;

/** What drivers set when they log in, with the only value that this server behaves by. Any other value is refused. */
const FIXED: Record<string, string[]> = {
  ANSI_NULLS: ['ON'],
  ANSI_NULL_DFLT_ON: ['ON'],
  ANSI_PADDING: ['ON'],
  ANSI_WARNINGS: ['ON'],
  ANSI_DEFAULTS: ['ON'],
  // These two change what happens on a division by zero, which is an error here in either case.
  ARITHABORT: ['ON', 'OFF'],
  CURSOR_CLOSE_ON_COMMIT: ['ON', 'OFF'],
  CONCAT_NULL_YIELDS_NULL: ['ON'],
  IMPLICIT_TRANSACTIONS: ['OFF'],
  NUMERIC_ROUNDABORT: ['OFF'],
  QUOTED_IDENTIFIER: ['ON'],
  DATEFIRST: ['7'],
  DATEFORMAT: ['MDY'],
  LANGUAGE: ['US_ENGLISH', 'ENGLISH'],
  ROWCOUNT: ['0'],
};

export function parseSet(c: Cursor): Body {
  if (c.atKind('variable')) {
    const name = c.variable();
    c.expect('=');
    return { kind: 'assign', name, value: parseExpression(c, innerScope()) };
  }
  const { text: option, raw } = c.take();
  switch (option) {
    case 'XACT_ABORT':
    case 'NOCOUNT':
      return { kind: 'option', name: option, on: parseOnOff(c) };
    case 'LOCK_TIMEOUT':
      return { kind: 'lock-timeout', milliseconds: c.integer() };
    case 'TEXTSIZE':
      c.integer();
      return { kind: 'nothing' };
    case 'IDENTITY_INSERT': {
      const table = c.objectName();
      return { kind: 'identity-insert', table, on: parseOnOff(c) };
    }
    case 'TRANSACTION':
      c.expect('ISOLATION', 'LEVEL');
      if (c.accept('READ', 'COMMITTED') || c.accept('READ', 'UNCOMMITTED')) return { kind: 'isolation', strict: false };
      if (c.accept('REPEATABLE', 'READ') || c.accept('SERIALIZABLE')) return { kind: 'isolation', strict: true };
      throw unsupported(`ISOLATION LEVEL ${c.peek().raw}`);
  }
  const allowed = Object.hasOwn(FIXED, option) ? FIXED[option] : undefined;
  if (!allowed) throw new SqlError(195, `'${raw}' is not a recognized SET option.`, 15);
  do {
    const value = c.take();
    if (!allowed.includes(value.text.toUpperCase())) throw unsupported(`SET ${raw} ${value.raw}`);
  } while (c.accept(','));
  return { kind: 'nothing' };
}

function parseOnOff(c: Cursor): boolean {
  const value = c.acceptAny('ON', 'OFF');
  if (!value) throw c.fail();
  return value === 'ON';
}
