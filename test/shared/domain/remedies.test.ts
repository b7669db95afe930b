import { expect, test } from 'vitest';
import { decide, type PersonCommand } from '../../../shared/domain/decide.ts';
import type { Refusal } from '../../../shared/domain/errors.ts';
import { evaluatePolicy } from '../../../shared/domain/evaluate.ts';
import { extensionRefusal } from '../../../shared/domain/extension.ts';
import type { Demands } from '../../../shared/domain/policy.ts';
import type { Question } from '../../../shared/domain/question.ts';
import type { Remedy } from '../../../shared/domain/remedies.ts';
import { plus } from '../../../shared/domain/time.ts';
import { ada, analysts, bob, carla, commandId, demands, policy, start } from '../../support/samples.ts';
import { now, storyOf } from '../pages/stories.ts';

const hour = 3_600_000;
const day = 24 * hour;
const question: Question = {
  requester: ada,
  groups: [analysts],
  target: 'orders',
  role: 'reader',
  reason: 'Refund case 4711',
  authentication: [],
  history: { heldByPerson: 1, heldByAll: 2, approvedAt: [] },
};

test.each<[string, Partial<Question>, Partial<Demands>, Remedy]>([
  ['for an unknown target', { target: 'x' }, {}, { kind: 'see-targets' }],
  ['to break the glass', { breakGlass: true }, {}, { kind: 'leave-out-break-glass' }],
  ['for no time', { duration: 0 }, {}, { kind: 'ask-for-at-least', duration: 1_000 }],
  ['for too long', { duration: 9 * hour }, {}, { kind: 'ask-for-at-most', duration: 8 * hour }],
  ['between two steps', { duration: hour + 1 }, {}, { kind: 'ask-for-multiple-of', duration: 1_000 }],
  ['to start in the past', { startsAt: plus(start, -hour) }, {}, { kind: 'leave-out-start' }],
  ['to start too late', { startsAt: plus(start, 31 * day) }, {}, { kind: 'start-within', duration: 30 * day }],
  ['to start later at all', { startsAt: plus(start, day) }, { startHorizon: 0 }, { kind: 'leave-out-start' }],
  ['without a reason', { reason: '' }, { reasonLength: 30 }, { kind: 'give-reason', length: 30 }],
  [
    'without a ticket',
    {},
    { tickets: [{ pattern: 'INC-\\d+', example: 'INC-1' }] },
    { kind: 'give-ticket', example: 'INC-1' },
  ],
  ['with a weak sign-in', {}, { askingNeeds: ['mfa'] }, { kind: 'sign-in-with', need: 'mfa' }],
  ['over the limit of a person', {}, { limits: { perPerson: 1, perRole: null } }, { kind: 'end-own-grant' }],
  ['over the limit of a role', {}, { limits: { perPerson: 2, perRole: 2 } }, { kind: 'wait-for-grant-to-end' }],
  ['with nobody to approve', {}, { stages: [] }, { kind: 'name-approvers' }],
])('a question %s is refused with what to do, in the explanation as well', (_, change, asked, remedy) => {
  const of = {
    ...policy,
    targets: policy.targets.map((target) => ({
      ...target,
      roles: target.roles.map((role) => ({ ...role, demands: { ...demands, ...asked } })),
    })),
  };
  const evaluation = evaluatePolicy(of, { ...question, ...change }, start);
  expect(evaluation).toMatchObject({ refusal: { remedy } });
  expect(evaluation.explanation.at(-1)).toMatchObject({ outcome: 'refuses', remedy });
});

const approval = { kind: 'approve', commandId, by: bob, stage: 0, through: 'link', comment: '' } as const;
test.each<[string, string, PersonCommand, Remedy]>([
  ['to withdraw what is', 'granted', { kind: 'withdraw', commandId, by: ada }, { kind: 'end-the-access' }],
  [
    'to end what is',
    'waiting',
    { kind: 'end', commandId, by: ada, as: 'requester', reason: '' },
    { kind: 'withdraw-or-deny' },
  ],
  [
    'to review what is',
    'held with broken glass',
    { kind: 'review', commandId, by: carla, comment: '' },
    { kind: 'review-after-end' },
  ],
  [
    'to approve more of what is',
    'waiting',
    { ...approval, duration: 9 * hour },
    { kind: 'approve-for-at-most', duration: 8 * hour },
  ],
  [
    'to approve no time of what is',
    'waiting',
    { ...approval, duration: 0 },
    { kind: 'approve-for-at-least', duration: 1_000 },
  ],
])('a command %s %s is refused with what to do instead', (_, name, command, remedy) => {
  expect(decide(storyOf(name), command, now)).toMatchObject({ refusal: { remedy } });
});

test.each<[string, number, Remedy]>([
  ['granted', hour, { kind: 'ask-for-new-access' }],
  ['expired', hour, { kind: 'ask-for-new-access' }],
  ['granted and extendable', 5 * hour, { kind: 'ask-for-at-most', duration: 4 * hour }],
])('an extension of what is %s by %d ms is refused with what to do instead', (name, duration, remedy) => {
  expect(extensionRefusal(storyOf(name), duration, now)).toMatchObject({ remedy } satisfies Partial<Refusal>);
});
