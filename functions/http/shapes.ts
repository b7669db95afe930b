import { z } from 'zod';
import { apiStateNames, apiStates } from '../../shared/domain/api-states.ts';
import type { DriftEvent } from '../../shared/domain/drift.ts';
import { type ErrorCode, errorCodes } from '../../shared/domain/errors.ts';
import type { Capacity, Channel, CurfewEvent } from '../../shared/domain/events.ts';
import type { ChainBreak } from '../../shared/domain/hash-chain.ts';
import type { RuleFinding } from '../../shared/domain/question.ts';
import { entitlementSchema } from '../../shared/providers/index.ts';
import { statusOf } from './problem.ts';

/**
 * What the API answers with. The OpenAPI document is made of these, and what the handlers give is checked against them by the
 * compiler. They are open: an answer may gain a property, and no client should mind.
 */

const instant = () =>
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    .meta({ format: 'date-time', examples: ['2026-11-21T09:00:00.000Z'] });
const length = () =>
  z
    .string()
    .regex(/^PT(?=.)(\d+H)?(\d+M)?(\d+S)?$/)
    .meta({ description: 'ISO 8601, in hours, minutes and seconds.', examples: ['PT1H30M'] });
const digest = () => z.string().regex(/^[0-9a-f]{64}$/);

export const requestId = z
  .string()
  .regex(/^req-[0-9a-hjkmnp-tv-z]{26}$/)
  .meta({ description: 'Names one request for ever.', examples: ['req-0e1w70w3gf1w70w3gf1w70w3gf'] });

const codeTable = Object.entries(errorCodes).map(
  ([code, [kind, sentence]]) => `| \`${code}\` | ${statusOf[code as ErrorCode]} | ${kind} | ${sentence} |`,
);
export const errorCode = z.enum(Object.keys(errorCodes) as ErrorCode[]).describe(
  `Match on these and never on a text. \`refused\`: the asker must change something; \`retryable\`: the same call may pass later; \`terminal\`: it never will.

| Code | Status | | |
|---|---|---|---|
${codeTable.join('\n')}`,
);

export const person = z
  .object({
    principalId: z.guid().describe('The object id in Entra ID.'),
    name: z.string(),
    userPrincipalName: z.string().describe('An application has none, and its display name in this place.'),
  })
  .meta({ description: 'A person, or an application by its service principal.' });

const capacity = z.enum(['requester', 'approver', 'revoker', 'administrator'] satisfies Capacity[]);

const stateTable = Object.entries(apiStates).map(([state, sentence]) => `| \`${state}\` | ${sentence} |`);
const requestState = z.enum(apiStateNames).describe(
  `Stable, names and meanings alike.

| State | |
|---|---|
${stateTable.join('\n')}`,
);

