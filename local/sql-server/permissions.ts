import { type Principal, rolesOf, type Schema, type TableObject } from './catalog.ts';
import { DBO, PUBLIC } from './catalog-schema.ts';
import type { Sqlite } from './sqlite.ts';

/** What a principal may do, as it stands at one instant: its own grants and those of all its roles. */
export interface Rights {
  principalId: number;
  /** Itself, its roles and public. */
  held: ReadonlySet<number>;
  grants: readonly Grant[];
}

interface Grant {
  class: number;
  id: number;
  permission: string;
  deny: boolean;
}

export const SecurableClass = { database: 0, object: 1, schema: 3, principal: 4 } as const;

/** A thing on which permissions are held, and the things that it is in. */
export type Securable =
  | { class: 'database' }
  | { class: 'schema'; schema: Schema }
  | { class: 'object'; object: TableObject; schema: Schema }
  | { class: 'principal'; principal: Principal };

export const DATABASE: Securable = { class: 'database' };

const FIXED: Record<number, { permission: string; deny?: true }[]> = {
  16384: [{ permission: 'CONTROL' }],
  16385: [{ permission: 'ALTER ANY USER' }, { permission: 'CREATE SCHEMA' }],
  16386: [{ permission: 'ALTER ANY ROLE' }, { permission: 'CREATE ROLE' }, { permission: 'VIEW DEFINITION' }],
  16387: [{ permission: 'ALTER ANY SCHEMA' }, { permission: 'CREATE TABLE' }, { permission: 'CREATE SCHEMA' }],
  16390: [{ permission: 'SELECT' }],
  16391: [{ permission: 'INSERT' }, { permission: 'UPDATE' }, { permission: 'DELETE' }],
  16392: [{ permission: 'SELECT', deny: true }],
  16393: ['INSERT', 'UPDATE', 'DELETE'].map((permission) => ({ permission, deny: true as const })),
};
export const DB_OWNER = 16384;
export const DB_SECURITYADMIN = 16386;

export function readRights(catalog: Sqlite, principalId: number): Rights {
  const held = new Set([...rolesOf(catalog, principalId), PUBLIC]);
  const marks = [...held].map(() => '?').join(', ');
  const rows = catalog.all(
    `SELECT class, major_id, permission_name, state FROM sys.permission WHERE grantee_principal_id IN (${marks})`,
    ...[...held].map(BigInt),
  );
  const grants: Grant[] = rows.map((row) => ({
    class: Number(row.class),
    id: Number(row.major_id),
    permission: String(row.permission_name),
    deny: row.state === 'D',
  }));
  for (const role of held) {
    for (const { permission, deny = false } of FIXED[role] ?? []) {
      grants.push({ class: SecurableClass.database, id: 0, permission, deny });
    }
  }
  return { principalId, held, grants };
}

export const isOwner = (rights: Rights) => rights.principalId === DBO || rights.held.has(DB_OWNER);

/** Permissions of the database that imply another of the database. */
const IMPLIED_BY: Record<string, string[]> = {
  'CREATE ROLE': ['ALTER ANY ROLE'],
  'CREATE SCHEMA': ['ALTER ANY SCHEMA'],
  'VIEW DATABASE SECURITY STATE': ['VIEW DATABASE STATE'],
  'VIEW DATABASE PERFORMANCE STATE': ['VIEW DATABASE STATE'],
};
const ALTERING = /^(ALTER ANY .*|CREATE (TABLE|SCHEMA|ROLE))$/;

type Source = [securableClass: number, id: number, permissions: string[]];

function onDatabase(permissions: string[]): Source {
  const wanted = new Set([...permissions, 'CONTROL']);
  for (const permission of permissions) {
    for (const implying of IMPLIED_BY[permission] ?? []) wanted.add(implying);
    if (ALTERING.test(permission) || permission === 'ALTER') wanted.add('ALTER');
  }
  return [SecurableClass.database, 0, [...wanted]];
}

/** Where a permission may have been granted or denied, from the thing itself up to the database. */
function sources(permission: string, on: Securable): Source[] {
  switch (on.class) {
    case 'database':
      return [onDatabase([permission])];
    case 'schema':
      return [
        [SecurableClass.schema, on.schema.id, [permission, 'CONTROL']],
        onDatabase(permission === 'ALTER' ? ['ALTER ANY SCHEMA'] : [permission]),
      ];
    case 'object':
      return [
        [SecurableClass.object, on.object.id, [permission, 'CONTROL']],
        ...sources(permission, { class: 'schema', schema: on.schema }),
      ];
    case 'principal': {
      const any = on.principal.type === 'R' ? 'ALTER ANY ROLE' : 'ALTER ANY USER';
      return [
        [SecurableClass.principal, on.principal.id, [permission, 'CONTROL']],
        onDatabase(permission === 'ALTER' ? [any] : [permission]),
      ];
    }
  }
}

function owns(rights: Rights, on: Securable): boolean {
  if (on.class === 'principal') return on.principal.type === 'R' && rights.held.has(on.principal.ownerId);
  return (on.class === 'schema' || on.class === 'object') && rights.held.has(on.schema.ownerId);
}

/** DENY wins over every GRANT, for all but dbo and owners. */
export function may(rights: Rights, permission: string, on: Securable = DATABASE): boolean {
  if (rights.principalId === DBO || owns(rights, on)) return true;
  const wanted = sources(permission, on);
  const bears = ({ class: kind, id, permission: name }: Grant) =>
    wanted.some(([wantedClass, wantedId, names]) => wantedClass === kind && wantedId === id && names.includes(name));
  const found = rights.grants.filter(bears);
  return found.length > 0 && !found.some((grant) => grant.deny);
}

/** Metadata shows to whoever may read the definition, or holds anything at all on the thing. */
export const sees = (rights: Rights, on: Securable) =>
  may(rights, 'VIEW DEFINITION', on) ||
  ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'ALTER', 'CONTROL'].some((permission) => may(rights, permission, on));

const overview = new WeakMap<Rights, boolean>();

/** Whether every principal shows, so that none need be looked at. */
export function seesEverybody(rights: Rights): boolean {
  const known = overview.get(rights);
  if (known !== undefined) return known;
  const isHidden = rights.grants.some(({ class: kind, deny }) => kind === SecurableClass.principal && deny);
  const answer = !isHidden && may(rights, 'VIEW DEFINITION');
  overview.set(rights, answer);
  return answer;
}
