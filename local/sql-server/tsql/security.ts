import { SqlError, syntaxError, unsupported } from '../server-error.ts';
import type { Cursor } from './cursor.ts';
import type { SecurableName, Statement } from './statement.ts';

type Body<Kind extends Statement['kind']> = Omit<Extract<Statement, { kind: Kind }>, 'line'>;

/** CREATE USER … WITH SID = 0x…, TYPE = E | X; WITHOUT LOGIN for trying things out. */
export function parseCreateUser(c: Cursor): Body<'create-user'> | Body<'external-user'> {
  const name = c.name();
  if (c.accept('FROM', 'EXTERNAL', 'PROVIDER')) {
    if (c.at('WITH')) throw unsupported('FROM EXTERNAL PROVIDER WITH');
    return { kind: 'external-user', name };
  }
  const withoutLogin = c.accept('WITHOUT', 'LOGIN');
  const user: Body<'create-user'> = { kind: 'create-user', name, type: 'S' };
  if (c.accept('WITH')) {
    do {
      const option = c.take();
      c.expect('=');
      if (option.text === 'SID') user.sid = c.binary();
      else if (option.text === 'TYPE') user.type = parseUserType(c);
      else if (option.text === 'DEFAULT_SCHEMA') user.defaultSchema = c.name();
      else throw unsupported(option.raw);
    } while (c.accept(','));
  }
  if (withoutLogin ? user.sid !== undefined : user.sid === undefined || user.type === 'S') {
    throw unsupported('CREATE USER without SID and TYPE');
  }
  return user;
}

function parseUserType(c: Cursor): 'E' | 'X' {
  const type = c.acceptAny('E', 'X');
  if (type !== 'E' && type !== 'X') throw c.fail();
  return type;
}

export function parseAlterRole(c: Cursor): Body<'alter-role'> {
  const role = c.name();
  const verb = c.acceptAny('ADD', 'DROP');
  if (verb !== 'ADD' && verb !== 'DROP') throw c.at('WITH') ? unsupported('ALTER ROLE WITH NAME') : c.fail();
  c.expect('MEMBER');
  return { kind: 'alter-role', role, verb, member: c.name() };
}

const PERMISSIONS = new Set([
  ...[
    'SELECT',
    'INSERT',
    'UPDATE',
    'DELETE',
    'REFERENCES',
    'EXECUTE',
    'ALTER',
    'CONTROL',
    'VIEW DEFINITION',
    'CONNECT',
  ],
  ...['ALTER ANY USER', 'ALTER ANY ROLE', 'ALTER ANY SCHEMA', 'CREATE ROLE', 'CREATE SCHEMA', 'CREATE TABLE'],
  ...[
    'KILL DATABASE CONNECTION',
    'VIEW DATABASE STATE',
    'VIEW DATABASE SECURITY STATE',
    'VIEW DATABASE PERFORMANCE STATE',
  ],
  'IMPERSONATE',
]);

export function parsePermission(c: Cursor, verb: 'GRANT' | 'DENY' | 'REVOKE'): Body<'permission'> {
  if (c.at('GRANT', 'OPTION', 'FOR')) throw unsupported('GRANT OPTION FOR');
  const permissions: string[] = [];
  do {
    const words: string[] = [];
    while (c.atKind('word') && !c.at('ON') && !c.at('TO') && !c.at('FROM')) words.push(c.take().text);
    if (c.at('(')) throw unsupported('permission on columns');
    const permission = words.join(' ');
    if (!PERMISSIONS.has(permission)) throw syntaxError(words[0] ?? c.peek().raw);
    permissions.push(permission);
  } while (c.accept(','));
  const on: SecurableName = c.accept('ON') ? parseSecurable(c) : { class: 'database' };
  if (verb === 'REVOKE' ? !c.acceptAny('TO', 'FROM') : !c.accept('TO')) throw c.fail();
  const principals: string[] = [];
  do principals.push(c.accept('PUBLIC') ? 'public' : c.name());
  while (c.accept(','));
  if (c.at('WITH', 'GRANT', 'OPTION')) throw unsupported('WITH GRANT OPTION');
  if (verb !== 'GRANT') c.accept('CASCADE');
  return { kind: 'permission', verb, permissions, on, principals };
}

function parseSecurable(c: Cursor): SecurableName {
  if (c.peek(1).text !== '::') return { class: 'object', name: c.objectName() };
  const { text, raw } = c.take();
  c.take();
  switch (text) {
    case 'OBJECT':
      return { class: 'object', name: c.objectName() };
    case 'SCHEMA':
      return { class: 'schema', name: c.name() };
    case 'ROLE':
    case 'USER':
      return { class: text === 'ROLE' ? 'role' : 'user', name: c.name() };
    case 'DATABASE':
      return { class: 'database', name: c.name() };
    default:
      throw new SqlError(102, `Incorrect syntax near '${raw}'.`, 15);
  }
}
