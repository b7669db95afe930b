import { objectByName, principalByName, schemaById, schemaByName } from './catalog.ts';
import { DBO } from './catalog-schema.ts';
import { DATABASE, DB_SECURITYADMIN, may, type Rights, type Securable, SecurableClass } from './permissions.ts';
import { missingOrForbidden, SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import type { Sqlite } from './sqlite.ts';
import type { SecurableName, Statement } from './tsql/statement.ts';

/** What can be granted on which kind of thing. */
const ON_DATABASE =
  /^(SELECT|INSERT|UPDATE|DELETE|REFERENCES|EXECUTE|ALTER|CONTROL|CONNECT|VIEW .*|ALTER ANY .*|CREATE .*|KILL .*)$/;
const ON_TABLE = /^(SELECT|INSERT|UPDATE|DELETE|REFERENCES|EXECUTE|ALTER|CONTROL|VIEW DEFINITION)$/;
const ON_PRINCIPAL = /^(ALTER|CONTROL|VIEW DEFINITION|IMPERSONATE)$/;

const grantable = (on: Securable) =>
  on.class === 'database' ? ON_DATABASE : on.class === 'principal' ? ON_PRINCIPAL : ON_TABLE;

/** GRANT, DENY and REVOKE: for whoever has CONTROL of the thing, and db_securityadmin. */
export function changePermissions(
  session: Session,
  catalog: Sqlite,
  statement: Extract<Statement, { kind: 'permission' }>,
) {
  const { verb, permissions, on: named, principals } = statement;
  const on = find(catalog, session, named);
  const rights = session.rights();
  if (!on || !mayGrant(rights, on)) throw missingOrForbidden('find', kindOf(named), nameOf(named));
  for (const permission of permissions) {
    if (!grantable(on).test(permission)) throw new SqlError(102, `Incorrect syntax near '${permission}'.`, 15);
  }
  for (const name of principals) {
    const grantee = principalByName(catalog, name);
    if (!grantee) throw missingOrForbidden('find', 'user', name);
    if (
      grantee.id === DBO ||
      grantee.fixed ||
      grantee.id === session.principalId ||
      grantee.id === 3 ||
      grantee.id === 4
    ) {
      throw new SqlError(
        4617,
        'Cannot grant, deny or revoke permissions to or from special roles, sa, dbo, entity owner, information_schema, sys, or yourself.',
      );
    }
    for (const permission of permissions) {
      const key = [BigInt(grantee.id), BigInt(SecurableClass[on.class]), BigInt(idOf(on)), permission];
      catalog.run(
        'DELETE FROM sys.permission WHERE grantee_principal_id = ? AND class = ? AND major_id = ? AND permission_name = ?',
        ...key,
      );
      if (verb === 'REVOKE') continue;
      catalog.run(
        'INSERT INTO sys.permission (grantee_principal_id, class, major_id, permission_name, grantor_principal_id, state) VALUES (?, ?, ?, ?, ?, ?)',
        ...[...key, BigInt(session.principalId), verb === 'GRANT' ? 'G' : 'D'],
      );
    }
  }
}

const mayGrant = (rights: Rights, on: Securable) => may(rights, 'CONTROL', on) || rights.held.has(DB_SECURITYADMIN);

const idOf = (on: Securable): number => {
  switch (on.class) {
    case 'database':
      return 0;
    case 'schema':
      return on.schema.id;
    case 'object':
      return on.object.id;
    case 'principal':
      return on.principal.id;
  }
};

const kindOf = (named: SecurableName) => named.class;
const nameOf = (named: SecurableName) =>
  named.class === 'object' ? named.name.name : named.class === 'database' ? (named.name ?? '') : named.name;

/** As the audit names it. */
export const describe = (named: SecurableName) =>
  named.class === 'database' ? 'DATABASE' : `${named.class.toUpperCase()}::${nameOf(named)}`;

function find(catalog: Sqlite, session: Session, named: SecurableName): Securable | undefined {
  switch (named.class) {
    case 'database':
      return named.name === undefined || named.name.toLowerCase() === session.database.name.toLowerCase()
        ? DATABASE
        : undefined;
    case 'schema': {
      const schema = schemaByName(catalog, named.name);
      return schema && { class: 'schema', schema };
    }
    case 'object': {
      const object = objectByName(catalog, named.name.schema, named.name.name);
      const schema = object && schemaById(catalog, object.schemaId);
      return object && schema ? { class: 'object', object, schema } : undefined;
    }
    default: {
      const principal = principalByName(catalog, named.name);
      return principal && (principal.type === 'R') === (named.class === 'role')
        ? { class: 'principal', principal }
        : undefined;
    }
  }
}
