import { z } from 'zod';
import { count, plainLine, text } from '../../adapters/policy-file/fields.ts';
import { quote } from '../../adapters/policy-file/wording.ts';
import type { FormProblem, PolicyForm, TargetOfKind } from '../policy-form.ts';
import type { SqlRoleEntitlement } from './entitlement.ts';

/** Names of things in SQL Server (`sysname`). Quoting them is the provider's business. */
function sqlName(description: string) {
  return text(128, description, /^\S(?:[\s\S]*\S)?$/, 'write a name without spaces around it');
}

/** Of one database on one server, in the names that ARM and Azure SQL allow. */
const resourceIdForm =
  /^\/subscriptions\/[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\/resource[gG]roups\/[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]\/providers\/[mM]icrosoft\.[sS]ql\/servers\/[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\/databases\/[^<>*%&:\\/?#\s](?:[^<>*%&:\\/?#]{0,126}[^<>*%&:\\/?#\s.])?$/u;

const resourceId = z
  .string()
  .regex(resourceIdForm, {
    error:
      'write the resource id of an Azure SQL database: /subscriptions/…/resourceGroups/…/providers/Microsoft.Sql/servers/…/databases/…',
    abort: true,
  })
  .regex(plainLine, { error: 'has control characters or characters that reorder or hide text; write one plain line' })
  .meta({
    description: 'Resource id of the database in Azure, by which Curfew can tell that it was deleted.',
    examples: [
      '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Sql/servers/orders/databases/orders',
    ],
  });

const target = {
  server: z
    .string()
    .max(253, { error: 'write 253 characters at most' })
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
      error: 'write a host name such as orders.database.windows.net',
    })
    .meta({ description: 'Host name of the server.', examples: ['orders.database.windows.net'] }),
  port: count(65_535, 'TCP port of the server.').default(1433),
  database: sqlName('Name of the database.'),
  'resource-id': resourceId.optional(),
};
const parsed = z.object({
  server: z.string(),
  port: z.int(),
  database: z.string(),
  'resource-id': z.string().optional(),
});
const roleName = z.string();

/** A database as a target, and the name of a role in it. */
export const sqlRoleForm: PolicyForm<SqlRoleEntitlement> = {
  target,
  entitlement: sqlName('Membership of this database role in Azure SQL.'),
  read(fields, value) {
    const { server, port, database } = parsed.parse(fields);
    // Host names ignore case; holds are counted by the name, so that there must be one spelling.
    return { kind: 'sql-role', server: server.toLowerCase(), port, database, role: roleName.parse(value) };
  },
  problems: (targets) => [...resourcesOfOthers(targets), ...spelledTwoWays(targets)],
};

/** What says of a database that it is deleted must not mean another one. A server's name is the first label of its host's. */
function resourcesOfOthers(targets: readonly TargetOfKind[]): FormProblem[] {
  return targets.flatMap(({ name, fields }): FormProblem[] => {
    const { server, database, 'resource-id': id } = parsed.parse(fields);
    const [, serverNamed, databaseNamed] = /\/servers\/(.+)\/databases\/(.+)$/i.exec(id ?? '') ?? [];
    const host = /^([^.]+)\.database\./i.exec(server)?.[1] ?? serverNamed;
    const isSame = [serverNamed, databaseNamed].join('/').toLowerCase() === [host, database].join('/').toLowerCase();
    if (id === undefined || isSame) return [];
    const message = `this names the database ${quote(databaseNamed)} on ${quote(serverNamed)}, which is another than the target's; correct the one or the other`;
    return [{ path: ['targets', name, 'resource-id'], message, reason: 'another-resource' }];
  });
}

/**
 * Entitlements that differ in nothing but case. Databases mostly ignore it, and Curfew, which counts the holds on each
 * entitlement by its name, would then end one access while another still runs.
 */
function spelledTwoWays(targets: readonly TargetOfKind[]): FormProblem[] {
  const spellings = new Map<string, string>();
  return targets.flatMap(({ fields, entitlements }) => {
    const { server, port, database } = parsed.parse(fields);
    return entitlements.flatMap(({ value, path }): FormProblem[] => {
      const spelling = `${database}: ${roleName.parse(value)}`;
      const key = `${server},${port}: ${spelling}`.toLowerCase();
      const before = spellings.get(key) ?? spelling;
      spellings.set(key, before);
      if (before === spelling) return [];
      const message = `${quote(spelling)} is written ${quote(before)} further up; databases mostly ignore case, so write both alike`;
      return [{ path, message, reason: 'two-spellings' }];
    });
  });
}
