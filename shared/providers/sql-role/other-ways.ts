import type { z } from 'zod';
import type { OtherWay } from '../../domain/events.ts';
import { type Database, firstRow, readRows } from './database.ts';
import { type Identity, principalIdOf } from './sid.ts';
import { nesting, nestingRow, seesRow, startRow } from './statements.ts';

/**
 * What gives the principal what the role gives, beside being its member: roles inside it, db_owner, the roles that it merely
 * wraps, and the groups of Entra ID in any of these. Permissions given to the user itself are not looked at, nor who
 * administers the server.
 */
export async function otherWaysOf(database: Database, role: string, principal: Identity): Promise<OtherWay[]> {
  const [sight, starts, members] = await database.send(nesting(role, principal));
  firstRow(seesRow, sight);
  const nested = readRows(nestingRow, members);
  const roots = readRows(startRow, starts);
  const own = roots.find(({ is_asked }) => is_asked === 1)?.id;
  const wrapped = reach(own === undefined ? [] : [own], (id) =>
    nested.filter((each) => each.id === id && each.is_wrapper === 1).map(({ role_id }) => role_id),
  );
  const same = reach([...roots.map(({ id }) => id), ...wrapped], (id) =>
    nested.filter((each) => each.role_id === id && each.type.startsWith('R')).map((each) => each.id),
  );
  const ways = nested.filter((each) => same.has(each.role_id)).flatMap((each) => wayBy(each, own));
  return [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()];
}

/** These, and all that is reached from them: a Set is gone through to its end, be it added to meanwhile. */
function reach(from: readonly number[], next: (id: number) => readonly number[]): Set<number> {
  const reached = new Set(from);
  for (const id of reached) for (const other of next(id)) reached.add(other);
  return reached;
}

/** Of a group its members are for the directory to say. */
function wayBy({ role, role_id, name, type, sid }: z.infer<typeof nestingRow>, own: number | undefined): OtherWay[] {
  if (type.startsWith('R')) return [];
  const groupId = type.startsWith('X') && sid ? principalIdOf(sid) : undefined;
  if (groupId !== undefined) return [{ kind: 'group', name, groupId }];
  // A membership of the role itself is what Curfew takes, and reads back.
  return type.startsWith('X') || role_id === own ? [] : [{ kind: 'role', name: role }];
}
