import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { CurfewError } from '../../../../shared/domain/errors.ts';
import { isSafeText } from '../../../../shared/domain/text.ts';

const hour = 3_600_000;
const sample = readFileSync(new URL('../../../../policy.sample.yaml', import.meta.url), 'utf8');

/** A small policy, whose lines are counted below. */
const small = `# yaml-language-server: $schema=./policy.schema.json
version: 1

groups:
  analysts: b0000000-0000-4000-8000-000000000001
  order-data-owners: b0000000-0000-4000-8000-000000000002

targets:
  orders:
    description: The orders database of the web shop
    server: localhost
    port: 14330 # 1433 where it is left out
    database: orders
    roles:
      reader:
        description: Read every table of orders
        entitlements:
          - sql-role: orders_reader
        requesters:
          groups: [analysts]
        duration: { default: 1h, maximum: 8h }
        reason: required # or optional
        approval:
          stages:
            - approvers:
                groups: [order-data-owners]
                people: [bob@contoso.example]
              time-out: 24h

      writer:
        description: Change the rows of orders
        entitlements:
          - sql-role: orders_writer
        requesters:
          groups: [analysts]
        duration: { default: 30m, maximum: 2h }
        reason: required
        approval:
          stages:
            - approvers: { groups: [order-data-owners] }
              time-out: 4h
`;

/** Everything that a policy can say, on the lines that are counted below. */
const whole = `version: 1
time-zone: Europe/Berlin
time-zones:
  Asia/Kolkata: [Fionn@contoso.example]
groups: { analysts: B0000000-0000-4000-8000-000000000001, owners: b0000000-0000-4000-8000-000000000002 }
applications: { nightly-export: d0000000-0000-4000-8000-000000000005 }
emergency-groups:
  night-watch:
    - { object-id: a0000000-0000-4000-8000-000000000003, user: carla@contoso.example, name: Carla Reyes }
    - { object-id: a0000000-0000-4000-8000-000000000004, user: fionn@contoso.example, name: Fionn, mail: f@contoso.example }
targets:
  orders:
    description: Orders
    server: orders.database.windows.net
    database: orders
    roles:
      reader:
        description: Read
        entitlements: [{ sql-role: orders_reader }]
        requesters: { groups: [analysts], people: [ada@contoso.example], applications: [nightly-export] }
        duration: { default: 1h, maximum: 8h, step: 15m }
        start: now
        reason: { minimum-length: 10 }
        ticket: { pattern: 'INC-\\d{6}', example: INC-004711 }
        authentication: { asking: [mfa], deciding: [mfa, c1] }
        approval:
          sign-in: not-needed
          stages:
            - approvers: { groups: [owners], manager: true }
              quorum: 2
              time-out: 24h
              reminders: [12h, 4h]
              escalation: { after: 8h, to: { people: [carla@contoso.example] } }
        automatic-approval:
          - name: in the evening
            requesters: { groups: [analysts] }
            hours: { days: [mon, fri], from: '17:30', to: '24:00', time-zone: Europe/Berlin }
            duration-up-to: 1h
            approved-before: { times: 3, within: 30d }
        break-glass:
          emergency-groups: [night-watch]
          maximum: 2h
          tell: { groups: [owners] }
          review: { by: { people: [bob@contoso.example] }, within: 24h }
        limits: { per-person: 1, per-role: 3 }
        extension: { times: 1, up-to: 12h }
rules:
  - name: all of it
    when: { targets: [orders], roles: [reader], requesters: { people: [ada@contoso.example] }, longer-than: 4h }
    then:
      maximum: 6h
      start: { within: 7d }
      reason: required
      ticket: { pattern: CHG, example: CHG }
      authentication: { deciding: [c2] }
      approval: { sign-in: required, stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 4h }] }
      automatic-approval: never
      break-glass: never
      limits: { per-role: 1 }
      extension: { up-to: 6h }
  - name: no extension
    then: { extension: never }
`;

