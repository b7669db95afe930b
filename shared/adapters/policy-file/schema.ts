import { z } from 'zod';
import {
  authentication,
  count,
  duration,
  hours,
  isFilled,
  limits,
  name,
  objectId,
  reason,
  refuse,
  saysSomething,
  start,
  text,
  ticket,
  timeZone,
  userPrincipalName,
} from './fields.ts';
import { entitlementForm, problemsOfKinds, targetFields } from './kinds.ts';
import { type Names, namedIn } from './names.ts';
import { roleProblems, sameNameTwice, stageProblems } from './relations.ts';

/**
 * The form of a policy file. Names are checked against those given; the JSON Schema for editors is made without them.
 */
export function policySchema(names: Partial<Names> = {}) {
  const { list, people, requesters, approvers } = namedIn(names);

  const stage = z
    .strictObject({
      approvers: approvers('Who may decide. Nobody decides on their own request.'),
      quorum: count(
        20,
        'How many distinct people have to approve; one person counts once in all stages together.',
      ).default(1),
      'time-out': duration('A request that nobody answers ends so long after the stage began.', ['24h', '4h']),
      reminders: z
        .array(duration('After the beginning of the stage, before its time-out.', ['4h', '12h']))
        .max(10, { error: 'list 10 reminders at most' })
        .default([])
        .describe('When those who have not answered are asked again.'),
      escalation: z
        .strictObject({
          after: duration('After the beginning of the stage, before its time-out.', ['8h']),
          to: approvers('Who is asked as well.'),
        })
        .optional()
        .describe('Who is asked too, where nobody has answered by then.'),
    })
    .superRefine((value, context) => stageProblems(value, context));
  const stages = z
    .array(stage)
    .min(1, { error: 'list a stage' })
    .max(10, { error: 'list 10 stages at most' })
    .describe('Passed one after the other, all of them.');

  const automaticApproval = z
    .strictObject({
      name: text(100, 'Stands in the events as who approved.'),
      requesters: requesters('For these of the requesters.').optional(),
      hours: hours.optional(),
      'duration-up-to': duration('For access so long or shorter.').optional(),
      'approved-before': z
        .strictObject({
          times: count(100, 'So often.'),
          within: duration('Within so long before now.', ['30d']),
        })
        .optional()
        .describe('People have approved the same role for the same person before.'),
    })
    .refine(hasCondition, { error: 'this has no condition; add requesters, hours, duration-up-to or approved-before' })
    .meta({ description: 'Approves without anybody asked, where all its conditions hold.', minProperties: 2 });

  const breakGlass = z
    .strictObject({
      'emergency-groups': list('emergency-groups')
        .min(1, { error: 'name an emergency group' })
        .describe('Whose members get access at once.'),
      maximum: duration('The longest that they get; no more than the role allows.', ['1h']),
      tell: people('Who is told at once.'),
      review: z
        .strictObject({
          by: people('Who looks at it afterwards.'),
          within: duration('They are reminded so often until they have.', ['24h']),
        })
        .describe('Access without approval is reviewed afterwards.'),
    })
    .describe('Access at once, without approval, even while the directory is down.');

  const role = z
    .strictObject({
      description: text(200, 'What the role allows, for requesters and approvers.'),
      entitlements: z
        .array(entitlementForm())
        .min(1, { error: 'list one entitlement or more' })
        .refine((all) => new Set(all.map((each) => JSON.stringify(each))).size === all.length, {
          error: 'an entitlement is listed twice; leave one out',
        })
        .meta({ description: 'Granted together and taken away together.', uniqueItems: true }),
      requesters: requesters('Who may ask for the role.'),
      duration: z
        .strictObject({
          default: duration('What a request gets that names no duration.'),
          maximum: duration('The longest that may be asked for: 30d at most.'),
          step: duration('What is asked for is a multiple of this.', ['15m']).prefault('1s'),
        })
        .describe('How long access lasts.'),
      start: start
        .prefault({ within: '30d' })
        .describe('How far ahead a start may be asked for; now: at approval only.'),
      reason: reason.prefault('required').describe('Whether a request has to say why, and at what length.'),
      ticket: ticket.optional(),
      authentication: authentication.optional(),
      approval: z
        .strictObject({
          'sign-in': z
            .enum(['required', 'not-needed'], { error: 'write required or not-needed' })
            .default('required')
            .describe('Whether an approver signs in, or holding the link from the mail is enough.'),
          stages,
        })
        .describe('Who has to say yes.'),
      'automatic-approval': z
        .array(automaticApproval)
        .default([])
        .superRefine((all, context) => sameNameTwice(all, context))
        .describe('The first that fits takes the place of all stages.'),
      'break-glass': breakGlass.optional(),
      limits: limits.optional(),
      extension: z
        .strictObject({
          times: count(100, 'How often a grant may be extended.'),
          'up-to': duration('How long it may become in all.', ['12h']),
        })
        .optional()
        .describe('Where left out, a grant is not extended.'),
      drift: z
        .enum(['report', 'remove'], { error: 'write report or remove' })
        .default('report')
        .describe(
          'What is done about members whom Curfew never granted the role: it is told once, or they are removed.',
        ),
      standing: z
        .array(objectId('object id of a person or group, or client id of an application,'))
        .max(1000, { error: 'list 1000 at most' })
        .default([])
        .describe('Members who belong there without Curfew.'),
    })
    .superRefine((value, context) => roleProblems(value, context));

  const target = z.strictObject({
    description: text(200, 'What the target is, for requesters and approvers.'),
    ...targetFields(),
    roles: z
      .record(name, role)
      .refine(isFilled, { error: 'add a role' })
      .meta({ description: 'What may be asked for, by name.', ...saysSomething }),
  });

  const never = z.literal('never', { error: 'write never' });
  const rule = z.strictObject({
    name: text(100, 'Stands in explanations.'),
    when: z
      .strictObject({
        targets: list('targets').min(1, { error: 'name a target' }).optional().describe('For these targets.'),
        roles: list('roles').min(1, { error: 'name a role' }).optional().describe('For these roles.'),
        requesters: requesters('For these people and applications.').optional(),
        'longer-than': duration('For access that lasts longer.', ['4h']).optional(),
      })
      .default({})
      .describe('All of it must hold; where left out, always.'),
    // biome-ignore lint/suspicious/noThenProperty: the file's own word; nothing awaits it.
    then: z
      .strictObject({
        maximum: duration('The longest that may be asked for.').optional(),
        start: start.optional().describe('How far ahead a start may be asked for; now: at approval only.'),
        reason: reason.optional().describe('Whether a request has to say why, and at what length.'),
        ticket: ticket.optional(),
        authentication: authentication.optional(),
        approval: z
          .strictObject({
            'sign-in': z.literal('required', { error: 'write required' }).optional(),
            stages: stages.optional(),
          })
          .refine(isFilled, { error: 'add sign-in or stages' })
          .meta({ description: 'The stages are added to the others.', ...saysSomething })
          .optional(),
        'automatic-approval': never.optional().describe('Nothing is approved without anybody asked.'),
        'break-glass': never.optional().describe('Nobody gets access without approval.'),
        limits: limits.optional(),
        extension: z
          .union(
            [
              never,
              z
                .strictObject({
                  times: count(100, 'How often a grant may be extended.').optional(),
                  'up-to': duration('How long it may become in all.', ['12h']).optional(),
                })
                .refine(isFilled, { error: 'add times or up-to' })
                .meta(saysSomething),
            ],
            { error: 'write never, or { times: 1, up-to: 12h }' },
          )
          .optional()
          .describe('Fewer extensions, shorter ones, or never any.'),
      })
      .refine(isFilled, { error: 'say what the rule asks for' })
      .meta({
        description: 'What is asked for beyond the role; where two differ, the stricter wins.',
        ...saysSomething,
      }),
  });

  return z
    .strictObject({
      version: z.literal(1, { error: 'write 1, the only version there is' }),
      'time-zone': timeZone.optional().describe('Whose time mails and pages show beside UTC.'),
      'time-zones': z
        .record(timeZone, z.array(userPrincipalName).min(1, { error: 'name a person' }))
        .default({})
        .superRefine((zones, context) => {
          const seen = new Set<string>();
          for (const [zone, users] of Object.entries(zones)) {
            for (const [index, user] of users.entries()) {
              if (seen.has(user.toLowerCase())) {
                refuse(context, 'same-name-twice', [zone, index], 'this person is here a second time; leave one out');
              }
              seen.add(user.toLowerCase());
            }
          }
        })
        .describe('Readers who live elsewhere, by time zone.'),
      groups: z
        .record(name, objectId('object id of the group'))
        .default({})
        .describe('Names for groups, and their object ids in Entra ID.'),
      applications: z
        .record(name, objectId('object id of the service principal'))
        .default({})
        .describe('Names for applications, and the object ids of their service principals in Entra ID.'),
      'emergency-groups': z
        .record(
          name,
          z
            .array(
              z.strictObject({
                'object-id': objectId('object id of the person'),
                user: userPrincipalName,
                name: text(100, 'Their name.'),
                mail: userPrincipalName.optional().describe('Their address; the user name where left out.'),
              }),
            )
            .min(1, { error: 'name a person' }),
        )
        .default({})
        .describe('Who may break the glass. They stand here, so that they count while the directory is down.'),
      targets: z
        .record(name, target)
        .refine(isFilled, { error: 'add a target' })
        .meta({ description: 'The databases, by name.', ...saysSomething }),
      rules: z
        .array(rule)
        .default([])
        .superRefine((all, context) => sameNameTwice(all, context))
        .describe('Each only ever asks for more than the roles do.'),
    })
    .superRefine(({ targets, rules }, context) => {
      for (const { path, message, reason } of problemsOfKinds(targets)) refuse(context, reason, [...path], message);
      for (const [index, { when }] of rules.entries()) {
        const of = Object.entries(targets).filter(([target]) => when.targets?.includes(target) ?? true);
        const offered = of.flatMap(([, { roles }]) => Object.keys(roles));
        for (const [at, wanted] of (when.roles ?? []).entries()) {
          if (of.length === 0 || offered.includes(wanted) || !names.roles?.includes(wanted)) continue;
          refuse(context, 'unknown-name', ['rules', index, 'when', 'roles', at], 'none of these targets has this role');
        }
      }
    })
    .meta({ title: 'Curfew policy' });
}

export type PolicyFile = z.infer<ReturnType<typeof policySchema>>;

function hasCondition(value: object): boolean {
  return Object.keys(value).length > 1;
}
