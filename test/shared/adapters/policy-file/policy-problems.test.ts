import { describe, expect, test } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { changed, problemsOf, small, whole } from './support.ts';

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
