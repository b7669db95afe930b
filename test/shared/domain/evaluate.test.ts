import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/domain/canonical-json.ts';
import { offeredDemands } from '../../../shared/domain/demands.ts';
import { approveByOf, evaluatePolicy } from '../../../shared/domain/evaluate.ts';
import type { PrincipalId, RoleId, TargetId } from '../../../shared/domain/ids.ts';
import type { Demands, Policy, Role, Rule, Terms } from '../../../shared/domain/policy.ts';
import type { Question } from '../../../shared/domain/question.ts';
import { nothingDemanded } from '../../../shared/domain/strictest.ts';
import { plus } from '../../../shared/domain/time.ts';
import * as generated from './generated.ts';
import { ada, analysts, bob, carla, day, hour, minute, noon, owners } from './generated.ts';

const stage = { approvers: { people: [], groups: [owners] }, quorum: 1, timeOut: day, reminders: [] };
const reader: Role = {
  id: 'reader' as RoleId,
  description: 'Read',
  entitlements: [],
  requesters: { people: [], groups: [analysts] },
  duration: { default: hour, step: minute },
  demands: {
    ...nothingDemanded,
    maximum: 8 * hour,
    startHorizon: 30 * day,
    reasonLength: 1,
    stages: [stage],
    extension: { times: 2, total: 12 * hour },
  },
  automaticApprovals: [],
  drift: { action: 'report', standing: [] },
  breakGlass: {
    people: [carla],
    maximum: 2 * hour,
    tell: stage.approvers,
    review: { by: stage.approvers, within: day },
  },
};

function policyOf(role: Partial<Role>, ...rules: Rule[]): Policy {
  const roles = [{ ...reader, ...role }];
  return {
    digest: '0'.repeat(64) as Policy['digest'],
    targets: [{ id: 'orders' as TargetId, description: 'Orders', roles }],
    rules,
    zones: {},
  };
}
function asking(more: Partial<Demands>): Policy {
  return policyOf({ demands: { ...reader.demands, ...more } });
}
const policy = policyOf({});

const question: Question = {
  requester: ada,
  groups: [analysts],
  target: 'orders',
  role: 'reader',
  reason: 'Refund case 4711',
  authentication: [],
  history: { heldByPerson: 0, heldByAll: 0, approvedAt: [] },
};
const emergency: Partial<Question> = { requester: carla, groups: [], breakGlass: true };

function outcome(change: Partial<Question>, of = policy): string {
  const evaluation = evaluatePolicy(of, { ...question, ...change }, noon);
  return 'refusal' in evaluation ? `${evaluation.refusal.code} ${evaluation.refusal.path}` : 'allowed';
}
function termsOf(change: Partial<Question>, of = policy): Terms {
  const evaluation = evaluatePolicy(of, { ...question, ...change }, noon);
  if ('refusal' in evaluation) throw new Error(evaluation.refusal.code);
  return evaluation.terms;
}

