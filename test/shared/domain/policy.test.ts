import { describe, expect, test } from 'vitest';
import { evaluatePolicy, isInAudience, type Question, rolesFor } from '../../../shared/domain/policy.ts';
import { plus } from '../../../shared/domain/time.ts';
import { ada, analysts, bob, eve, owners, policy, start } from '../../support/samples.ts';

const hour = 3_600_000;
const question: Question = {
  requester: ada,
  groups: [analysts],
  target: 'orders',
  role: 'reader',
  reason: 'Refund case 4711',
};

function outcome(change: Partial<Question>): string {
  const evaluation = evaluatePolicy(policy, { ...question, ...change }, start);
  return 'refusal' in evaluation ? `${evaluation.refusal.code} ${evaluation.refusal.path}` : 'allowed';
}

describe('evaluatePolicy', () => {
  test.each<[string, Partial<Question>, string]>([
    ['a role that is offered is allowed', {}, 'allowed'],
    ['an unknown target is refused', { target: 'payroll' }, 'CURFEW_NO_SUCH_ROLE /target'],
    ['an unknown role is refused', { role: 'owner' }, 'CURFEW_NO_SUCH_ROLE /role'],
    [
      'a role for others is refused as if it did not exist',
      { requester: eve, groups: [] },
      'CURFEW_NO_SUCH_ROLE /target',
    ],
    ['being in another group does not help', { groups: [owners] }, 'CURFEW_NO_SUCH_ROLE /target'],
    ['the maximum is allowed', { duration: 8 * hour }, 'allowed'],
    ['a second over the maximum is refused', { duration: 8 * hour + 1000 }, 'CURFEW_DURATION_TOO_LONG /duration'],
    ['no time at all is refused', { duration: 0 }, 'CURFEW_DURATION_INVALID /duration'],
    ['a reason of blanks is none', { reason: ' \n ' }, 'CURFEW_REASON_REQUIRED /reason'],
    ['a start within the horizon is allowed', { startsAt: plus(start, 30 * 24 * hour) }, 'allowed'],
    ['a start beyond it is refused', { startsAt: plus(start, 30 * 24 * hour + 1) }, 'CURFEW_START_INVALID /startsAt'],
    ['a start in the past is refused', { startsAt: plus(start, -hour) }, 'CURFEW_START_INVALID /startsAt'],
    ['a start that has just passed means now', { startsAt: plus(start, -1000) }, 'allowed'],
  ])('%s', (_, change, expected) => {
    expect(outcome(change)).toBe(expected);
  });

  test('the terms pin what the policy said: default duration, deadline for approval, digest', () => {
    expect(evaluatePolicy(policy, question, start)).toMatchObject({
      terms: { duration: hour, approveBy: plus(start, 24 * hour), policyDigest: policy.digest, startsAt: undefined },
    });
  });

  test('a person is in an audience by name in any case, or by a group', () => {
    const audience = { people: ['BOB@contoso.example'], groups: [analysts] };
    expect([
      isInAudience(audience, bob, []),
      isInAudience(audience, ada, [analysts]),
      isInAudience(audience, eve, [owners]),
    ]).toEqual([true, true, false]);
  });

  test('what is listed is what may be asked for', () => {
    expect(rolesFor(policy, ada, [analysts]).map(({ id }) => id)).toEqual(['orders']);
    expect(rolesFor(policy, eve, [])).toEqual([]);
  });
});
