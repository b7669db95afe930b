import { z } from 'zod';
import { type Authentication, ticketLength } from '../../domain/policy.ts';
import { parseDuration } from '../../domain/time.ts';
import { ticketPatternProblem } from './ticket-pattern.ts';

/** What only the parser refuses: JSON Schema has no words for it. Stands in the issue's `params.beyond`. */
export type BeyondJsonSchema =
  | 'unknown-name'
  | 'same-name-twice'
  | 'duration-range'
  | 'default-and-maximum'
  | 'after-the-time-out'
  | 'hours-backwards'
  | 'time-zone'
  | 'ticket-pattern'
  | 'ticket-example'
  | 'two-spellings'
  | 'another-resource'
  | 'fields-of-the-kind';

export function beyond(reason: BeyondJsonSchema): { params: { beyond: BeyondJsonSchema } } {
  return { params: { beyond: reason } };
}

/** For `superRefine`. */
export function refuse(
  context: { addIssue(issue: z.core.$ZodRawIssue): void },
  reason: BeyondJsonSchema,
  path: (string | number)[],
  message: string,
): void {
  context.addIssue({ code: 'custom', input: undefined, continue: true, path, message, ...beyond(reason) });
}

/** Whether an object says anything at all; with `saysSomething` for the JSON Schema. */
export function isFilled(value: object): boolean {
  return Object.keys(value).length > 0;
}
export const saysSomething = { minProperties: 1 };

export const name = z.string().regex(/^[a-z](?:[a-z0-9-]{0,62}[a-z0-9])?$/, {
  error: 'use lower-case letters, digits and hyphens, a letter first, 64 characters at most',
  abort: true,
});

/** `isSafeText` of the domain for one line, as a character class that JSON Schema can say too. */
const unsafe = String.raw`\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b\u2060-\u2064\ufeff\u{e0000}-\u{e007f}`;
export const plainLine = new RegExp(`^[^${unsafe}]*$`, 'u');

/** In characters, as JSON Schema counts them. */
function upTo(longest: number) {
  return [
    (value: string) => [...value].length <= longest,
    { error: `write ${longest} characters at most`, abort: true },
  ] as const;
}

/** `longest` in characters. */
export function text(longest: number, description: string, shape = /\S/, hint = 'write something here') {
  return z
    .string()
    .regex(shape, { error: hint })
    .regex(plainLine, {
      error: 'has control characters or characters that reorder or hide text; write one plain line',
    })
    .refine(...upTo(longest))
    .meta({ description, maxLength: longest });
}

export function objectId(description: string) {
  return z
    .string()
    .regex(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, {
      error: `write the ${description} in Entra ID, a GUID`,
    })
    .meta({ description: `The ${description} in Entra ID.`, examples: ['b0000000-0000-4000-8000-000000000001'] });
}

export const userPrincipalName = z
  .string()
  .regex(new RegExp(`^[^\\s@,;<>"${unsafe}]+@[^\\s@,;<>"${unsafe}]+$`, 'u'), {
    error: 'write a user principal name such as ada@contoso.example',
  })
  .refine(...upTo(256))
  .meta({ maxLength: 256, description: 'A user principal name.', examples: ['ada@contoso.example'] });

/** No access is for longer, and no request waits longer for an answer. Milliseconds. */
const longestDuration = 30 * 86_400_000;
const durationForm =
  /^(?=[0-9])(?:[0-9]{1,6}w ?)?(?:[0-9]{1,6}d ?)?(?:[0-9]{1,6}h ?)?(?:[0-9]{1,6}m ?)?(?:[0-9]{1,7}s)?$|^P(?=[0-9T])(?:[0-9]{1,6}W)?(?:[0-9]{1,6}D)?(?:T(?=[0-9])(?:[0-9]{1,6}H)?(?:[0-9]{1,6}M)?(?:[0-9]{1,7}S)?)?$/;

/** In milliseconds. */
export function duration(description: string, examples = ['1h', '90m', '2d']) {
  return z
    .string({ error: 'write a duration such as 90m, 8h or 2d' })
    .regex(durationForm, { error: 'write a duration of whole seconds or more, such as 90m, 8h or 2d', abort: true })
    .meta({ description, examples })
    .transform((value, context) => {
      const milliseconds = parseDuration(value) ?? 0;
      if (milliseconds < 1000) refuse(context, 'duration-range', [], 'write one second (1s) or more');
      if (milliseconds > longestDuration) refuse(context, 'duration-range', [], 'write 30 days (30d) or less');
      return milliseconds;
    });
}