describe('a question', () => {
  test.each<[string, Partial<Question>, string]>([
    ['for a role that is offered is allowed', {}, 'allowed'],
    ['for an unknown target is refused', { target: 'payroll' }, 'CURFEW_NO_SUCH_ROLE /target'],
    ['for an unknown role is refused', { role: 'owner' }, 'CURFEW_NO_SUCH_ROLE /role'],
    [
      'for a role for others is refused as if there were none',
      { requester: bob, groups: [] },
      'CURFEW_NO_SUCH_ROLE /target',
    ],
    ['by somebody in another group is refused', { groups: [owners] }, 'CURFEW_NO_SUCH_ROLE /target'],
    ['while the groups are unknown is refused', { groups: 'unknown' }, 'CURFEW_NO_SUCH_ROLE /target'],
    ['for the maximum is allowed', { duration: 8 * hour }, 'allowed'],
    ['for a step over the maximum is refused', { duration: 8 * hour + minute }, 'CURFEW_DURATION_TOO_LONG /duration'],
    ['between two steps is refused', { duration: hour + 1000 }, 'CURFEW_DURATION_INVALID /duration'],
    ['for no time at all is refused', { duration: 0 }, 'CURFEW_DURATION_INVALID /duration'],
    ['for less than no time is refused', { duration: -hour }, 'CURFEW_DURATION_INVALID /duration'],
    ['with a reason of blanks is refused', { reason: ' \n ' }, 'CURFEW_REASON_REQUIRED /reason'],
    [
      'with a reason that nobody can see is refused',
      { reason: '\u2800\u200d\u3164' },
      'CURFEW_REASON_REQUIRED /reason',
    ],
    ['to start within the horizon is allowed', { startsAt: plus(noon, 30 * day) }, 'allowed'],
    ['to start beyond it is refused', { startsAt: plus(noon, 30 * day + 1) }, 'CURFEW_START_INVALID /startsAt'],
    ['to start in the past is refused', { startsAt: plus(noon, -hour) }, 'CURFEW_START_INVALID /startsAt'],
    ['to start just now is allowed', { startsAt: plus(noon, -1000) }, 'allowed'],
    ['to break the glass by somebody else is refused', { breakGlass: true }, 'CURFEW_BREAK_GLASS_REFUSED /breakGlass'],
    ['to break the glass by the emergency group is allowed', emergency, 'allowed'],
    ['to break it while the groups are unknown is allowed', { ...emergency, groups: 'unknown' }, 'allowed'],
    [
      'to break it for longer than it allows is refused',
      { ...emergency, duration: 3 * hour },
      'CURFEW_DURATION_TOO_LONG /duration',
    ],
    ['to break it without a reason is refused', { ...emergency, reason: '' }, 'CURFEW_REASON_REQUIRED /reason'],
    ['to break it later is refused', { ...emergency, startsAt: plus(noon, hour) }, 'CURFEW_START_INVALID /startsAt'],
    [
      'by the emergency group without breaking it is refused',
      { ...emergency, breakGlass: false },
      'CURFEW_NO_SUCH_ROLE /target',
    ],
  ])('%s', (_, change, expected) => {
    expect(outcome(change)).toBe(expected);
  });

  test('whoever breaks the glass is known by object id: a name is not enough', () => {
    expect(outcome({ ...emergency, requester: { ...carla, principalId: ada.principalId } })).toBe(
      'CURFEW_NO_SUCH_ROLE /target',
    );
  });
  test('needs what the role says has to be proven, the ticket and a free place', () => {
    expect(outcome({}, asking({ askingNeeds: ['mfa', 'c1'] }))).toContain('CURFEW_AUTHENTICATION_INSUFFICIENT');
    expect(outcome({ authentication: ['mfa', 'c1'] }, asking({ askingNeeds: ['mfa', 'c1'] }))).toBe('allowed');
    const ticketed = asking({ tickets: [{ pattern: 'INC-\\d{6}|CHG', example: 'INC-004711' }] });
    expect(outcome({}, ticketed)).toContain('CURFEW_TICKET_INVALID');
    for (const ticket of ['INC-0047111', 'xINC-004711', 'INC-004711\n', 'xCHG', 'INC-٠٠٤٧١١', '']) {
      expect(outcome({ ticket }, ticketed)).toContain('CURFEW_TICKET_INVALID');
    }
    expect(outcome({ ticket: 'INC-004711' }, ticketed)).toBe('allowed');
    const limited = asking({ limits: { perPerson: 1, perRole: 3 } });
    const held = (heldByPerson: number, heldByAll: number) => ({
      history: { heldByPerson, heldByAll, approvedAt: [] },
    });
    expect(outcome(held(1, 1), limited)).toContain('CURFEW_LIMIT_REACHED');
    expect(outcome(held(0, 3), limited)).toContain('CURFEW_LIMIT_REACHED');
    expect(outcome(held(0, 2), limited)).toBe('allowed');
  });
});

describe('the terms', () => {
  test('pin what the policy said', () => {
    expect(termsOf({})).toMatchObject({
      duration: hour,
      policyDigest: policy.digest,
      stages: [stage],
      startsAt: undefined,
    });
  });
  test('are not of the stages where the glass is broken, and can’t be extended', () => {
    expect(termsOf(emergency)).toMatchObject({
      extension: { times: 0, total: 0 },
      breakGlass: { people: [carla], review: { within: day } },
    });
    expect(termsOf({}).breakGlass).toBeUndefined();
  });
  test('say by when to decide: the time-out, or the end of the window asked for', () => {
    expect(approveByOf(termsOf({}), 0, noon)).toBe(plus(noon, day));
    expect(approveByOf(termsOf({ startsAt: plus(noon, hour) }), 0, noon)).toBe(plus(noon, 2 * hour));
  });
  test('without a duration asked for are of the longest multiple of the step that the rules leave of the default', () => {
    const rule = { name: 'short', when: {}, demands: { maximum: 50 * minute + 1000 } };
    expect(termsOf({}, policyOf({}, rule)).duration).toBe(50 * minute);
  });
});

