import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { CurfewError } from '../../../../shared/domain/errors.ts';
import { isSafeText } from '../../../../shared/domain/text.ts';

const sample = readFileSync(new URL('../../../../policy.sample.yaml', import.meta.url), 'utf8');

/** `line:column: path` of every problem: all but the sentence, which is for people. */
function problemsOf(text: string): string[] {
  try {
    readPolicy(text, 'policy.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    expect(error.code).toBe('CURFEW_POLICY_INVALID');
    const lines = error.refusal.detail?.split('\n') ?? [];
    return lines.map(
      (line) => /^policy\.yaml:(\d+:\d+(?:: [\w.-]+(?:\[\d+\])?(?:\.[\w.-]+)*(?=: ))?): /.exec(line)?.[1] ?? line,
    );
  }
}

/** The sample with one thing changed. */
function changed(from: string, to: string): string {
  expect(sample).toContain(from);
  return sample.replace(from, to);
}

describe('a policy file', () => {
  test('is read as it stands in the sample', () => {
    const policy = readPolicy(sample, 'policy.sample.yaml');
    expect(policy.digest).toBe(createHash('sha256').update(sample).digest('hex'));
    expect(policy.targets).toHaveLength(1);
    const [orders] = policy.targets;
    expect(orders).toMatchObject({ id: 'orders', description: 'The orders database of the web shop' });
    expect(orders?.roles.map(({ id }) => id)).toEqual(['reader', 'writer']);
    expect(orders?.roles[0]).toEqual({
      id: 'reader',
      description: 'Read every table of orders',
      entitlements: [{ kind: 'sql-role', server: 'localhost', port: 14330, database: 'orders', role: 'orders_reader' }],
      requesters: { people: [], groups: ['b0000000-0000-4000-8000-000000000001'] },
      duration: { default: 3_600_000, maximum: 28_800_000 },
      reasonRequired: true,
      approval: {
        approvers: { people: ['bob@contoso.example'], groups: ['b0000000-0000-4000-8000-000000000002'] },
        timeOut: 86_400_000,
      },
    });
  });

  test('may leave out port, reason and groups', () => {
    const policy = readPolicy(
      `version: 1
targets:
  orders:
    description: Orders
    server: Orders.Database.Windows.NET
    database: orders
    roles:
      reader:
        description: Read
        entitlements: [{ sql-role: orders_reader }]
        requesters: { people: [ada@contoso.example] }
        duration: { default: 1h, maximum: 30d }
        approval: { approvers: { people: [bob@contoso.example] }, time-out: 1d }
`,
      'policy.yaml',
    );
    const role = policy.targets[0]?.roles[0];
    expect(role?.entitlements[0]).toMatchObject({ server: 'orders.database.windows.net', port: 1433 });
    expect(role?.reasonRequired).toBe(true);
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
    ['no roles', sample.replace(/roles:.*/s, 'roles: {}\n'), '14:12: targets.orders.roles'],
    ['no targets', sample.replace(/targets:.*/s, 'targets: {}\n'), '8:10: targets'],
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
        '            groups: [order-data-owners]\n            people: [bob@contoso.example]',
        '            people: []',
      ),
      '25:13: targets.orders.roles.reader.approval.approvers',
    ],
    [
      'a person without a domain',
      changed('[bob@contoso.example]', '[bob]'),
      '26:22: targets.orders.roles.reader.approval.approvers.people[0]',
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
      '26:22: targets.orders.roles.reader.approval.approvers.people[0]',
    ],
    ['a key that is there twice', changed('port: 14330', 'server: other'), '12:5: targets.orders'],
    ['two roles of one name', changed('      writer:', '      reader:'), '29:7: targets.orders.roles'],
    [
      'two spellings of one entitlement',
      changed('orders_writer', 'Orders_Reader'),
      '32:13: targets.orders.roles.writer.entitlements[0]',
    ],
    ['a tag', changed('version: 1', 'version: !!int 1'), '2:16: version'],
    ['an anchor', changed('analysts: b0', 'analysts: &a b0'), '5:16: groups.analysts'],
    ['an alias', changed('[analysts]', '*a'), '20:19: targets.orders.roles.reader.requesters.groups'],
    ['a merge key', changed('version: 1', 'version: 1\n<<: { groups: {} }'), '3:1'],
    ['a key that is no text', changed('version: 1', 'version: 1\n? [a]\n: b'), '3:3'],
    [
      'a key that reaches for the prototype',
      changed('roles:\n', 'roles:\n      __proto__: {}\n'),
      '15:7: targets.orders.roles',
    ],
    ['another version of YAML', `%YAML 1.1\n---\n${sample}`, '1:1'],
    ['two documents', `${sample}---\nversion: 1\n`, '41:1'],
  ];

  test.each(cases)('%s', (_, text, ...found) => {
    expect(problemsOf(text)).toEqual(found);
  });

  test('YAML that cannot be read', () => {
    expect(problemsOf('version: 1\ngroups: [a\ntargets: "x\n')).toEqual(['3:1', '4:1']);
  });

  test('everything at once, in the order of the file', () => {
    const text = sample
      .replace('version: 1', 'version: 3')
      .replace('default: 1h', 'default: 1 hour')
      .replace('default: 30m', 'default: 3h')
      .replace('[analysts]', '[nobody]')
      .replace('time-out: 4h', 'time-out: 4h\n          time-out: 5h');
    expect(problemsOf(text)).toEqual([
      '2:10: version',
      '20:20: targets.orders.roles.reader.requesters.groups[0]',
      '21:30: targets.orders.roles.reader.duration.default',
      '35:30: targets.orders.roles.writer.duration.default',
      '41:11: targets.orders.roles.writer.approval',
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
    expect(problemsOf(`${sample}#${' '.repeat(1024 * 1024)}`)).toEqual(['1:1']);
    expect(problemsOf(`${sample}#${'é'.repeat(600_000)}`)).toEqual(['1:1']);
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
