import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { type BeyondJsonSchema, plainLine } from '../../../../shared/adapters/policy-file/fields.ts';
import { policyJsonSchema } from '../../../../shared/adapters/policy-file/json-schema.ts';
import { namesIn } from '../../../../shared/adapters/policy-file/names.ts';
import { policySchema } from '../../../../shared/adapters/policy-file/schema.ts';
import { isSafeText } from '../../../../shared/domain/text.ts';

const sampleText = readFileSync(new URL('../../../../policy.sample.yaml', import.meta.url), 'utf8');
const sample: unknown = parse(sampleText);
const accepts = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(policyJsonSchema()));

test('policy.schema.json is what `npm run schema` writes', () => {
  const committed = readFileSync(new URL('../../../../policy.schema.json', import.meta.url), 'utf8');
  expect(committed).toBe(policyJsonSchema());
});

test('every field is described, or its values are', () => {
  const walk = (node: unknown, path: string): string[] => {
    if (typeof node !== 'object' || node === null) return [];
    const { properties = {}, description } = node as { properties?: Record<string, object>; description?: string };
    const bare = Object.entries(properties).filter(
      ([, field]) => !('description' in field) && !('const' in field) && !('additionalProperties' in field),
    );
    return [
      ...(description === '' ? [path] : []),
      ...bare.map(([key]) => `${path}.${key}`),
      ...Object.entries(node).flatMap(([key, inside]) => walk(inside, `${path}.${key}`)),
    ];
  };
  const anyOf = /\.anyOf\./;
  expect(walk(JSON.parse(policyJsonSchema()), '').filter((path) => !anyOf.test(path))).toEqual([]);
});

test('a plain line is safe text without breaks and tabs', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 5 }), (text) => {
      expect(plainLine.test(text)).toBe(isSafeText(text) && !/[\n\t]/.test(text));
    }),
  );
  for (let unit = 0; unit <= 0x10ffff; unit++) {
    const text = String.fromCodePoint(unit);
    if (plainLine.test(text) !== (isSafeText(text) && !/[\n\t]/.test(text))) expect.unreachable(unit.toString(16));
  }
});

type Tree = { [key: string]: Tree } | Tree[] | string | number | boolean | null;

const group = fc.constantFrom('analysts', 'owners');
const user = fc.constantFrom('ada@contoso.example', 'BOB@contoso.example', 'rené@contoso.example');
const duration = fc.constantFrom('1s', '15m', '1h', '1h 30m', 'PT2H', 'P1DT1S', '2d', '30d');
const name = fc.constantFrom('one', 'two', 'long access', 'é🙂');
const optional = <Model extends Record<string, fc.Arbitrary<unknown>>>(
  model: Model,
  ...requiredKeys: (keyof Model)[]
) => fc.record<Record<string, unknown>, string>(model, { requiredKeys: requiredKeys.map(String) });
const some = <Value>(value: fc.Arbitrary<Value>, maxLength = 3) => fc.array(value, { minLength: 1, maxLength });
const one = (...choices: fc.Arbitrary<Record<string, unknown>>[]) => fc.oneof(...choices);

