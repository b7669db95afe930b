import { describe, expect, test } from 'vitest';
import { policyWith, terminal } from '../terminal.ts';

const files = (cases: string) => ({ 'p.yaml': policyWith(), 'p.test.yaml': cases });
const testing = (cases: string) => terminal(['policy', 'test', 'p.yaml'], files(cases));
const ada = 'as: ada@contoso.example, groups: [analysts], target: orders, role: reader';

describe('test', () => {
  test('passes the cases of the sample', () => {
    const { code, out } = terminal(['policy', 'test', 'policy.sample.yaml']);
    expect(code, out).toBe(0);
    expect(out).toMatch(/^\d+ passed, 0 failed$/m);
  });
  test('looks for the cases beside the policy, or where they are said to be', () => {
    const cases = `[{ ${ada}, expect: { outcome: approval, stages: 1, quorum: 1, maximum: 8h, duration: 1h, rule: reader on orders } }]`;
    expect(testing(cases).code).toBe(0);
    const elsewhere = { 'p.yaml': policyWith(), 'other.yaml': cases };
    expect(terminal(['policy', 'test', 'p.yaml', '--cases', 'other.yaml'], elsewhere).code).toBe(0);
    expect(terminal(['policy', 'test', 'p.yaml'], elsewhere).code).toBe(2);
  });
  test.each([
    ['outcome', '{ outcome: refused }'],
    ['code', '{ outcome: refused, code: CURFEW_LIMIT_REACHED }'],
    ['rule', '{ outcome: approval, rule: another }'],
    ['stages', '{ outcome: approval, stages: 2 }'],
    ['quorum', '{ outcome: approval, quorum: 2 }'],
    ['maximum', '{ outcome: approval, maximum: 7h }'],
    ['duration', '{ outcome: approval, duration: 2h }'],
  ])('fails where another %s is expected, with what was found and the explanation', (field, expected) => {
    const { code, out } = testing(
      `- { ${ada}, expect: { outcome: approval } }\n- { name: mine, ${ada}, expect: ${expected} }`,
    );
    expect(code).toBe(1);
    expect(out).toContain('FAILED mine');
    expect(out).toContain(`p.test.yaml:2: ${field}: expected `);
    expect(out).toContain('reader on orders  applies');
    expect(out).toMatch(/^1 passed, 1 failed$/m);
  });
  test('is at noon on a Monday where a case does not say when', () => {
    const role = `automatic-approval: [{ name: noon, hours: { days: [mon], from: '12:00', to: '13:00', time-zone: UTC } }]`;
    const cases = `- { ${ada}, expect: { outcome: automatic, rule: noon } }\n- { ${ada}, at: '2026-01-06T12:00:00Z', expect: { outcome: approval } }`;
    const { code, out } = terminal(['policy', 'test', 'p.yaml'], {
      'p.yaml': policyWith({ role }),
      'p.test.yaml': cases,
    });
    expect(code, out).toBe(0);
  });
  test.each([
    ['an unknown field', `- { ${ada}, expcet: {}, expect: { outcome: approval } }`, '1:80: [0].expcet'],
    [
      'an unknown group',
      `- { ${ada.replace('[analysts]', '[analyst]')}, expect: { outcome: approval } }`,
      '1:39: [0].groups[0]',
    ],
    ['an unknown outcome', `- { ${ada}, expect: { outcome: maybe } }`, '1:99: [0].expect.outcome'],
    ['an unknown code', `- { ${ada}, expect: { outcome: refused, code: CURFEW_NO } }`, '1:114: [0].expect.code'],
    ['no cases', '[]', '1:1: '],
    ['no list', 'cases: []', '1:1: '],
  ])('says where the cases have %s', (_, cases, place) => {
    const { code, errors } = testing(cases);
    expect(code).toBe(1);
    expect(errors).toContain(`p.test.yaml:${place}`);
  });
  test('says where the policy is wrong', () => {
    const { code, errors } = terminal(['policy', 'test', 'p.yaml'], { 'p.yaml': 'version: 2\n' });
    expect(code).toBe(1);
    expect(errors).toContain('p.yaml:1:10: version');
  });
});
