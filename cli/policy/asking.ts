import { z } from 'zod';
import { duration, need } from '../../shared/adapters/policy-file/fields.ts';
import { type Names, namedIn } from '../../shared/adapters/policy-file/names.ts';
import type { readPolicyFile } from '../../shared/adapters/policy-file/read-policy.ts';
import { suggest } from '../../shared/adapters/policy-file/wording.ts';
import { offeredDemands } from '../../shared/domain/demands.ts';
import { type Evaluation, evaluatePolicy } from '../../shared/domain/evaluate.ts';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import type { Demands, Person } from '../../shared/domain/policy.ts';
import type { Question } from '../../shared/domain/question.ts';
import { foldCase } from '../../shared/domain/text.ts';
import { type Instant, instantOf, plus } from '../../shared/domain/time.ts';

export type PolicyDocument = ReturnType<typeof readPolicyFile>;

const instant = z.iso
  .datetime({ offset: true, error: 'write an instant such as 2026-01-05T12:00:00Z' })
  .transform((value) => instantOf(Date.parse(value)));
const held = z.int({ error: 'write a whole number' }).min(0, { error: 'write 0 or more' }).default(0);

/** A question in the words of the policy file: the options of `explain`, and what a case of `test` asks. */
export function askingFields(names: Partial<Names>) {
  const applications = names.applications ?? [];
  return {
    as: z.string().refine((value) => value.includes('@') || applications.includes(value), {
      error: ({ input }) =>
        suggest(String(input), applications) ??
        'write a user principal name such as ada@contoso.example, or the name of an application of the file',
    }),
    groups: namedIn(names).list('groups').default([]),
    'directory-down': z.boolean().default(false),
    target: z.string(),
    role: z.string(),
    duration: duration('').optional(),
    start: z
      .union([instant, duration('')], { error: 'write an instant such as 2026-01-05T12:00:00Z, or 2d for in two days' })
      .optional(),
    at: instant.optional(),
    reason: z.string().optional(),
    ticket: z.string().optional(),
    authentication: z.array(need).default([]),
    'break-glass': z.boolean().default(false),
    'held-by-person': held,
    'held-by-all': held,
    'approved-at': z.array(instant).default([]),
  };
}

export type Asking = z.infer<z.ZodObject<ReturnType<typeof askingFields>>>;

export interface Answer {
  readonly question: Question;
  readonly evaluation: Evaluation;
  /** What the role and all rules ask for, at this duration; undefined where there is no such role. */
  readonly demands: Demands | undefined;
  /** Which fields were left out and stand in as something that fits. */
  readonly placeholders: readonly string[];
}

/** Asks the policy. A reason and a ticket that are left out are taken to be such as the policy asks for. */
export function ask({ data: file, policy }: PolicyDocument, asking: Asking, now: Instant): Answer {
  const requester = personOf(asking.as, file);
  const groups = asking['directory-down'] ? 'unknown' : asking.groups.map((name) => lower(file.groups[name] ?? ''));
  const target = policy.targets.find(({ id }) => id === asking.target);
  const role = target?.roles.find(({ id }) => id === asking.role);
  const demandsAt = (duration: number) =>
    target && role && offeredDemands(policy, target, role, { requester, groups }, duration);

  const expected = demandsAt(asking.duration ?? role?.duration.default ?? 0);
  const reason = asking.reason ?? 'x'.repeat(Math.max(1, expected?.reasonLength ?? 1));
  const ticket = asking.ticket ?? fittingTicket(expected);
  const question: Question = {
    requester,
    groups,
    target: asking.target,
    role: asking.role,
    duration: asking.duration,
    startsAt: typeof asking.start === 'number' ? plus(now, asking.start) : asking.start,
    reason,
    ticket,
    breakGlass: asking['break-glass'],
    authentication: asking.authentication,
    history: {
      heldByPerson: asking['held-by-person'],
      heldByAll: asking['held-by-all'],
      approvedAt: asking['approved-at'],
    },
  };
  const evaluation = evaluatePolicy(policy, question, now);
  return {
    question,
    evaluation,
    demands: 'terms' in evaluation ? demandsAt(evaluation.terms.duration) : expected,
    placeholders: [
      ...(asking.reason === undefined ? [`a reason of ${reason.length} characters`] : []),
      ...(asking.ticket === undefined && ticket !== undefined ? [`the ticket ${ticket}`] : []),
    ],
  };
}

/** The example that fits every form, or else the first. */
function fittingTicket({ tickets }: Pick<Demands, 'tickets'> = { tickets: [] }): string | undefined {
  const fits = ({ example }: { example: string }) =>
    tickets.every(({ pattern }) => new RegExp(`^(?:${pattern})$`, 'u').test(example));
  return (tickets.find(fits) ?? tickets[0])?.example;
}

/** The file knows the object ids of applications and of the emergency groups' members alone; others match by name. */
function personOf(name: string, file: PolicyDocument['data']): Person {
  const application = file.applications[name];
  if (application !== undefined) {
    const id = lower(application);
    return { principalId: id, clientId: id, name, userPrincipalName: name, mail: '' };
  }
  const member = Object.values(file['emergency-groups'])
    .flat()
    .find(({ user }) => foldCase(user) === foldCase(name));
  const principalId = lower(member?.['object-id'] ?? '00000000-0000-4000-8000-000000000000');
  return { principalId, name: member?.name ?? name, userPrincipalName: name, mail: name };
}

function lower(guid: string): PrincipalId {
  return guid.toLowerCase() as PrincipalId;
}