export const accessRequest = z
  .object({
    id: requestId,
    state: requestState,
    target: z.string(),
    role: z.string(),
    requester: person,
    submittedBy: person.optional().describe('The application that asked for the requester.'),
    reason: z.string(),
    ticket: z.string().optional(),
    duration: length().describe('What was asked for, or less where an approver allowed less.'),
    startsAt: instant().optional().describe('The booked start; the approval is the start where there is none.'),
    submittedAt: instant(),
    changedAt: instant(),
    extends: requestId.optional().describe('The request whose access this one is to extend.'),
    breakGlass: z.literal(true).optional().describe('Granted at once, without approval, and to be reviewed.'),
    stage: z
      .object({
        number: z.int().min(1),
        of: z.int().min(1),
        missing: z.int().describe('Approvals that it still needs.'),
      })
      .optional()
      .describe('The stage of approval that is open.'),
    approveBy: instant().optional().describe('When the open stage times out.'),
    approvers: z.array(person).describe('Who is asked in this stage.'),
    approvals: z.array(
      z.object({
        stage: z.int().min(1),
        by: person,
        through: z.enum(['link-and-sign-in', 'link', 'api'] satisfies Channel[]),
        comment: z.string(),
        at: instant(),
      }),
    ),
    decision: z
      .object({
        outcome: z.enum(['approved', 'denied']),
        by: person.optional(),
        rule: z.string().optional().describe('The automatic approval’s name, where no person decided.'),
        comment: z.string(),
        at: instant(),
      })
      .optional(),
    deadline: instant().optional().describe('When the access ends. Extensions alone move it.'),
    grantedAt: instant().optional().describe('When the target showed the access.'),
    alreadyHeld: z
      .boolean()
      .optional()
      .describe('The requester held a part of it before, and keeps that part afterwards.'),
    extensions: z
      .array(z.object({ request: requestId, deadline: instant(), at: instant() }))
      .describe('The requests that moved the deadline, and to when.'),
    movedTo: instant().optional().describe('Of an extension: to when it moved the other’s deadline.'),
    endedEarly: z.object({ by: person, as: capacity, reason: z.string() }).optional(),
    calledOff: z
      .object({ by: person, as: capacity, at: instant() })
      .optional()
      .describe('Who took it back before anything was granted.'),
    delay: z
      .object({ attempt: z.int(), code: errorCode, at: instant() })
      .optional()
      .describe('Why the access could not be taken away yet. It is tried again without end.'),
    revokedAt: instant().optional().describe('When the target, asked again, showed neither access nor session.'),
    latenessMilliseconds: z.number().optional().describe('From the deadline to the drop, by the target’s clock.'),
    stillBy: z
      .array(
        z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('role'), name: z.string() }),
          z.object({ kind: z.literal('group'), name: z.string(), groupId: z.string() }),
        ]),
      )
      .optional()
      .describe(
        'Curfew ended its part; these roles and groups of the target, which it did not give, still give the same.',
      ),
    stillUnknown: z.literal(true).optional().describe('Not all of what may still give the same could be found out.'),
    targetGone: z.literal(true).optional().describe('The target was deleted, as Azure Resource Manager says.'),
    failure: errorCode.optional().describe('Why it failed.'),
    review: z
      .literal('owed')
      .or(z.object({ by: person, comment: z.string(), at: instant() }))
      .optional()
      .describe('Of a broken glass.'),
    policyDigest: digest().describe('SHA-256 of the policy file that it was judged by.'),
  })
  .meta({ description: 'A request for access, and what has become of it. What does not apply (yet) is left out.' });

export const preview = accessRequest
  .omit({ id: true })
  .extend({
    dryRun: z.literal(true),
    plans: z.array(z.string()).describe('What granting would do, a sentence each.'),
    explanation: z
      .array(
        z.object({
          rule: z.string(),
          outcome: z.enum(['applies', 'does not apply'] satisfies RuleFinding['outcome'][]),
          sentence: z.string(),
        }),
      )
      .describe('What each rule of the policy had to say.'),
  })
  .meta({ description: 'The request as it would be. Nothing was done.' });

export const requestList = z.object({
  requests: z.array(accessRequest).describe('Newest first.'),
  next: z.string().optional().describe('Give it as `after` for the next page; there is none where it is left out.'),
});

export const role = z.object({
  id: z.string(),
  description: z.string(),
  defaultDuration: length(),
  maximumDuration: length(),
  step: length().describe('Durations are multiples of it.'),
  startsWithin: length().describe('How far ahead a start may lie.'),
  reasonLength: z.int().describe('How many visible characters a reason has at least.'),
  ticketExamples: z.array(z.string()).describe('A ticket matches the form of each; empty where none is needed.'),
  authentication: z
    .array(z.literal('mfa').or(z.templateLiteral(['c', z.int()])))
    .describe('What the token has to show: a second factor, or an authentication context of Conditional Access.'),
  extensions: z.int().describe('How often access may be extended.'),
  offered: z.boolean().describe('Whether it may be asked for without breaking the glass.'),
  breakGlass: z.boolean().describe('Whether the caller may break the glass for it.'),
});

export const targetList = z.object({
  targets: z.array(z.object({ id: z.string(), description: z.string(), roles: z.array(role) })),
});

