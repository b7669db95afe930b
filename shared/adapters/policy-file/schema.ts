import { z } from 'zod';
import { isSafeText } from '../../domain/text.ts';
import { describeDuration, parseDuration } from '../../domain/time.ts';
import { quote, suggest } from './wording.ts';

/** No access is for longer, and no request waits longer for an answer. Milliseconds. */
const longestDuration = 30 * 86_400_000;

const nameHint = 'use lower-case letters, digits and hyphens, a letter first, 64 characters at most';
const name = z.string().regex(/^[a-z](?:[a-z0-9-]{0,62}[a-z0-9])?$/, { error: nameHint });

const text = (longest: number, description: string) =>
  z
    .string()
    .min(1, { error: 'write something here' })
    .max(longest, { error: `write ${longest} characters at most` })
    .refine((value) => isSafeText(value) && !/[\n\t]/.test(value), {
      error: 'has control characters or characters that reorder or hide text; write one plain line',
    })
    .refine((value) => value === '' || value.trim() !== '', { error: 'write something here' })
    .describe(description);

/** Names of things in SQL Server (`sysname`). Quoting them is the provider's business. */
const sqlName = (description: string) =>
  text(128, description).refine((value) => value === value.trim(), { error: 'take away the spaces around it' });

const duration = (description: string) =>
  z
    .string({ error: 'write a duration such as 90m, 8h or 2d' })
    .meta({ description, examples: ['1h', '90m', '2d'] })
    .transform((value, context) => {
      const milliseconds = parseDuration(value);
      const problem =
        milliseconds === undefined
          ? 'write a duration of whole seconds or more, such as 90m, 8h or 2d'
          : milliseconds < 1000
            ? 'write one second (1s) or more'
            : milliseconds > longestDuration
              ? 'write 30 days (30d) or less'
              : undefined;
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
      return milliseconds ?? z.NEVER;
    });

const entitlement = z
  .strictObject({ 'sql-role': sqlName('Membership of this database role in Azure SQL.') })
  .describe('One concrete thing that the role is made of.');

/**
 * The form of a policy file. Group names are checked against `groups` where that is given; the JSON Schema for editors
 * is made without it.
 */
export function policySchema(groups?: ReadonlySet<string>) {
  const groupName = z.string().refine((value) => groups?.has(value) ?? true, {
    error: ({ input }) =>
      `no group is named ${quote(input)} under groups; ${suggest(String(input), [...(groups ?? [])]) ?? 'add it there with its object id'}`,
  });
  const audience = (description: string) =>
    z
      .strictObject({
        groups: z.array(groupName).default([]).describe('Names from groups at the top of the file.'),
        people: z
          .array(
            z
              .string()
              .regex(/^[^\s@,;<>"]+@[^\s@,;<>"]+$/, {
                error: 'write a user principal name such as ada@contoso.example',
              })
              .refine(isSafeText, { error: 'has characters that reorder or hide text' }),
          )
          .default([])
          .describe('User principal names.'),
      })
      .refine(({ groups, people }) => groups.length + people.length > 0, {
        error: 'nobody is named; add a group or a person',
      })
      .describe(description);

  const role = z.strictObject({
    description: text(200, 'What the role allows, for requesters and approvers.'),
    entitlements: z
      .array(entitlement)
      .min(1, { error: 'list one entitlement or more' })
      .refine((all) => new Set(all.map((each) => each['sql-role'])).size === all.length, {
        error: 'an entitlement is listed twice; leave one out',
      }),
    requesters: audience('Who may ask for the role.'),
    duration: z
      .strictObject({
        default: duration('What a request gets that names no duration.'),
        maximum: duration('The longest that may be asked for: 30d at most.'),
      })
      .superRefine((value, context) => {
        if (value.default <= value.maximum) return;
        const [asked, most] = [describeDuration(value.default), describeDuration(value.maximum)];
        const message = `the default of ${asked} is over the maximum of ${most}; shorten the one or raise the other`;
        context.addIssue({ code: 'custom', path: ['default'], message });
      }),
    reason: z
      .enum(['required', 'optional'], { error: 'write required or optional' })
      .default('required')
      .describe('Whether a request has to say why.'),
    approval: z.strictObject({
      approvers: audience('Who may decide. Nobody decides on their own request.'),
      'time-out': duration('A request that nobody answers ends after this time.'),
    }),
  });

  const target = z.strictObject({
    description: text(200, 'What the target is, for requesters and approvers.'),
    server: z
      .string()
      .max(253, { error: 'write 253 characters at most' })
      .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i, { error: 'write a host name such as orders.database.windows.net' })
      .describe('Host name of the server.'),
    port: z
      .int({ error: 'write a port from 1 to 65535' })
      .min(1, { error: 'write a port from 1 to 65535' })
      .max(65535, { error: 'write a port from 1 to 65535' })
      .default(1433),
    database: sqlName('Name of the database.'),
    roles: z.record(name, role).refine(hasMembers, { error: 'add a role' }).describe('What may be asked for, by name.'),
  });

  return z
    .strictObject({
      version: z.literal(1, { error: 'write 1, the only version there is' }),
      groups: z
        .record(name, z.guid({ error: 'write the object id of the group in Entra ID, a GUID' }))
        .default({})
        .describe('Names for groups, and their object ids in Entra ID.'),
      targets: z.record(name, target).refine(hasMembers, { error: 'add a target' }).describe('The databases, by name.'),
    })
    .superRefine(({ targets }, context) => {
      for (const { path, message } of spelledTwoWays(targets)) context.addIssue({ code: 'custom', path, message });
    })
    .meta({ title: 'Curfew policy' });
}

export type PolicyFile = z.infer<ReturnType<typeof policySchema>>;

/**
 * Entitlements that differ in nothing but case. Databases mostly ignore it, and Curfew, which counts the holds on each
 * entitlement by its name, would then end one access while another still runs.
 */
function spelledTwoWays(targets: PolicyFile['targets']): { path: (string | number)[]; message: string }[] {
  const spellings = new Map<string, string>();
  return Object.entries(targets).flatMap(([targetName, { server, port, database, roles }]) =>
    Object.entries(roles).flatMap(([roleName, { entitlements }]) =>
      entitlements.flatMap((entitlement, index) => {
        const spelling = `${database}: ${entitlement['sql-role']}`;
        const key = `${server},${port}: ${spelling}`.toLowerCase();
        const before = spellings.get(key) ?? spelling;
        spellings.set(key, before);
        if (before === spelling) return [];
        const message = `${quote(spelling)} is written ${quote(before)} further up; databases mostly ignore case, so write both alike`;
        return [{ path: ['targets', targetName, 'roles', roleName, 'entitlements', index], message }];
      }),
    ),
  );
}

function hasMembers(value: object): boolean {
  return Object.keys(value).length > 0;
}
