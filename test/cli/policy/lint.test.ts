import { describe, expect, test } from 'vitest';
import { policyWith, terminal } from '../terminal.ts';

function lint(policy: string, ...options: string[]) {
  return terminal(['policy', 'lint', 'p.yaml', ...options], { 'p.yaml': policy });
}
/** `line:column: path` of every warning. */
function warningsOf(policy: string): string[] {
  const { out, code } = lint(policy);
  expect(code, out).toBe(0);
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => /^p\.yaml:(\d+:\d+): warning: (\S+): /.exec(line)?.slice(1).join(' ') ?? line);
}
const reader = 'targets.orders.roles.reader';
const night = `applications: { export: d0000000-0000-4000-8000-000000000005 }
emergency-groups: { night: [{ object-id: a0000000-0000-4000-8000-000000000003, user: carla@contoso.example, name: Carla }] }`;
const breakGlass = (maximum: string, by: string) =>
  `break-glass: { emergency-groups: [night], maximum: ${maximum}, tell: { groups: [owners] }, review: { by: ${by}, within: 1d } }`;
const justPeople = '{ stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 24h }] }';

describe('lint', () => {
  test('finds nothing in the sample', () => {
    expect(terminal(['policy', 'lint', 'policy.sample.yaml', '--strict'])).toEqual({
      code: 0,
      out: 'policy.sample.yaml: no errors, 0 warnings',
      errors: '',
    });
  });
  test('prints every error with its place, and exits with 1', () => {
    const { code, out } = lint(policyWith({ duration: '{ default: 9h, maximum: 8h, stpe: 1h }', requesters: '{}' }));
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(': ', 2).join(' '))).toEqual([
      `p.yaml:13:21 ${reader}.requesters`,
      `p.yaml:14:30 ${reader}.duration.default`,
      `p.yaml:14:47 ${reader}.duration.stpe`,
    ]);
  });
  test('lets warnings pass unless it is strict', () => {
    const policy = policyWith({ top: 'applications: { unused: d0000000-0000-4000-8000-000000000005 }' });
    expect(lint(policy).code).toBe(0);
    expect(lint(policy, '--strict').code).toBe(1);
  });
});

