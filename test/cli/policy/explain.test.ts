import { describe, expect, test } from 'vitest';
import { noon, policyWith, terminal } from '../terminal.ts';

const ask = ['policy', 'explain', 'policy.sample.yaml', '--target', 'orders'];
const ada = ['--as', 'ada@contoso.example', '--groups', 'analysts'];

function explain(...options: string[]) {
  return terminal([...ask, ...options]);
}

describe('explain', () => {
  test('says who approves, by the names of the file and by when', () => {
    const { code, out } = explain('--role', 'reader', ...ada, '--duration', '2h');
    expect(code).toBe(0);
    expect(out).toContain('Waits for approval, in 1 stage.');
    expect(out).toMatch(/stage 1 +1 of bob@contoso\.example, order-data-owners, by 2026-01-06T12:00:00\.000Z/);
    expect(out).toMatch(/after 8h also grace@contoso\.example/);
    expect(out).toMatch(/duration +2h \(8h at most\)/);
    expect(out).toMatch(/extension +2 times, up to 12h in all/);
    expect(out).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
    expect(out).not.toContain('\u001b');
  });
  test('shows every rule with its outcome and a sentence', () => {
    const { out } = explain('--role', 'maintainer', ...ada, '--authentication', 'mfa');
    expect(out).toMatch(/^Rule +Outcome +Why$/m);
    expect(out).toMatch(/^maintainer on orders +applies +It asks for .+\.$/m);
    expect(out).toMatch(/^long maintenance is planned maintenance +does not apply +It is for longer access\.$/m);
    expect(out).toMatch(/stage 1 +1 of order-data-owners, the requester's manager/);
  });
  test('says which placeholders it took, and none where they are given', () => {
    const options = ['--role', 'maintainer', ...ada, '--authentication', 'mfa', '--duration', '6h'];
    expect(explain(...options).out).toContain('a reason of 40 characters; the ticket INC-004711');
    const given = ['--reason', 'Reindexing the orders table, as planned in March', '--ticket', 'INC-000001'];
    expect(explain(...options, ...given).out).not.toContain('Left out');
    expect(explain(...options, ...given).code).toBe(0);
  });
  test.each<[string, string[], string]>([
    ['without a membership', ['--role', 'reader', '--as', 'ada@contoso.example'], 'CURFEW_NO_SUCH_ROLE'],
    ['without the second factor', ['--role', 'maintainer', ...ada], 'CURFEW_AUTHENTICATION_INSUFFICIENT'],
    [
      'while nobody can say in which groups she is',
      ['--role', 'reader', ...ada, '--directory-down'],
      'CURFEW_NO_SUCH_ROLE',
    ],
    ['for too long', ['--role', 'writer', ...ada, '--duration', '3h'], 'CURFEW_DURATION_TOO_LONG'],
    [
      'too far ahead',
      [
        '--role',
        'reader',
        ...ada,
        '--start',
        '30d',
        '--at',
        '2026-01-05T12:00:00Z',
        '--duration',
        '1s',
        '--reason',
        '',
      ],
      'CURFEW_REASON_REQUIRED',
    ],
    [
      'beyond the horizon',
      ['--role', 'maintainer', ...ada, '--authentication', 'mfa', '--start', '2026-01-12T12:00:01Z'],
      'CURFEW_START_INVALID',
    ],
    ['while holding one already', ['--role', 'writer', ...ada, '--held-by-person', '1'], 'CURFEW_LIMIT_REACHED'],
    ['breaking the glass by another', ['--role', 'writer', ...ada, '--break-glass'], 'CURFEW_BREAK_GLASS_REFUSED'],
  ])('says that and why it is refused %s', (_, options, code) => {
    const found = explain(...options);
    expect(found.code).toBe(1);
    expect(found.out).toContain(`Refused: ${code} (`);
    expect(found.out).toMatch(/remedy +\S/);
  });
  test('says when the glass is broken, while the directory is down', () => {
    const { code, out } = explain(
      '--role',
      'writer',
      '--as',
      'Carla@contoso.example',
      '--directory-down',
      '--break-glass',
    );
    expect(code).toBe(0);
    expect(out).toContain('Granted at once, by breaking the glass.');
    expect(out).toMatch(/review +by order-data-owners within 24h/);
    expect(out).not.toContain('stage 1');
  });
  test('says when it is approved automatically', () => {
    const { out } = explain('--role', 'reader', '--as', 'f@x', '--groups', 'analysts,on-call', '--duration', '30m');
    expect(out).toContain('Approved automatically: short reading by whoever is on call.');
  });
  test('asks for an application by its name', () => {
    expect(explain('--role', 'reader', '--as', 'nightly-export').code).toBe(0);
    expect(explain('--role', 'writer', '--as', 'nightly-export').code).toBe(1);
  });
  test('takes approvals of the past into account', () => {
    const policy = policyWith({
      role: 'automatic-approval: [{ name: again, approved-before: { times: 2, within: 30d } }]',
    });
    const at = (instants: string) =>
      terminal([...ask.with(2, 'p.yaml'), '--role', 'reader', ...ada, '--approved-at', instants], { 'p.yaml': policy })
        .out;
    expect(at('2026-01-01T00:00:00Z,2026-01-02T00:00:00+01:00')).toContain('Approved automatically: again.');
    expect(at('2026-01-01T00:00:00Z')).toContain('Waits for approval');
  });
  test('uses the present where no moment is given', () => {
    expect(explain('--role', 'reader', ...ada).out).toContain(`at ${noon}`);
    expect(explain('--role', 'reader', ...ada, '--at', '2026-07-01T00:00:00+02:00').out).toContain(
      '2026-06-30T22:00:00.000Z',
    );
  });
  test('names what was meant where a role or a target is unknown', () => {
    expect(explain('--role', 'raeder', ...ada).out).toContain('did you mean "reader"?');
    expect(terminal([...ask.with(4, 'order'), '--role', 'reader', ...ada]).out).toContain('did you mean "orders"?');
  });
  test.each<[string, string[]]>([
    ['nobody', ['--role', 'reader']],
    ['a group that is none', ['--role', 'reader', '--as', 'ada@contoso.example', '--groups', 'analyst']],
    ['somebody without a domain', ['--role', 'reader', '--as', 'ada']],
    ['a duration that is none', ['--role', 'reader', ...ada, '--duration', 'long']],
    ['a number that is none', ['--role', 'reader', ...ada, '--held-by-all', 'few']],
    ['a moment that is none', ['--role', 'reader', ...ada, '--at', 'today']],
    ['an option that is none', ['--role', 'reader', ...ada, '--colour']],
  ])('does not understand %s', (_, options) => {
    const found = explain(...options);
    expect(found.code).toBe(2);
    expect(found.out).toBe('');
    expect(found.errors).toContain('Usage:');
  });
});