describe('rules', () => {
  const longer: Rule = { name: 'long', when: { longerThan: 4 * hour }, demands: { reasonLength: 30 } };
  test('apply where all their conditions hold', () => {
    const of = policyOf({}, longer);
    expect(outcome({ duration: 4 * hour }, of)).toBe('allowed');
    expect(outcome({ duration: 4 * hour + minute }, of)).toContain('CURFEW_REASON_REQUIRED');
    const others = { ...longer, when: { ...longer.when, requesters: { people: [bob.userPrincipalName], groups: [] } } };
    expect(outcome({ duration: 8 * hour }, policyOf({}, others))).toBe('allowed');
  });
  test('explain themselves, each with a sentence', () => {
    const { explanation } = evaluatePolicy(policyOf({}, longer), { ...question, duration: hour }, noon);
    expect(explanation.map(({ rule, outcome }) => [rule, outcome])).toEqual([
      ['reader on orders', 'applies'],
      ['long', 'does not apply'],
    ]);
  });
  test('for groups count as meant while the groups are unknown', () => {
    const forbidding: Rule = {
      name: 'no glass for analysts',
      when: { requesters: { people: [], groups: [analysts] } },
      demands: { breakGlass: false },
    };
    expect(outcome({ ...emergency, groups: [] }, policyOf({}, forbidding))).toBe('allowed');
    expect(outcome({ ...emergency, groups: 'unknown' }, policyOf({}, forbidding))).toContain(
      'CURFEW_BREAK_GLASS_REFUSED',
    );
  });
  test('are named where one forbids the glass to be broken', () => {
    const forbidding: Rule = { name: 'no glass', when: {}, demands: { breakGlass: false } };
    const { explanation } = evaluatePolicy(
      policyOf({}, { ...longer, when: {} }, forbidding, { ...longer, name: 'last', when: {} }),
      { ...question, ...emergency },
      noon,
    );
    expect(explanation.at(-1)).toMatchObject({ rule: 'no glass', outcome: 'refuses' });
  });
  test('don’t open a role that has no stage of its own', () => {
    const adding = { name: 'more', when: {}, demands: { stages: [stage] } };
    expect(outcome({}, policyOf({ demands: { ...reader.demands, stages: [] } }, adding))).toBe(
      'CURFEW_NO_APPROVER /role',
    );
  });
  test('show what may be asked for, by the duration', () => {
    const of = policyOf({}, longer);
    const [target] = of.targets;
    const role = target?.roles[0];
    if (!target || !role) throw new Error('the test is wrong');
    expect(offeredDemands(of, target, role, question).reasonLength).toBe(1);
    expect(offeredDemands(of, target, role, question, 5 * hour).reasonLength).toBe(30);
  });
});

/** What of `less` is given on stricter terms, or as strict, in `more`. */
function isAsStrict(more: Terms, less: Terms): boolean {
  const holds = (some: readonly unknown[], all: readonly unknown[]) => {
    const rest = all.map((each) => canonicalJson(each as Json));
    return some.every((each) => {
      const at = rest.indexOf(canonicalJson(each as Json));
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
  };
  const atMost = (one: number | null, other: number | null) => other === null || (one !== null && one <= other);
  return (
    more.duration <= less.duration &&
    more.startsAt === less.startsAt &&
    holds(less.stages, more.stages) &&
    holds(less.decidingNeeds, more.decidingNeeds) &&
    (more.signIn || !less.signIn) &&
    (more.automatic === undefined || more.automatic.name === less.automatic?.name) &&
    (more.breakGlass === undefined) === (less.breakGlass === undefined) &&
    atMost(more.limits.perPerson, less.limits.perPerson) &&
    atMost(more.limits.perRole, less.limits.perRole) &&
    more.extension.times <= less.extension.times &&
    more.extension.total <= less.extension.total
  );
}

describe('a rule never loosens:', () => {
  const added = fc.tuple(generated.policy, generated.rule, fc.nat({ max: 3 })).map(([before, rule, at]) => ({
    before,
    after: { ...before, rules: before.rules.toSpliced(at, 0, rule) },
  }));
  test('what was refused stays refused, and what is given is given on terms as strict', () => {
    let [given, refused] = [0, 0];
    fc.assert(
      fc.property(added, generated.question, ({ before, after }, asked) => {
        const [old, now] = [evaluatePolicy(before, asked, noon), evaluatePolicy(after, asked, noon)];
        if ('refusal' in now) {
          refused++;
          return true;
        }
        given++;
        return 'terms' in old && isAsStrict(now.terms, old.terms);
      }),
      { numRuns: 3000 },
    );
    // Neither is so rare that the property says nothing.
    expect(given).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });
  test('without a duration what is given would have been given before to whoever had asked for it', () => {
    fc.assert(
      fc.property(added, generated.question, ({ before, after }, asked) => {
        const now = evaluatePolicy(after, { ...asked, duration: undefined }, noon);
        if ('refusal' in now) return true;
        const old = evaluatePolicy(before, { ...asked, duration: now.terms.duration }, noon);
        return 'terms' in old && isAsStrict(now.terms, old.terms);
      }),
      { numRuns: 3000 },
    );
  });
  test('while the groups are unknown nothing is given that some membership would not be given', () => {
    fc.assert(
      fc.property(generated.policy, generated.question, (of, asked) => {
        const blind = evaluatePolicy(of, { ...asked, groups: 'unknown' }, noon);
        if ('refusal' in blind) return true;
        const everyMembership: PrincipalId[][] = [[], [analysts], [owners], [analysts, owners]];
        return everyMembership.every((groups) => {
          const seen = evaluatePolicy(of, { ...asked, groups }, noon);
          return 'terms' in seen && (seen.terms.automatic !== undefined || isAsStrict(blind.terms, seen.terms));
        });
      }),
      { numRuns: 3000 },
    );
  });
});