describe('lint warns of', () => {
  test.each<[string, Parameters<typeof policyWith>[0], ...string[]]>([
    ['nothing where nothing is the matter', {}],
    ['names that nothing uses', { top: night }, '3:17 applications.export', '4:21 emergency-groups.night'],
    ['a group that nothing uses', { requesters: '{ people: [ada@contoso.example] }' }, '2:11 groups.analysts'],
    [
      'a step that no duration reaches',
      { duration: '{ default: 1h, maximum: 8h, step: 1h }', rules: 'rules: [{ name: short, then: { maximum: 30m } }]' },
      `14:53 ${reader}.duration.step`,
    ],
    [
      'an application that has to prove what it can’t',
      {
        top: 'applications: { export: d0000000-0000-4000-8000-000000000005 }',
        requesters: '{ groups: [analysts], applications: [export] }',
        role: 'authentication: { asking: [mfa] }',
      },
      `13:57 ${reader}.requesters.applications`,
    ],
    [
      'a quorum of more people than are named',
      {
        approval:
          '{ stages: [{ approvers: { people: [b@x, c@x] }, quorum: 3, time-out: 1h }, { approvers: { groups: [owners] }, time-out: 1h }] }',
      },
      `15:30 ${reader}.approval.stages[0]`,
    ],
    [
      'a quorum of one person twice',
      {
        approval:
          '{ stages: [{ approvers: { people: [B@x, b@x], groups: [] }, quorum: 2, time-out: 1h, escalation: { after: 1m, to: { groups: [owners], people: [b@x] } } }] }',
      },
    ],
    [
      'one person for two stages',
      {
        approval:
          '{ stages: [{ approvers: { people: [b@x] }, time-out: 1h }, { approvers: { people: [B@x] }, time-out: 2h }] }',
      },
      '2:59 groups.owners',
      `15:78 ${reader}.approval.stages[1]`,
    ],
    [
      'one manager for two',
      {
        approval:
          '{ stages: [{ approvers: { manager: true }, quorum: 2, time-out: 1h }, { approvers: { groups: [owners] }, time-out: 1h }] }',
      },
      `15:30 ${reader}.approval.stages[0]`,
    ],
    [
      'a requester without whom nobody is left to approve',
      { requesters: '{ people: [bob@contoso.example, ada@x], groups: [analysts, owners] }', approval: justPeople },
      `13:32 ${reader}.requesters.people[0]`,
    ],
    [
      'an approver who alone may ask',
      {
        requesters: '{ people: [bob@contoso.example] }',
        approval:
          '{ stages: [{ approvers: { people: [Bob@contoso.example], groups: [analysts, owners] }, time-out: 24h }] }',
      },
      `13:32 ${reader}.requesters.people[0]`,
    ],
    [
      'an escalation that asks nobody new',
      {
        approval:
          '{ stages: [{ approvers: { groups: [owners], people: [b@x] }, time-out: 24h, escalation: { after: 1h, to: { people: [B@x] } } }] }',
      },
      `15:124 ${reader}.approval.stages[0].escalation.to`,
    ],
    [
      'an automatic approval under the step',
      {
        duration: '{ default: 1h, maximum: 8h, step: 1h }',
        role: 'automatic-approval: [{ name: quick, duration-up-to: 30m }]',
      },
      `16:30 ${reader}.automatic-approval[0]`,
    ],
    [
      'an automatic approval and an emergency that a rule always forbids',
      {
        top: night.replace(/.*\n/, ''),
        role: `automatic-approval: [{ name: quick, duration-up-to: 30m }]\n        ${breakGlass('1h', '{ groups: [owners] }')}`,
        rules:
          'rules: [{ name: never, when: { targets: [orders] }, then: { automatic-approval: never, break-glass: never } }]',
      },
      `16:29 ${reader}.automatic-approval`,
      `17:22 ${reader}.break-glass`,
    ],
    [
      'not of what a rule forbids at times',
      {
        role: 'automatic-approval: [{ name: quick, duration-up-to: 3h }]',
        rules: 'rules: [{ name: seldom, when: { longer-than: 2h }, then: { automatic-approval: never } }]',
      },
    ],
    [
      'an emergency too short for the step, and reviewed by whoever broke the glass',
      {
        top: night.replace(/.*\n/, ''),
        duration: '{ default: 1h, maximum: 8h, step: 1h }',
        role: breakGlass('30m', '{ people: [CARLA@contoso.example] }'),
      },
      `16:60 ${reader}.break-glass.maximum`,
      `16:107 ${reader}.break-glass.review.by`,
    ],
    [
      'a link that is enough',
      { approval: `{ sign-in: not-needed, ${justPeople.slice(1)}`, requesters: '{ groups: [analysts, owners] }' },
      `15:30 ${reader}.approval.sign-in`,
    ],
    [
      'not of a link that a rule makes not enough',
      {
        approval: `{ sign-in: not-needed, ${justPeople.slice(1)}`,
        requesters: '{ groups: [analysts, owners] }',
        rules: 'rules: [{ name: sign in, then: { approval: { sign-in: required } } }]',
      },
    ],
    [
      'a second factor that no page can be shown',
      {
        role: 'authentication: { asking: [mfa], deciding: [c1, mfa] }',
        rules: 'rules: [{ name: always, then: { authentication: { deciding: [mfa, c2] } } }]',
      },
      `16:52 ${reader}.authentication.deciding`,
      '17:61 rules[0].then.authentication.deciding',
    ],
    [
      'a rule that never asks for more',
      {
        rules:
          'rules: [{ name: idle, when: { longer-than: 2h }, then: { maximum: 8h, extension: never, break-glass: never } }]',
      },
      '17:9 rules[0]',
    ],
    [
      'a rule for longer access than there is',
      { rules: 'rules: [{ name: idle, when: { longer-than: 8h }, then: { maximum: 1h } }]' },
      '17:9 rules[0]',
    ],
    [
      'a rule for people who can’t ask',
      {
        requesters: '{ people: [ada@x] }',
        approval: '{ stages: [{ approvers: { groups: [owners, analysts] }, time-out: 24h }] }',
        rules: 'rules: [{ name: idle, when: { requesters: { people: [bob@x] } }, then: { maximum: 1h } }]',
      },
      '17:9 rules[0]',
    ],
    [
      'stages of a rule for which too few are named',
      {
        requesters: '{ groups: [analysts, owners] }',
        approval: justPeople,
        rules: `rules: [{ name: more, when: { longer-than: 2h }, then: { approval: { stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 1h }] } } }]`,
      },
      '17:78 rules[0].then.approval.stages',
    ],
    [
      'stages that a rule always adds, for which too few are named',
      {
        requesters: '{ groups: [analysts, owners] }',
        approval: justPeople,
        rules: `rules: [{ name: more, then: { approval: { stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 1h }] } } }]`,
      },
      `11:9 ${reader}`,
    ],
  ])('%s', (_, parts, ...expected) => {
    expect(warningsOf(policyWith(parts))).toEqual(expected);
  });
});
