import fc from 'fast-check';
import type { Digest, PrincipalId, RoleId, TargetId } from '../../../shared/domain/ids.ts';
import type {
  Audience,
  Authentication,
  AutomaticApproval,
  Demands,
  Person,
  Policy,
  Role,
  Rule,
  Stage,
} from '../../../shared/domain/policy.ts';
import type { Question } from '../../../shared/domain/question.ts';
import { type Instant, plus } from '../../../shared/domain/time.ts';

/** Policies and questions over a small world, so that they meet each other often. */
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
export const noon = '2026-01-05T12:00:00.000Z' as Instant;

export function person(digit: number, first: string): Person {
  const userPrincipalName = `${first}@contoso.example`;
  const principalId = `a0000000-0000-4000-8000-00000000000${digit}` as PrincipalId;
  return { principalId, name: first, userPrincipalName, mail: userPrincipalName };
}
export const ada = person(1, 'ada');
export const bob = person(2, 'bob');
export const carla = person(3, 'carla');
export const [analysts, owners] = ['1', '2'].map((digit) => `b0000000-0000-4000-8000-00000000000${digit}`) as [
  PrincipalId,
  PrincipalId,
];

const people = [ada, bob, carla];
const target = 'orders' as TargetId;
const roleId = 'reader' as RoleId;

/** Half hours up to six hours; a maximum is mostly the longest. */
const duration = fc.integer({ min: 1, max: 12 }).map((halves) => halves * 30 * minute);
const audience: fc.Arbitrary<Audience> = fc.record({
  people: fc.subarray(people.map(({ userPrincipalName }) => userPrincipalName)),
  groups: fc.subarray([analysts, owners]),
});
const stage: fc.Arbitrary<Stage> = fc.record({
  approvers: audience,
  quorum: fc.integer({ min: 1, max: 2 }),
  timeOut: fc.constantFrom(hour, day),
  reminders: fc.constant([]),
});
const needs = fc.uniqueArray(fc.constantFrom<Authentication>('mfa', 'c1'));
const seldom = <Value>(arbitrary: fc.Arbitrary<Value>, usual: Value) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 4 }, { arbitrary, weight: 1 });
const tickets = fc.uniqueArray(
  fc.constantFrom({ pattern: 'INC-\\d{6}', example: 'INC-004711' }, { pattern: '[A-Z]+-\\d+', example: 'A-1' }),
  { selector: ({ pattern }) => pattern },
);
const limit = fc.option(fc.integer({ min: 1, max: 3 }), { nil: null });
const fields = {
  maximum: seldom(duration, 6 * hour),
  startHorizon: fc.constantFrom(0, hour, 30 * day),
  reasonLength: fc.integer({ min: 0, max: 12 }),
  tickets: seldom(tickets, []),
  askingNeeds: seldom(needs, []),
  decidingNeeds: needs,
  stages: fc.array(stage, { maxLength: 3 }),
  signIn: fc.boolean(),
  automaticApproval: seldom(fc.boolean(), true),
  breakGlass: seldom(fc.boolean(), true),
  limits: fc.record({ perPerson: limit, perRole: limit }),
  extension: fc.record({ times: fc.integer({ min: 0, max: 3 }), total: duration }),
};
export const demands: fc.Arbitrary<Demands> = fc.record(fields);

export const rule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constantFrom('one', 'other', 'third'),
  when: fc.record(
    {
      targets: fc.subarray([target, 'payroll' as TargetId]),
      roles: fc.subarray([roleId, 'writer' as RoleId]),
      requesters: audience,
      longerThan: duration,
    },
    { requiredKeys: [] },
  ),
  demands: fc.record(fields, { requiredKeys: [] }),
});

const automaticApproval: fc.Arbitrary<AutomaticApproval> = fc.record(
  {
    name: fc.constantFrom('quick', 'again'),
    requesters: audience,
    hours: fc.record({
      days: fc.constant(['mon', 'tue'] as const),
      from: fc.constantFrom(0, 13 * 60),
      to: fc.constantFrom(14 * 60, 24 * 60),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
    }),
    durationUpTo: duration,
    approvedBefore: fc.record({ times: fc.integer({ min: 1, max: 2 }), within: fc.constantFrom(hour, day) }),
  },
  { requiredKeys: ['name'] },
);

const role: fc.Arbitrary<Role> = fc.record(
  {
    id: fc.constant(roleId),
    description: fc.constant('Read'),
    entitlements: fc.constant([]),
    requesters: seldom(audience, { people: people.map(({ userPrincipalName }) => userPrincipalName), groups: [] }),
    duration: fc.record({ default: duration, step: seldom(fc.constantFrom(30 * minute, 90 * minute), 1000) }),
    demands,
    automaticApprovals: fc.array(automaticApproval, { maxLength: 2 }),
    drift: fc.constant({ action: 'report' as const, standing: [] }),
    breakGlass: fc.record({
      people: seldom(fc.subarray(people), people),
      maximum: duration,
      tell: audience,
      review: fc.record({ by: audience, within: fc.constant(day) }),
    }),
  },
  {
    requiredKeys: [
      'id',
      'description',
      'entitlements',
      'requesters',
      'duration',
      'demands',
      'automaticApprovals',
      'drift',
    ],
  },
);

export const policy: fc.Arbitrary<Policy> = fc.record({
  digest: fc.constant('0'.repeat(64) as Digest),
  targets: fc.tuple(role).map((roles) => [{ id: target, description: 'Orders', roles }]),
  rules: fc.array(rule, { maxLength: 3 }),
  zones: fc.constant({}),
});

export const question: fc.Arbitrary<Question & { duration: number }> = fc.record(
  {
    requester: fc.constantFrom(...people),
    groups: fc.oneof({ arbitrary: fc.subarray([analysts, owners]), weight: 4 }, fc.constant('unknown' as const)),
    target: fc.constant('orders'),
    role: fc.constant('reader'),
    duration,
    startsAt: fc.constantFrom(plus(noon, 30 * minute), plus(noon, day)),
    reason: seldom(fc.constantFrom('', 'Refund'), 'Refund case 4711'),
    ticket: fc.constantFrom('INC-004711', 'A-1', ''),
    breakGlass: fc.boolean(),
    authentication: seldom(needs, ['mfa', 'c1']),
    history: fc.record({
      heldByPerson: seldom(fc.constant(2), 0),
      heldByAll: seldom(fc.constant(3), 0),
      approvedAt: fc.subarray([plus(noon, -minute), plus(noon, -2 * hour)]),
    }),
  },
  {
    requiredKeys: ['requester', 'groups', 'target', 'role', 'duration', 'reason', 'authentication', 'history'],
  },
);