/** `line:column: path` of every problem: all but the sentence, which is for people. */
function problemsOf(text: string): string[] {
  try {
    readPolicy(text, 'policy.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    expect(error.code).toBe('CURFEW_POLICY_INVALID');
    const lines = error.refusal.detail?.split('\n') ?? [];
    return lines.map((line) => /^policy\.yaml:(\d+:\d+(?:: \S+(?=: ))?): /.exec(line)?.[1] ?? line);
  }
}

/** A policy with one thing changed. */
function changed(from: string, to: string, policy = small): string {
  expect(policy).toContain(from);
  return policy.replace(from, to);
}

describe('a policy file', () => {
  test('is read as it stands in the sample', () => {
    const policy = readPolicy(sample, 'policy.sample.yaml');
    expect(policy.digest).toBe(createHash('sha256').update(sample).digest('hex'));
    expect(policy.targets.map(({ id }) => id)).toEqual(['orders']);
    expect(policy.targets[0]?.roles.map(({ id }) => id)).toEqual(['reader', 'writer', 'maintainer']);
  });

  test('says what it says, and each name stands for its object id', () => {
    const [analysts, owners] = ['1', '2'].map((digit) => `b0000000-0000-4000-8000-00000000000${digit}`);
    const bob = { people: ['bob@contoso.example'], groups: [] };
    const policy = readPolicy(whole, 'policy.yaml');
    expect(policy).toEqual({
      digest: createHash('sha256').update(whole).digest('hex'),
      timeZone: 'Europe/Berlin',
      zones: { 'fionn@contoso.example': 'Asia/Kolkata' },
      targets: [
        {
          id: 'orders',
          description: 'Orders',
          roles: [
            {
              id: 'reader',
              description: 'Read',
              entitlements: [
                {
                  kind: 'sql-role',
                  server: 'orders.database.windows.net',
                  port: 1433,
                  database: 'orders',
                  role: 'orders_reader',
                },
              ],
              requesters: {
                people: ['ada@contoso.example'],
                groups: [analysts],
                applications: ['d0000000-0000-4000-8000-000000000005'],
              },
              duration: { default: hour, step: hour / 4 },
              demands: {
                maximum: 8 * hour,
                startHorizon: 0,
                reasonLength: 10,
                tickets: [{ pattern: 'INC-\\d{6}', example: 'INC-004711' }],
                askingNeeds: ['mfa'],
                decidingNeeds: ['mfa', 'c1'],
                stages: [
                  {
                    approvers: { people: [], groups: [owners], manager: true },
                    quorum: 2,
                    timeOut: 24 * hour,
                    reminders: [4 * hour, 12 * hour],
                    escalation: { after: 8 * hour, to: { people: ['carla@contoso.example'], groups: [] } },
                  },
                ],
                signIn: false,
                automaticApproval: true,
                breakGlass: true,
                limits: { perPerson: 1, perRole: 3 },
                extension: { times: 1, total: 12 * hour },
              },
              automaticApprovals: [
                {
                  name: 'in the evening',
                  requesters: { people: [], groups: [analysts] },
                  hours: { days: ['mon', 'fri'], from: 1050, to: 1440, timeZone: 'Europe/Berlin' },
                  durationUpTo: hour,
                  approvedBefore: { times: 3, within: 720 * hour },
                },
              ],
              breakGlass: {
                people: [
                  {
                    principalId: 'a0000000-0000-4000-8000-000000000003',
                    name: 'Carla Reyes',
                    userPrincipalName: 'carla@contoso.example',
                    mail: 'carla@contoso.example',
                    timeZone: 'Europe/Berlin',
                  },
                  {
                    principalId: 'a0000000-0000-4000-8000-000000000004',
                    name: 'Fionn',
                    userPrincipalName: 'fionn@contoso.example',
                    mail: 'f@contoso.example',
                    timeZone: 'Asia/Kolkata',
                  },
                ],
                maximum: 2 * hour,
                tell: { people: [], groups: [owners] },
                review: { by: bob, within: 24 * hour },
              },
              drift: { action: 'report', standing: [] },
            },
          ],
        },
      ],
      rules: [
        {
          name: 'all of it',
          when: {
            targets: ['orders'],
            roles: ['reader'],
            requesters: { people: ['ada@contoso.example'], groups: [] },
            longerThan: 4 * hour,
          },
          demands: {
            maximum: 6 * hour,
            startHorizon: 168 * hour,
            reasonLength: 1,
            tickets: [{ pattern: 'CHG', example: 'CHG' }],
            askingNeeds: undefined,
            decidingNeeds: ['c2'],
            stages: [{ approvers: bob, quorum: 1, timeOut: 4 * hour, reminders: [] }],
            signIn: true,
            automaticApproval: false,
            breakGlass: false,
            limits: { perPerson: null, perRole: 1 },
            extension: { times: Number.MAX_SAFE_INTEGER, total: 6 * hour },
          },
        },
        { name: 'no extension', when: {}, demands: { extension: { times: 0, total: 0 } } },
      ],
    });
  });

  test('says who belongs on a target without Curfew, and whether others are removed', () => {
    const drift = 'drift: remove\n        standing: [A0000000-0000-4000-8000-000000000003]\n';
    const { targets } = readPolicy(whole.replace('rules:', `        ${drift}rules:`), 'policy.yaml');
    const standing = ['a0000000-0000-4000-8000-000000000003'];
    expect(targets[0]?.roles[0]?.drift).toEqual({ action: 'remove', standing });
  });

  test('has a safe default for all that may be left out', () => {
    const role = readPolicy(small, 'policy.yaml').targets[0]?.roles[0];
    expect(role?.duration.step).toBe(1000);
    expect(role?.demands).toMatchObject({
      startHorizon: 720 * hour,
      reasonLength: 1,
      tickets: [],
      askingNeeds: [],
      decidingNeeds: [],
      stages: [{ quorum: 1, reminders: [] }],
      signIn: true,
      automaticApproval: false,
      breakGlass: false,
      limits: { perPerson: null, perRole: null },
      extension: { times: 0, total: 0 },
    });
    expect(role?.drift).toEqual({ action: 'report', standing: [] });
    const bare = small
      .replace('    port: 14330 # 1433 where it is left out\n', '')
      .replace(/ +reason: required.*\n/g, '');
    const [target] = readPolicy(bare.replace('server: localhost', 'server: Orders.Example'), 'p').targets;
    expect(target?.roles[0]?.entitlements[0]).toMatchObject({ server: 'orders.example', port: 1433 });
    expect(target?.roles[0]?.demands.reasonLength).toBe(1);
  });

  test('changes its digest with every character', () => {
    expect(readPolicy(`${sample}# more\n`, 'p').digest).not.toBe(readPolicy(sample, 'p').digest);
  });

  test('may begin with a byte order mark and have Windows line ends', () => {
    expect(readPolicy(`\ufeff${sample.replaceAll('\n', '\r\n')}`, 'p').targets).toHaveLength(1);
  });
});

describe('a problem is found at its line and column:', () => {
  const cases: [problem: string, text: string, ...found: string[]][] = [
    ['nothing at all', '', '1:1'],
    ['a list where a mapping is meant', '- a\n', '1:1'],
    ['another version', changed('version: 1', 'version: 2'), '2:10: version'],
    ['a version in quotes', changed('version: 1', 'version: "1"'), '2:10: version'],
    ['an unknown field', changed('port: 14330', 'prot: 14330'), '12:5: targets.orders.prot'],
    ['a missing field', changed('    database: orders\n', ''), '10:5: targets.orders.database'],
    ['a port out of range', changed('14330', '143300'), '12:11: targets.orders.port'],
    ['a number for a text', changed('database: orders', 'database: 12'), '13:15: targets.orders.database'],
    ['a server with a path', changed('server: localhost', 'server: localhost/x'), '11:13: targets.orders.server'],
    ['a group id that is none', changed('analysts: b0', 'analysts: x0'), '5:13: groups.analysts'],
    ['a role that is a text', changed('roles:\n', 'roles:\n      x: y\n'), '15:10: targets.orders.roles.x'],
    ['no roles', small.replace(/roles:.*/s, 'roles: {}\n'), '14:12: targets.orders.roles'],
    ['no targets', small.replace(/targets:.*/s, 'targets: {}\n'), '8:10: targets'],
    ['a name with capitals', changed('      reader:', '      Reader:'), '15:7: targets.orders.roles.Reader'],
    [
      'no entitlements',
      changed('entitlements:\n          - sql-role: orders_reader', 'entitlements: []'),
      '17:23: targets.orders.roles.reader.entitlements',
    ],
    [
      'an entitlement of an unknown kind',
      changed('- sql-role: orders_reader', '- sql-rule: orders_reader'),
      '18:13: targets.orders.roles.reader.entitlements[0].sql-role',
      '18:13: targets.orders.roles.reader.entitlements[0].sql-rule',
    ],
    [
      'an entitlement listed twice',
      changed('- sql-role: orders_reader', '- sql-role: orders_reader\n          - sql-role: orders_reader'),
      '18:11: targets.orders.roles.reader.entitlements',
    ],
    [
      'a group that has no id',
      changed('[analysts]', '[analysts, analyst]'),
      '20:30: targets.orders.roles.reader.requesters.groups[1]',
    ],
    ['nobody to ask', changed('groups: [analysts]', 'groups: []'), '20:11: targets.orders.roles.reader.requesters'],
    [
      'nobody to approve',
      changed(
        '                groups: [order-data-owners]\n                people: [bob@contoso.example]',
        '                people: []',
      ),
      '26:17: targets.orders.roles.reader.approval.stages[0].approvers',
    ],
    [
      'a person without a domain',
      changed('[bob@contoso.example]', '[bob]'),
      '27:26: targets.orders.roles.reader.approval.stages[0].approvers.people[0]',
    ],
    [
      'a default over the maximum',
      changed('default: 1h', 'default: 9h'),
      '21:30: targets.orders.roles.reader.duration.default',
    ],
    [
      'a negative duration',
      changed('default: 1h', 'default: -1h'),
      '21:30: targets.orders.roles.reader.duration.default',
    ],
    [
      'a duration of nothing',
      changed('default: 1h', 'default: 0s'),
      '21:30: targets.orders.roles.reader.duration.default',
    ],
    [
      'a duration without unit',
      changed('default: 1h', 'default: 60'),
      '21:30: targets.orders.roles.reader.duration.default',
    ],
    [
      'a maximum over 30 days',
      changed('maximum: 8h', 'maximum: 31d'),
      '21:43: targets.orders.roles.reader.duration.maximum',
    ],
    [
      'a reason that is neither',
      changed('reason: required # or', 'reason: yes # or'),
      '22:17: targets.orders.roles.reader.reason',
    ],
    [
      'an empty description',
      changed('Read every table of orders', '""'),
      '16:22: targets.orders.roles.reader.description',
    ],
    [
      'a description of blanks',
      changed('Read every table of orders', '"  "'),
      '16:22: targets.orders.roles.reader.description',
    ],
    [
      'a control character',
      changed('Read every table of orders', '"Read\\u0007"'),
      '16:22: targets.orders.roles.reader.description',
    ],
    [
      'a line break',
      changed('Read every table of orders', '"Read\\nWrite"'),
      '16:22: targets.orders.roles.reader.description',
    ],
    [
      'a right-to-left override',
      changed('Read every table of orders', '"Read \\u202Esredro"'),
      '16:22: targets.orders.roles.reader.description',
    ],
    [
      'a zero-width space in a role',
      changed('sql-role: orders_reader', 'sql-role: "orders\\u200B_reader"'),
      '18:23: targets.orders.roles.reader.entitlements[0].sql-role',
    ],
    [
      'a right-to-left override in a person',
      changed('[bob@contoso.example]', '["bob\\u202E@contoso.example"]'),
      '27:26: targets.orders.roles.reader.approval.stages[0].approvers.people[0]',
    ],
    ['a key that is there twice', changed('port: 14330', 'server: other'), '12:5: targets.orders'],
    ['two roles of one name', changed('      writer:', '      reader:'), '30:7: targets.orders.roles'],
    [
      'two spellings of one entitlement',
      changed('orders_writer', 'Orders_Reader'),
      '33:13: targets.orders.roles.writer.entitlements[0]',
    ],
    ['a tag', changed('version: 1', 'version: !!int 1'), '2:16: version'],
    ['an anchor', changed('analysts: b0', 'analysts: &a b0'), '5:16: groups.analysts'],
    ['an alias', changed('[analysts]', '*a'), '20:19: targets.orders.roles.reader.requesters.groups'],
    ['a merge key', changed('version: 1', 'version: 1\n<<: { groups: {} }'), '3:1: "<<"'],
    ['a key that is no text', changed('version: 1', 'version: 1\n? [a]\n: b'), '3:3'],
    [
      'a key that reaches for the prototype',
      changed('roles:\n', 'roles:\n      __proto__: {}\n'),
      '15:7: targets.orders.roles',
    ],
    ['another version of YAML', `%YAML 1.1\n---\n${small}`, '1:1'],
    ['two documents', `${small}---\nversion: 1\n`, '42:1'],
  ];

  test.each(cases)('%s', (_, text, ...found) => {
    expect(problemsOf(text)).toEqual(found);
  });

  const reader = 'targets.orders.roles.reader';
  const stage = `${reader}.approval.stages[0]`;
  const furtherCases: [problem: string, from: string, to: string, ...found: string[]][] = [
    ['a zone of no name', 'time-zone: Europe/Berlin\n', 'time-zone: Europe/Brelin\n', '2:12: time-zone'],
    ['an offset for a zone', 'time-zone: Europe/Berlin\n', 'time-zone: +02:00\n', '2:12: time-zone'],
    ['a zone of no name for readers', 'Asia/Kolkata', 'Asia/Kolkatta', '4:3: time-zones."Asia/Kolkatta"'],
    [
      'one reader in two zones',
      'Asia/Kolkata: [',
      'UTC: [fionn@contoso.example]\n  Asia/Kolkata: [',
      '5:18: time-zones."Asia/Kolkata"[0]',
    ],
    [
      'an application without an id',
      '[nightly-export]',
      '[daily-export]',
      `20:89: ${reader}.requesters.applications[0]`,
    ],
    [
      'an emergency group that is none',
      '[night-watch]',
      '[day-watch]',
      `41:30: ${reader}.break-glass.emergency-groups[0]`,
    ],
    [
      'an emergency group of nobody',
      /night-watch:\n.*\n.*\n/.exec(whole)?.[0] ?? '',
      'night-watch: []\n',
      '8:16: emergency-groups.night-watch',
    ],
    ['a step that misses the default', 'step: 15m', 'step: 25m', `21:30: ${reader}.duration.default`],
    ['a start that is neither', 'start: now', 'start: later', `22:16: ${reader}.start`],
    ['a start too far ahead', 'within: 7d', 'within: 31d', '52:24: rules[0].then.start.within'],
    ['a reason of no length', 'minimum-length: 10', 'minimum-length: 0', `23:35: ${reader}.reason.minimum-length`],
    ['a pattern that is none', 'INC-\\d{6}', 'INC-(', `24:28: ${reader}.ticket.pattern`],
    ['a pattern that looks around', 'INC-\\d{6}', '(?=INC).*', `24:28: ${reader}.ticket.pattern`],
    ['an example that doesn’t match', 'INC-004711', 'INC-4711', `24:50: ${reader}.ticket.example`],
    ['a proof that is none', 'asking: [mfa]', 'asking: [sms]', `25:36: ${reader}.authentication.asking[0]`],
    ['no stages', /stages:\n(?: {12}.*\n)+/.exec(whole)?.[0] ?? '', 'stages: []\n', `28:19: ${reader}.approval.stages`],
    ['a quorum of nobody', 'quorum: 2', 'quorum: 0', `30:23: ${stage}.quorum`],
    ['a manager that is false', 'manager: true', 'manager: false', `29:55: ${stage}.approvers.manager`],
    ['a reminder after the end', '[12h, 4h]', '[12h, 24h]', `32:32: ${stage}.reminders[1]`],
    ['an escalation after the end', 'after: 8h', 'after: 24h', `33:36: ${stage}.escalation.after`],
    [
      'two automatic approvals of one name',
      '          - name: in',
      '          - { name: in the evening, duration-up-to: 1h }\n          - name: in',
      `36:19: ${reader}.automatic-approval[1].name`,
    ],
    [
      'an automatic approval without conditions',
      '          - name: in',
      '          - name: always\n          - name: in',
      `35:13: ${reader}.automatic-approval[0]`,
    ],
    ['hours without days', 'days: [mon, fri]', 'days: []', `37:28: ${reader}.automatic-approval[0].hours.days`],
    [
      'hours that end before they begin',
      "to: '24:00'",
      "to: '17:30'",
      `37:59: ${reader}.automatic-approval[0].hours.to`,
    ],
    [
      'hours that begin at the end',
      "from: '17:30'",
      "from: '24:00'",
      `37:46: ${reader}.automatic-approval[0].hours.from`,
    ],
    [
      'breaking the glass for longer than the role',
      'maximum: 2h',
      'maximum: 9h',
      `42:20: ${reader}.break-glass.maximum`,
    ],
    [
      'an emergency that nobody is told of',
      'tell: { groups: [owners] }',
      'tell: {}',
      `43:17: ${reader}.break-glass.tell`,
    ],
    ['limits of nothing', '{ per-person: 1, per-role: 3 }', '{}', `45:17: ${reader}.limits`],
    ['two rules of one name', 'name: no extension', 'name: all of it', '61:11: rules[1].name'],
    ['a rule for a target that is none', 'targets: [orders]', 'targets: [order]', '49:23: rules[0].when.targets[0]'],
    ['a rule for a role that is none', 'roles: [reader]', 'roles: [raeder]', '49:40: rules[0].when.roles[0]'],
    ['a rule that asks for nothing', 'then: { extension: never }', 'then: {}', '62:11: rules[1].then'],
    [
      'a rule that asks for less',
      'then: { extension: never }',
      'then: { break-glass: allowed }',
      '62:26: rules[1].then.break-glass',
    ],
    [
      'a rule that waives the sign-in',
      'sign-in: required',
      'sign-in: not-needed',
      '56:28: rules[0].then.approval.sign-in',
    ],
    [
      'the old form of approval',
      'approval:\n          sign-in: not-needed',
      'approval:\n          time-out: 4h',
      `27:11: ${reader}.approval.time-out`,
    ],
  ];
  test.each(furtherCases)('%s', (_, from, to, ...found) => {
    expect(problemsOf(changed(from, to, whole))).toEqual(found);
  });
  test('the role of another target in a rule', () => {
    const other = `  payroll: { description: Pay, server: pay, database: pay, roles: { clerk: ${JSON.stringify({
      description: 'Pay',
      entitlements: [{ 'sql-role': 'clerk' }],
      requesters: { people: ['ada@contoso.example'] },
      duration: { default: '1h', maximum: '1h' },
      approval: { stages: [{ approvers: { people: ['bob@contoso.example'] }, 'time-out': '1h' }] },
    })} } }\nrules:`;
    const text = whole.replace('rules:', other).replace('roles: [reader]', 'roles: [clerk]');
    expect(problemsOf(text)).toEqual(['50:40: rules[0].when.roles[0]']);
  });

  test('YAML that cannot be read', () => {
    expect(problemsOf('version: 1\ngroups: [a\ntargets: "x\n')).toEqual(['3:1', '4:1']);
  });

  test('everything at once, in the order of the file', () => {
    const text = small
      .replace('version: 1', 'version: 3')
      .replace('default: 1h', 'default: 1 hour')
      .replace('default: 30m', 'default: 3h')
      .replace('[analysts]', '[nobody]')
      .replace('time-out: 4h', 'time-out: 4h\n              time-out: 5h');
    expect(problemsOf(text)).toEqual([
      '2:10: version',
      '20:20: targets.orders.roles.reader.requesters.groups[0]',
      '21:30: targets.orders.roles.reader.duration.default',
      '36:30: targets.orders.roles.writer.duration.default',
      '42:15: targets.orders.roles.writer.approval.stages[0]',
    ]);
  });

  test('what is meant is suggested', () => {
    expect(() => readPolicy(changed('time-out: 24h', 'timeout: 24h'), 'p')).toThrow(/"time-out"/);
    expect(() => readPolicy(changed('[analysts]', '[analyst]'), 'p')).toThrow(/"analysts"/);
  });
});

describe('a hostile file', () => {
  test('cannot grow by aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
      .concat([...'bcdefghi'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`))
      .join('\n');
    expect(problemsOf(bomb)[0]).toBe('1:7: a');
  });

  test('is not read at all over 1 MiB, counted in bytes', () => {
    expect(problemsOf(`${small}#${' '.repeat(1024 * 1024)}`)).toEqual(['1:1']);
    expect(problemsOf(`${small}#${'é'.repeat(600_000)}`)).toEqual(['1:1']);
  });

  test('with a very deep nesting is refused, not a crash', () => {
    for (const depth of [30, 900, 2_500, 20_000]) {
      expect(problemsOf('['.repeat(depth)).length).toBeGreaterThan(0);
      expect(problemsOf(`${'['.repeat(depth)}${']'.repeat(depth)}`).length).toBeGreaterThan(0);
      expect(problemsOf(`${'- '.repeat(depth)}a`).length).toBeGreaterThan(0);
    }
  });

  test('with very many unknown fields is refused in little time, and the list has an end', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n');
    expect(problemsOf(text)).toHaveLength(101);
  });

  test('with very many anchors is refused, not a crash', () => {
    expect(problemsOf(`version: [${Array(150_000).fill('&a 1').join()}]`)).toHaveLength(101);
  });

  test('cannot put control characters or bidirectional text into the list of problems', () => {
    try {
      readPolicy('"a\\u202Eb\\nc": 1\n"\\e[31m": 2\nversion: 1\ntargets: {}\n', 'p');
      expect.unreachable();
    } catch (error) {
      const detail = error instanceof CurfewError ? (error.refusal.detail ?? '') : '';
      expect(detail.split('\n')).toHaveLength(3);
      expect(isSafeText(detail)).toBe(true);
    }
  });

  test('cannot put them there by way of what the YAML package says', () => {
    for (const text of ['a: !x\u202ey 1', 'a: "\\\u202e"', 'a: \u202e*\u202e', '%\u202e x\n---\n', '@\u202e']) {
      try {
        readPolicy(text, 'p');
        expect.unreachable();
      } catch (error) {
        expect(error instanceof CurfewError && isSafeText(error.message)).toBe(true);
      }
    }
  });
});