const eventTypes = {
  'access-requested': true,
  'stage-began': true,
  'approval-escalated': true,
  'access-approved': true,
  'access-approved-automatically': true,
  'glass-broken': true,
  'access-denied': true,
  'request-withdrawn': true,
  'approval-timed-out': true,
  'grant-cancelled': true,
  'grant-refused': true,
  'grant-intended': true,
  'access-granted': true,
  'deadline-moved': true,
  'extension-applied': true,
  'revocation-began': true,
  'revocation-delayed': true,
  'access-revoked': true,
  'access-reviewed': true,
} as const satisfies Record<CurfewEvent['type'], true>;

export const recordedEvent = z
  .object({
    requestId,
    sequence: z.int().min(0),
    previousHash: digest(),
    event: z
      .looseObject({ type: z.enum(Object.keys(eventTypes) as CurfewEvent['type'][]), at: instant() })
      .describe('What happened, in the past tense, with all that was known then. Each type has properties of its own.'),
    hash: digest(),
  })
  .meta({
    description:
      'An event in its place in the request’s chain. `hash` is SHA-256 over the canonical JSON (RFC 8785) of the rest, and the first `previousHash` that of the request’s id.',
  });

const chain = z
  .literal('intact')
  .or(
    z.object({
      sequence: z.int(),
      problem: z.enum(['missing', 'altered', 'unlinked', 'foreign'] satisfies ChainBreak['problem'][]),
    }),
  )
  .describe('Whether the chain holds; or the first event that can’t be trusted.');

export const eventList = z.object({
  requestId,
  events: z.array(recordedEvent),
  chain,
});

const entitlement = entitlementSchema();
const holder = z
  .object({ principalId: z.string(), name: z.string() })
  .describe("As the target names them: an application by its client id, and whom Entra ID does not know by `''`.");
const driftTypes = {
  'drift-found': true,
  'drift-removed': true,
  'drift-gone': true,
} as const satisfies Record<DriftEvent['type'], true>;

export const driftList = z.object({
  targets: z.array(
    z.object({
      target: z.string(),
      open: z.array(z.object({ entitlement, holder })).describe('What was found and is there still.'),
      events: z.array(
        z
          .object({
            requestId: z
              .string()
              .regex(/^drift-/)
              .describe('The chain’s name: `drift-` and the target’s.'),
            sequence: z.int().min(0),
            previousHash: digest(),
            event: z
              .object({
                type: z.enum(Object.keys(driftTypes) as DriftEvent['type'][]),
                at: instant(),
                entitlement,
                holder,
              })
              .describe(
                'Of what was found, with the `action` that the policy wants; of what was removed, with evidence.',
              ),
            hash: digest(),
          })
          .describe('In its place in the target’s chain, which is made like a request’s.'),
      ),
      chain,
    }),
  ),
});

export const healthReport = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  checks: z.record(z.string(), z.enum(['works', 'fails'])),
});

export const problemDetails = z
  .object({
    type: z.string().describe('`urn:curfew:error:` and the code.'),
    title: z.string(),
    status: z.int(),
    code: errorCode,
    detail: z.string().optional().describe('One sentence for people.'),
    path: z.string().optional().describe('What it is about: a pointer into the body, or a parameter.'),
    remedy: z.string().optional().describe('What the caller can do about it: a sentence for people.'),
    remedyKind: z
      .string()
      .optional()
      .describe('The same for programs that say it in words of their own. More kinds may come.'),
    request: accessRequest.optional().describe('How the request stands, where a command came too late or was not due.'),
  })
  .meta({ description: 'Why something was refused or failed (RFC 9457).' });

export type ShownPerson = z.output<typeof person>;
export type ShownRequest = z.output<typeof accessRequest>;
export type ShownRole = z.output<typeof role>;
export type Preview = z.output<typeof preview>;
export type RequestList = z.output<typeof requestList>;
export type TargetList = z.output<typeof targetList>;
export type EventList = z.output<typeof eventList>;
export type DriftList = z.output<typeof driftList>;
export type HealthReport = z.output<typeof healthReport>;
export type ProblemDetails = z.output<typeof problemDetails>;