const people = one(
  optional({ groups: some(group), people: fc.array(user) }, 'groups'),
  optional({ groups: fc.array(group), people: some(user) }, 'people'),
);
const requesters = one(
  people,
  optional({ applications: fc.constant(['nightly']), groups: fc.array(group) }, 'applications'),
);
const approvers = one(people, optional({ manager: fc.constant(true), people: fc.array(user) }, 'manager'));
const stage = optional(
  {
    approvers,
    quorum: fc.integer({ min: 1, max: 20 }),
    'time-out': fc.constantFrom('24h', '30d'),
    reminders: fc.array(fc.constantFrom('4h', '12h')),
    escalation: optional({ after: fc.constantFrom('8h'), to: approvers }, 'after', 'to'),
  },
  'approvers',
  'time-out',
);
const ticket = fc.constantFrom(
  { pattern: 'INC-\\d{6}', example: 'INC-004711' },
  { pattern: '(?:A|B)-\\d+', example: 'A-1' },
);
const needs = fc.array(fc.constantFrom('mfa', 'c1', 'c99'), { maxLength: 2 });
const authentication = one(
  optional({ asking: needs, deciding: needs }, 'asking'),
  optional({ asking: needs, deciding: needs }, 'deciding'),
);
const limit = fc.integer({ min: 1, max: 1000 });
const limits = one(
  optional({ 'per-person': limit, 'per-role': limit }, 'per-person'),
  optional({ 'per-role': limit }, 'per-role'),
);
const start = fc.constantFrom('now', { within: '7d' });
const reason = fc.constantFrom('required', 'optional', { 'minimum-length': 12 });
const hours = fc.constantFrom(
  { days: ['mon', 'sun'], from: '17:00', to: '24:00', 'time-zone': 'Europe/Berlin' },
  { days: ['fri'], from: '00:00', to: '23:59', 'time-zone': 'UTC' },
);
const conditions = {
  requesters,
  hours,
  'duration-up-to': duration,
  'approved-before': optional({ times: fc.integer({ min: 1, max: 100 }), within: duration }, 'times', 'within'),
};
const automatic = fc.uniqueArray(
  one(
    optional({ name, ...conditions }, 'name', 'hours'),
    optional({ name, ...conditions }, 'name', 'requesters'),
    optional({ name, ...conditions }, 'name', 'duration-up-to'),
  ),
  { selector: (each) => each.name, maxLength: 2 },
);
const role = optional(
  {
    description: name,
    entitlements: fc.constantFrom([{ 'sql-role': 'a' }], [{ 'sql-role': 'a' }, { 'sql-role': 'b c' }]),
    requesters,
    duration: fc.constantFrom({ default: '1h', maximum: '8h' }, { default: '30m', maximum: '1h', step: '15m' }),
    start,
    reason,
    ticket,
    authentication,
    approval: optional({ 'sign-in': fc.constantFrom('required', 'not-needed'), stages: some(stage, 2) }, 'stages'),
    'automatic-approval': automatic,
    'break-glass': optional(
      {
        'emergency-groups': fc.constant(['night-watch']),
        maximum: fc.constantFrom('1h', '15m'),
        tell: people,
        review: optional({ by: people, within: duration }, 'by', 'within'),
      },
      'emergency-groups',
      'maximum',
      'tell',
      'review',
    ),
    limits,
    extension: optional({ times: fc.integer({ min: 1, max: 100 }), 'up-to': duration }, 'times', 'up-to'),
  },
  'description',
  'entitlements',
  'requesters',
  'duration',
  'approval',
);
const demanded = {
  maximum: duration,
  start,
  reason,
  ticket,
  authentication,
  approval: one(
    optional({ 'sign-in': fc.constant('required'), stages: some(stage, 2) }, 'sign-in'),
    optional({ stages: some(stage, 2) }, 'stages'),
  ),
  'automatic-approval': fc.constant('never'),
  'break-glass': fc.constant('never'),
  limits,
  extension: fc.constantFrom('never', { times: 1 }, { 'up-to': '12h' }),
};
const rule = optional(
  {
    name,
    when: optional({
      targets: fc.constant(['orders']),
      roles: fc.constantFrom(['reader'], ['writer', 'reader']),
      requesters,
      'longer-than': duration,
    }),
    // biome-ignore lint/suspicious/noThenProperty: the file's own word; nothing awaits it.
    then: one(optional(demanded, 'maximum'), optional(demanded, 'approval'), optional(demanded, 'extension')),
  },
  'name',
  'then',
);
const guid = fc.constantFrom('b0000000-0000-4000-8000-000000000001', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF');
const policy = optional(
  {
    version: fc.constant(1),
    'time-zone': fc.constantFrom('Europe/Berlin', 'America/Argentina/Ushuaia', 'Etc/GMT+5'),
    'time-zones': fc.constantFrom({ 'Asia/Kolkata': ['ada@contoso.example'] }, {}),
    groups: fc.record({ analysts: guid, owners: guid }),
    applications: fc.record({ nightly: guid }),
    'emergency-groups': fc.record({
      'night-watch': some(optional({ 'object-id': guid, user, name, mail: user }, 'object-id', 'user', 'name')),
    }),
    targets: fc.record({
      orders: optional(
        {
          description: name,
          server: fc.constantFrom('localhost', 'orders.database.windows.net'),
          port: fc.integer({ min: 1, max: 65_535 }),
          database: name,
          roles: fc.record({ reader: role, writer: role }),
        },
        'description',
        'server',
        'database',
        'roles',
      ),
    }),
    rules: fc.uniqueArray(rule, { selector: (each) => each.name, maxLength: 3 }),
  },
  'version',
  'groups',
  'applications',
  'emergency-groups',
  'targets',
).map((value) => structuredClone(value) as Tree);

/** Every list and mapping in a tree. */
function nodesOf(tree: Tree): (Tree[] | { [key: string]: Tree })[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return [tree, ...Object.values(tree).flatMap(nodesOf)];
}

const strange: Tree[] = [
  ...[null, true, false, 0, 1, -1, 1.5, 21, 101, 1e9, 70_000, {}, [], ['x'], { x: 1 }, [[]], [null]],
  ...[
    '',
    ' ',
    'x',
    'X',
    'é',
    '1',
    '0s',
    '31d',
    '5h',
    '1 h',
    '1h ',
    '1h1h',
    'P',
    'PT',
    'P1Y',
    '1.5h',
    'now',
    'never',
    'required',
  ],
  ...['24:00', '17:00', '7:00', '25:00', 'mfa', 'c0', 'c100', 'mon', 'nobody', 'reader', 'a@b', 'a@b@c', 'a b@c', '@'],
  ...['a\u202eb', 'a\u200b@b', 'a\nb', '\ud800', '🙂'.repeat(150), 'x'.repeat(201), 'x'.repeat(65), 'x'.repeat(257)],
  ...['Europe/Brelin', 'europe/berlin', '+02:00', 'UTC', '(', '(a+)+', '(?=a)', '[a-z]*'],
];
const keys = ['x', 'Reader', 'name', 'groups', 'maximum', 'within', 'default', 'UTC', 'stages', '', 'a-'];

interface Mutation {
  readonly kind: 'drop' | 'double' | 'rename' | 'replace' | 'add';
  readonly node: number;
  readonly entry: number;
  readonly value: Tree;
  readonly key: string;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('drop', 'double', 'rename', 'replace', 'replace', 'add'),
  node: fc.nat(),
  entry: fc.nat(),
  value: fc.constantFrom(...strange),
  key: fc.constantFrom(...keys),
});

