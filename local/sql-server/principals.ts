import { randomBytes } from 'node:crypto';
import {
  addMember,
  deletePrincipal,
  hasMembers,
  insertPrincipal,
  nextId,
  type Principal,
  principalByName,
  principalBySid,
  removeMember,
  rolesOf,
  schemaOwnedBy,
} from './catalog.ts';
import { DBO, PUBLIC, roleSid } from './catalog-schema.ts';
import { DATABASE, isOwner, may, SecurableClass } from './permissions.ts';
import { missingOrForbidden, notPermitted, SqlError } from './server-error.ts';
import { OF_OTHERS, type Session } from './session.ts';
import type { Sqlite } from './sqlite.ts';
import { datetimeText } from './tds/date-text.ts';
import type { Statement } from './tsql/statement.ts';

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

const exists = (name: string) =>
  new SqlError(15023, `User, group, or role '${name}' already exists in the current database.`);

/** Users and roles. Each of these runs inside a write to the catalog, and may throw half-way: the write is undone. */
export function createUser(session: Session, on: Sqlite, { name, sid, type }: Of<'create-user'>) {
  if (!may(session.rights(), 'ALTER ANY USER')) throw notPermitted();
  if (principalByName(on, name)) throw exists(name);
  const own = sid ?? randomBytes(28);
  if (sid && principalBySid(on, sid))
    throw new SqlError(15063, 'The login already has an account under a different user name.');
  if (sid && sid.length !== 16) throw new SqlError(15419, `Supplied parameter sid should be binary(16).`);
  const id = nextId(on, 'principal');
  const now = datetimeText(session.database.now());
  insertPrincipal(on, { id, name, type, sid: own, ownerId: null, authentication: sid ? 4 : 0, now });
  on.run(
    "INSERT INTO sys.permission VALUES (?, 0, ?, ?, 'CONNECT', 'G')",
    ...[BigInt(SecurableClass.database), BigInt(id), BigInt(DBO)],
  );
}

export function dropUser(session: Session, on: Sqlite, { name, ifExists }: Of<'drop-user'>) {
  const user = principalByName(on, name);
  if (!user && ifExists) return;
  if (user && user.id <= 4 && user.type !== 'R') throw new SqlError(15150, `Cannot drop the user '${name}'.`);
  if (!user || user.type === 'R' || !mayDrop(session, user, 'ALTER ANY USER')) {
    throw missingOrForbidden('drop', 'user', name);
  }
  refuseOwner(on, user);
  deletePrincipal(on, user.id);
}

function refuseOwner(on: Sqlite, principal: Principal) {
  if (schemaOwnedBy(on, principal.id)) {
    throw new SqlError(15138, 'The database principal owns a schema in the database, and cannot be dropped.');
  }
  if (on.get("SELECT 1 AS one FROM sys.principal WHERE owner_id = ? AND type = 'R'", BigInt(principal.id))) {
    throw new SqlError(15421, 'The database principal owns a database role and cannot be dropped.');
  }
}

export function createRole(session: Session, on: Sqlite, { name, owner }: Of<'create-role'>) {
  if (!may(session.rights(), 'CREATE ROLE')) throw notPermitted();
  if (principalByName(on, name)) throw exists(name);
  const ownerId = owner === undefined ? session.principalId : principalByName(on, owner)?.id;
  if (ownerId === undefined) throw missingOrForbidden('find', 'principal', owner ?? '');
  const id = nextId(on, 'principal');
  const now = datetimeText(session.database.now());
  insertPrincipal(on, { id, name, type: 'R', sid: roleSid(id), ownerId, authentication: 0, now });
}

export function dropRole(session: Session, on: Sqlite, { name, ifExists }: Of<'drop-role'>) {
  const role = principalByName(on, name);
  if (!role && ifExists) return;
  if (role?.type === 'R' && (role.fixed || role.id === PUBLIC))
    throw new SqlError(15150, `Cannot drop the role '${name}'.`);
  if (role?.type !== 'R' || !mayDrop(session, role, 'ALTER ANY ROLE')) throw missingOrForbidden('drop', 'role', name);
  if (hasMembers(on, role.id))
    throw new SqlError(15144, 'The role has members. It must be empty before it can be dropped.');
  refuseOwner(on, role);
  deletePrincipal(on, role.id);
}

/** ALTER on a role lets one change who is in it, not do away with it. */
const mayDrop = (session: Session, principal: Principal, any: string) =>
  may(session.rights(), any) || may(session.rights(), 'CONTROL', { class: 'principal', principal });

/** Membership of the fixed roles is for db_owner alone. */
function mayAlter(session: Session, role: Principal): boolean {
  const rights = session.rights();
  return role.fixed ? isOwner(rights) : may(rights, 'ALTER', { class: 'principal', principal: role });
}

export function alterRole(
  session: Session,
  on: Sqlite,
  { role: roleName, verb, member: memberName }: Of<'alter-role'>,
) {
  const role = principalByName(on, roleName);
  if (role?.id === PUBLIC) throw new SqlError(15081, 'Membership of the public role cannot be changed.');
  if (role?.type !== 'R' || !mayAlter(session, role)) throw missingOrForbidden('alter', 'role', roleName);
  const member = principalByName(on, memberName);
  const act = verb === 'ADD' ? 'add' : 'drop';
  if (!member) throw missingOrForbidden(act, 'principal', memberName);
  if (member.id <= 4 || member.fixed) throw new SqlError(15405, `Cannot use the special principal '${memberName}'.`);
  if (verb === 'DROP') {
    if (!removeMember(on, role.id, member.id)) throw missingOrForbidden('drop', 'principal', memberName);
  } else {
    if (rolesOf(on, role.id).includes(member.id)) throw new SqlError(15413, 'Cannot make a role a member of itself.');
    addMember(on, role.id, member.id);
  }
  return session.rights().held.has(member.id) ? undefined : OF_OTHERS;
}

export function createSchema(session: Session, on: Sqlite, { name, owner }: Of<'create-schema'>) {
  if (!may(session.rights(), 'CREATE SCHEMA')) {
    throw new SqlError(262, `CREATE SCHEMA permission denied in database '${session.database.name}'.`, 14);
  }
  const ownerId = owner === undefined ? session.principalId : principalByName(on, owner)?.id;
  if (ownerId === undefined) throw missingOrForbidden('find', 'user', owner ?? '');
  if (on.get('SELECT 1 AS one FROM sys.schema WHERE name = ?', name)) {
    throw new SqlError(2714, `There is already an object named '${name}' in the database.`);
  }
  on.run('INSERT INTO sys.schema VALUES (?, ?, ?)', BigInt(nextId(on, 'schema')), name, BigInt(ownerId));
}

export function dropSchema(session: Session, on: Sqlite, { name, ifExists }: Of<'drop-schema'>) {
  const row = on.get('SELECT schema_id FROM sys.schema WHERE name = ?', name);
  if (!row && ifExists) return;
  const id = row?.schema_id ?? null;
  if (id === null || Number(id) <= 4 || !may(session.rights(), 'ALTER ANY SCHEMA', DATABASE)) {
    throw missingOrForbidden('drop', 'schema', name);
  }
  if (on.get('SELECT 1 AS one FROM sys.object WHERE schema_id = ? LIMIT 1', id)) {
    throw new SqlError(3729, `Cannot drop schema '${name}' because it is being referenced by an object.`);
  }
  on.run('DELETE FROM sys.permission WHERE class = 3 AND major_id = ?', id);
  on.run('DELETE FROM sys.schema WHERE schema_id = ?', id);
}