export function count(most: number, description: string) {
  const error = `write a whole number from 1 to ${most.toLocaleString('en')}`;
  return z.int({ error }).min(1, { error }).max(most, { error }).describe(description);
}

/** Minutes after midnight. */
export function timeOfDay(description: string, form: RegExp, examples: string[]) {
  return z
    .string({ error: `write a time in quotes, such as '${examples[0]}'` })
    .regex(form, { error: `write a time such as '${examples[0]}'`, abort: true })
    .meta({ description, examples })
    .transform((value) => Number(value.slice(0, 2)) * 60 + Number(value.slice(3)));
}

export const timeZone = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/, {
    error: 'write the IANA name of a time zone, such as Europe/Berlin',
    abort: true,
  })
  .refine(isTimeZone, {
    error: 'no time zone has this name; write one such as Europe/Berlin or UTC',
    ...beyond('time-zone'),
  })
  .meta({ description: 'IANA name of a time zone.', examples: ['Europe/Berlin', 'Asia/Kolkata', 'UTC'] });

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined;
  } catch {
    return false;
  }
}

export const ticket = z
  .strictObject({
    pattern: z
      .string()
      .min(1, { error: 'write a regular expression', abort: true })
      .refine(...upTo(200))
      .superRefine((value, context) => {
        const problem = ticketPatternProblem(value);
        if (problem !== undefined) refuse(context, 'ticket-pattern', [], problem);
      })
      .meta({
        maxLength: 200,
        description: 'A regular expression for the whole ticket, without look-around and back-references.',
        examples: ['INC-\\d{6}'],
      }),
    example: text(ticketLength, 'A ticket that matches; people are shown it.'),
  })
  .superRefine(({ pattern, example }, context) => {
    if (ticketPatternProblem(pattern) === undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(example)) {
      refuse(context, 'ticket-example', ['example'], 'this does not match the pattern; correct the one or the other');
    }
  })
  .describe('The form of the ticket that a request has to name.');

/** Gives the least number of characters. */
export const reason = z
  .union(
    [
      z.enum(['required', 'optional']),
      z.strictObject({ 'minimum-length': count(1000, 'Characters that the reason has at least.') }),
    ],
    { error: 'write required, optional or { minimum-length: 10 }' },
  )
  .transform((value) => (value === 'optional' ? 0 : value === 'required' ? 1 : value['minimum-length']));

/** Gives how far ahead, in milliseconds. */
export const start = z
  .union([z.literal('now'), z.strictObject({ within: duration('How far ahead a start may lie.', ['7d', '30d']) })], {
    error: 'write now, or { within: 7d }',
  })
  .transform((value) => (value === 'now' ? 0 : value.within));

export const need = z
  .string()
  .regex(/^(?:mfa|c[1-9][0-9]?)$/, { error: 'write mfa, or an authentication context from c1 to c99', abort: true })
  .transform((value) => value as Authentication)
  .meta({ examples: ['mfa', 'c1'] });

export const authentication = z
  .strictObject({
    asking: z.array(need).optional().describe('What whoever asks has proven.'),
    deciding: z.array(need).optional().describe('What whoever approves or denies has proven.'),
  })
  .refine(isFilled, { error: 'add asking or deciding' })
  .meta({
    description: 'mfa (a second factor), or authentication contexts of Conditional Access such as c1.',
    ...saysSomething,
  });

export const limits = z
  .strictObject({
    'per-person': count(1000, 'So many grants of the role one person holds at once.').optional(),
    'per-role': count(1000, 'So many grants of the role are held at once by all together.').optional(),
  })
  .refine(isFilled, { error: 'add per-person or per-role' })
  .meta({
    description: 'How many grants of the role may be held at once; any number where left out.',
    ...saysSomething,
  });

export const hours = z
  .strictObject({
    days: z
      .array(
        z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], {
          error: 'write mon, tue, wed, thu, fri, sat or sun',
        }),
      )
      .min(1, { error: 'name a day' })
      .describe('Days of the week, in the time zone.'),
    from: timeOfDay('From this time of the day.', /^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, ['17:00', '00:00']),
    to: timeOfDay('Until this time of the same day.', /^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, [
      '24:00',
      '22:30',
    ]),
    'time-zone': timeZone,
  })
  .superRefine(({ from, to }, context) => {
    if (from >= to) {
      refuse(context, 'hours-backwards', ['to'], 'this is not after from; hours end on the day on which they begin');
    }
  })
  .describe('The whole of the access lies within these hours of one day.');