function mutate(tree: Tree, { kind, node: at, entry, value, key }: Mutation): void {
  const nodes = nodesOf(tree);
  const node = nodes[at % nodes.length];
  if (Array.isArray(node)) {
    const index = node.length === 0 ? 0 : entry % node.length;
    const twice = node[index];
    if (kind === 'drop') node.splice(index, 1);
    else if (kind === 'double' && twice !== undefined) node.push(structuredClone(twice));
    else if (kind === 'add' || kind === 'rename') node.push(structuredClone(value));
    else if (node.length > 0) node[index] = structuredClone(value);
    return;
  }
  if (!node) return;
  const present = Object.keys(node);
  const old = present[entry % Math.max(1, present.length)];
  if (old === undefined || kind === 'add') node[key] = structuredClone(value);
  else if (kind === 'replace') node[old] = structuredClone(value);
  else {
    const held = node[old];
    if (kind !== 'double') delete node[old];
    if (kind !== 'drop' && held !== undefined) node[key] = structuredClone(held);
  }
}

/** Why only the parser refuses; the issue itself where JSON Schema could have said it. */
function reasonsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_key') return issue.issues.flatMap(reasonsOf);
  const reason = issue.code === 'custom' ? (issue.params?.beyond as string | undefined) : undefined;
  return [reason ?? `${issue.path.join('.')}: ${issue.code}: ${issue.message}`];
}

/** Each reason that only the parser has, and a change of the sample that shows it. */
const shown: [reason: BeyondJsonSchema, from: string, to: string][] = [
  ['unknown-name', 'groups: [analysts]', 'groups: [analyst]'],
  [
    'same-name-twice',
    '    when: { roles',
    '    then: { extension: never }\n  - name: long maintenance is planned maintenance\n    when: { roles',
  ],
  ['duration-range', 'maximum: 8h }', 'maximum: 31d }'],
  ['default-and-maximum', 'default: 1h, maximum: 8h', 'default: 9h, maximum: 8h'],
  ['after-the-time-out', 'reminders: [4h, 12h]', 'reminders: [4h, 24h]'],
  ['hours-backwards', 'duration-up-to: 30m', "hours: { days: [mon], from: '12:00', to: '12:00', time-zone: UTC }"],
  ['time-zone', 'time-zone: Europe/Berlin', 'time-zone: Europe/Brelin'],
  ['ticket-pattern', "'INC-\\d{6}'", "'(a+)+'"],
  ['ticket-example', 'example: INC-004711', 'example: INC-4711'],
  ['another-resource', 'servers/contoso-orders/databases/orders', 'servers/contoso-orders/databases/order'],
  ['two-spellings', '- sql-role: orders_writer', '- sql-role: Orders_Reader'],
];
const reasons: readonly string[] = shown.map(([reason]) => reason);

describe('editors and Curfew agree:', () => {
  test('the sample is a policy to both', () => {
    expect(accepts(sample)).toBe(true);
    expect(policySchema(namesIn(sample)).safeParse(sample).success).toBe(true);
  });

  test.each(shown)('only the parser can see %s', (reason, from, to) => {
    expect(sampleText).toContain(from);
    const data: unknown = parse(sampleText.replace(from, to));
    expect(accepts(data) ? [] : accepts.errors).toEqual([]);
    const parsed = policySchema(namesIn(data)).safeParse(data);
    expect(new Set(parsed.error?.issues.flatMap(reasonsOf))).toEqual(new Set([reason]));
  });

  test('what is right is right to both', () => {
    fc.assert(
      fc.property(policy, (data) => {
        const parsed = policySchema(namesIn(data)).safeParse(data);
        expect(parsed.error?.issues ?? []).toEqual([]);
        expect(accepts(data) ? [] : accepts.errors).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('what the JSON Schema refuses the parser refuses, and what the parser alone refuses has one of a few reasons', () => {
    fc.assert(
      fc.property(policy, fc.array(mutation, { minLength: 1, maxLength: 2 }), (data, mutations) => {
        for (const each of mutations) mutate(data, each);
        const parsed = policySchema(namesIn(data)).safeParse(data);
        if (!accepts(data)) {
          expect(parsed.success).toBe(false);
          return;
        }
        const found = parsed.error?.issues.flatMap(reasonsOf) ?? [];
        expect(found.filter((each) => !reasons.includes(each))).toEqual([]);
      }),
      { numRuns: 600 },
    );
  });
});
