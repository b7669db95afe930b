import { describe, expect, test } from 'vitest';
import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import { type AnswerCommand, type Command, decide } from '../../../shared/domain/decide.ts';
import type { CurfewEvent } from '../../../shared/domain/events.ts';
import { evolve } from '../../../shared/domain/evolve.ts';
import { requestIdOf } from '../../../shared/domain/ids.ts';
import type { Person, Terms } from '../../../shared/domain/policy.ts';
import { isEnded, states } from '../../../shared/domain/states.ts';
import { type Instant, plus } from '../../../shared/domain/time.ts';
import { timeline } from '../../../shared/domain/timeline.ts';
import {
  ada,
  bob,
  carla,
  commandId,
  entitlement,
  eve,
  grantEvidence,
  requestAfter,
  requested,
  requestId,
  revocationEvidence,
  stage,
  start,
  terms,
} from '../../support/samples.ts';
import {
  approved,
  asked,
  began,
  deadline,
  endedEarly,
  granted,
  hour,
  intended,
  minute,
  order,
  revoked,
  said,
  situations,
  soon,
  startsAt,
} from './situations.ts';

const extension = requestIdOf(new Uint8Array(16).fill(9));
const emergency: Terms['breakGlass'] = {
  people: [ada],
  tell: terms.requesters,
  review: { by: terms.requesters, within: hour },
};
const extensible = { extension: { times: 2, total: 12 * hour } };

/** Each command at an instant at which it is possible wherever it ever is. */
const commands: Record<Command['kind'], { command: Command; now: typeof start }> = {
  approve: { command: { kind: 'approve', by: bob, ...said }, now: soon },
  'begin-stage': { command: { kind: 'begin-stage', approvers: [eve] }, now: soon },
  escalate: { command: { kind: 'escalate', approvers: [eve] }, now: soon },
  'approve-automatically': { command: { kind: 'approve-automatically' }, now: soon },
  'break-glass': { command: { kind: 'break-glass' }, now: soon },
  review: { command: { kind: 'review', commandId, by: bob, comment: '' }, now: soon },
  'move-deadline': { command: { kind: 'move-deadline', extension, duration: hour }, now: soon },
  'confirm-extension': { command: { kind: 'confirm-extension', deadline: plus(deadline, hour) }, now: soon },
  deny: { command: { kind: 'deny', by: bob, ...said }, now: soon },
  withdraw: { command: { kind: 'withdraw', commandId, by: ada }, now: soon },
  end: { command: { kind: 'end', commandId, by: carla, as: 'administrator', reason: '' }, now: soon },
  'time-out': { command: { kind: 'time-out' }, now: plus(start, 24 * hour) },
  'begin-grant': { command: { kind: 'begin-grant' }, now: startsAt },
  'refuse-grant': { command: { kind: 'refuse-grant', code: 'CURFEW_REQUESTER_INELIGIBLE' }, now: soon },
  'confirm-grant': { command: { kind: 'confirm-grant', evidence: [grantEvidence] }, now: soon },
  'abandon-grant': { command: { kind: 'abandon-grant', code: 'CURFEW_TARGET_REFUSED' }, now: soon },
  expire: { command: { kind: 'expire' }, now: deadline },
  'delay-revocation': {
    command: { kind: 'delay-revocation', attempt: 1, code: 'CURFEW_TARGET_UNAVAILABLE' },
    now: deadline,
  },
  'confirm-revocation': { command: { kind: 'confirm-revocation', evidence: [revocationEvidence] }, now: deadline },
};

/** The whole table: the state that each command leads to, or the code with which it is refused. */
const E = 'CURFEW_REQUEST_ENDED';
const D = 'CURFEW_ALREADY_DECIDED';
const N = 'CURFEW_NOT_GRANTED';
const A = 'CURFEW_ALREADY_ENDING';
const F = 'CURFEW_FORBIDDEN';
const R = 'CURFEW_REVIEW_NOT_OWED';
const X = 'CURFEW_EXTENSION_REFUSED';
const table: Record<Command['kind'], readonly string[]> = {
  //                     waiting     scheduled    approved extending granting  granted    revoking   overdue    denied withdrawn timed-out failed expired revoked extended
  approve: /*          */ ['approved', D, D, D, D, D, D, D, D, E, E, D, D, D, D],
  deny: /*             */ ['denied', D, D, D, D, D, D, D, D, E, E, D, D, D, D],
  withdraw: /*         */ ['withdrawn', 'withdrawn', 'withdrawn', D, D, D, D, D, E, E, E, E, E, E, E],
  end: /*              */ [N, 'revoked', 'revoked', N, 'revoking', 'revoking', A, A, E, E, E, E, E, E, E],
  'begin-stage': /*    */ ['waiting-for-approval', D, D, D, D, D, D, D, D, D, D, D, D, D, D],
  escalate: /*         */ ['waiting-for-approval', D, D, D, D, D, D, D, D, D, D, D, D, D, D],
  'approve-automatically': [F, D, D, D, D, D, D, D, D, D, D, D, D, D, D],
  'break-glass': /*    */ [F, D, D, D, D, D, D, D, D, D, D, D, D, D, D],
  review: /*           */ [R, R, R, R, R, R, R, R, R, R, R, R, R, R, R],
  'move-deadline': /*  */ [N, N, N, N, N, X, A, A, E, E, E, E, E, E, E],
  'confirm-extension': [E, E, E, 'extended', E, E, E, E, E, E, E, E, E, E, E],
  'time-out': /*       */ ['timed-out', D, D, D, D, D, D, D, D, D, D, D, D, D, D],
  'begin-grant': /*    */ [E, 'granting', 'granting', E, E, E, E, E, E, E, E, E, E, E, E],
  'refuse-grant': /*   */ [E, 'failed', 'failed', 'failed', E, E, E, E, E, E, E, E, E, E, E],
  'confirm-grant': /*  */ [N, N, N, N, 'granted', N, N, N, N, N, N, N, N, N, N],
  'abandon-grant': /*  */ [N, N, N, N, 'revoking', N, N, N, N, N, N, N, N, N, N],
  expire: /*           */ [N, N, N, N, 'revoking', 'revoking', N, N, N, N, N, N, N, N, N],
  'delay-revocation': [N, N, N, N, N, N, 'overdue', 'overdue', N, N, N, N, N, N, N],
  'confirm-revocation': [N, N, N, N, N, N, 'expired', 'expired', N, N, N, N, N, N, N],
};

function outcome(request: AccessRequest, command: Command, now: typeof start): string {
  const decision = decide(request, command, now);
  if ('refusal' in decision) return decision.refusal.code;
  return evolve(request, requestId, decision.event).state;
}

describe('every state × command', () => {
  test('the situations cover every state', () => {
    expect(new Set(order.map((situation) => situations[situation].state))).toEqual(new Set(states));
  });
  for (const [kind, row] of Object.entries(table) as [Command['kind'], readonly string[]][]) {
    for (const [index, situation] of order.entries()) {
      test(`${kind} in ${situation} gives ${row[index]}`, () => {
        const { command, now } = commands[kind];
        expect(outcome(situations[situation], command, now)).toBe(row[index]);
      });
    }
  }
});

describe('who decides', () => {
  const waiting = situations['waiting-for-approval'];
  test('nobody approves their own request, even as an approver', () => {
    const own = { ...waiting, approvers: [ada, bob], asked: [ada.principalId, bob.principalId] };
    expect(outcome(own, { kind: 'approve', by: ada, ...said }, soon)).toBe('CURFEW_SELF_APPROVAL');
  });
  test('somebody who is no approver can neither approve nor deny', () => {
    for (const kind of ['approve', 'deny'] as const) {
      expect(outcome(waiting, { kind, by: eve, ...said }, soon)).toBe('CURFEW_NOT_AN_APPROVER');
    }
  });
  test('only the requester withdraws, and ends as requester', () => {
    expect(outcome(waiting, { kind: 'withdraw', commandId, by: bob }, soon)).toBe('CURFEW_FORBIDDEN');
    expect(outcome(situations.granted, { kind: 'end', commandId, by: bob, as: 'requester', reason: '' }, soon)).toBe(
      'CURFEW_FORBIDDEN',
    );
  });
});

describe('stages', () => {
  const two = { ...terms, stages: [{ ...stage, quorum: 2 }, stage] };
  const first = requestAfter({ ...asked, terms: two });
  const yes = (request: AccessRequest, by: Person, more: Partial<AnswerCommand> = {}): AccessRequest => {
    const decision = decide(request, { kind: 'approve', by, ...said, ...more }, soon);
    if ('refusal' in decision) throw new Error(decision.refusal.code);
    return evolve(request, requestId, decision.event);
  };
  const code = (request: AccessRequest, by: Person, more: Partial<AnswerCommand> = {}) =>
    outcome(request, { kind: 'approve', by, ...said, ...more }, soon);

  test('below the quorum nothing is complete, and one person counts once', () => {
    const one = yes(first, bob);
    expect(one).toMatchObject({ state: 'waiting-for-approval', stage: 0 });
    expect(code(one, bob)).toBe('CURFEW_ALREADY_DECIDED');
  });
  test('the quorum begins the next stage with nobody asked yet and a time-out of its own', () => {
    const second = yes(yes(first, bob), carla);
    expect(second).toMatchObject({ state: 'waiting-for-approval', stage: 1, approvers: [] });
    expect(second.approveBy).toBe(plus(soon, stage.timeOut));
  });
  test('who has approved a stage is not asked in the next, and neither is the requester', () => {
    const second = yes(yes(first, bob), carla);
    const begun = decide(second, { kind: 'begin-stage', approvers: [ada, bob, carla, eve] }, soon);
    expect(begun).toMatchObject({ event: { type: 'stage-began', stage: 1, approvers: [eve] } });
    expect(outcome(second, { kind: 'begin-stage', approvers: [ada, bob] }, soon)).toBe('CURFEW_NO_APPROVER');
    expect(outcome(second, { kind: 'refuse-grant', code: 'CURFEW_NO_APPROVER' }, soon)).toBe('failed');
  });
  test('the last stage approves the request; a link of an earlier stage decides nothing in it', () => {
    const begun: CurfewEvent = { type: 'stage-began', at: soon, stage: 1, approvers: [eve] };
    const second = evolve(yes(yes(first, bob), carla), requestId, begun);
    expect(code(second, eve)).toBe('CURFEW_ALREADY_DECIDED');
    expect(code(second, eve, { stage: 1 })).toBe('approved');
    expect(code(second, bob, { stage: 1 })).toBe('CURFEW_ALREADY_DECIDED');
  });
  test('whoever was asked after nobody answered may answer, and those asked first still may', () => {
    const escalated: CurfewEvent = { type: 'approval-escalated', at: soon, stage: 0, approvers: [eve] };
    const request = evolve(requestAfter(asked), requestId, escalated);
    for (const by of [bob, eve]) expect(code(request, by)).toBe('approved');
  });
  test('an approver may allow less time, never more, and the least of all counts', () => {
    const less = yes(yes(first, bob, { duration: 2 * hour }), carla, { duration: hour });
    expect(less.duration).toBe(hour);
    expect(code(yes(first, bob, { duration: hour }), carla, { duration: 2 * hour })).toBe('CURFEW_DURATION_TOO_LONG');
    for (const duration of [0, -1, 999, 1000.5, Number.NaN]) {
      expect(code(first, bob, { duration })).toBe('CURFEW_DURATION_INVALID');
    }
    expect(less.terms.duration).toBe(8 * hour);
  });
});

describe('in the place of people', () => {
  test('the automatic approval that the terms name approves, and is named as who decided', () => {
    const request = requestAfter({ ...asked, terms: { ...terms, automatic: { name: 'on-call' } } });
    const decision = decide(request, { kind: 'approve-automatically' }, soon);
    expect(decision).toEqual({ event: { type: 'access-approved-automatically', at: soon, rule: 'on-call' } });
    expect('event' in decision && evolve(request, requestId, decision.event).decision).toMatchObject({
      rule: 'on-call',
    });
  });
  test('a broken glass owes a review, by somebody else, once the access has ended', () => {
    const broken = requestAfter(
      { ...asked, terms: { ...terms, breakGlass: emergency } },
      { type: 'glass-broken', at: soon },
      intended,
      granted,
    );
    const review = { kind: 'review', commandId, by: bob, comment: 'Fine' } as const;
    expect(outcome(broken, review, soon)).toBe('CURFEW_NOT_DUE');
    const over = [began, revoked].reduce((request, event) => evolve(request, requestId, event), broken);
    expect(over).toMatchObject({ state: 'expired', review: 'owed' });
    expect(outcome(over, { ...review, by: ada }, soon)).toBe('CURFEW_SELF_APPROVAL');
    const decision = decide(over, review, soon);
    const reviewed = 'event' in decision ? evolve(over, requestId, decision.event) : over;
    expect(reviewed).toMatchObject({ state: 'expired', review: { by: bob, comment: 'Fine' } });
    expect(outcome(reviewed, review, soon)).toBe('CURFEW_REVIEW_NOT_OWED');
  });
});

describe('extension', () => {
  const standing = requestAfter({ ...asked, terms: { ...terms, ...extensible } }, approved, intended, granted);
  const move = (request: AccessRequest, duration: number, now: Instant) =>
    outcome(request, { kind: 'move-deadline', extension, duration }, now);
  test('moves the deadline by what was approved', () => {
    const decision = decide(standing, { kind: 'move-deadline', extension, duration: hour }, soon);
    expect(decision).toMatchObject({ event: { type: 'deadline-moved', deadline: plus(deadline, hour), extension } });
  });
  test('is refused from the moment at which the deadline is final', () => {
    expect(move(standing, hour, plus(deadline, -timeline.finalLeadMs - 1))).toBe('granted');
    expect(move(standing, hour, plus(deadline, -timeline.finalLeadMs))).toBe('CURFEW_TOO_LATE');
  });
  test('is bounded in number and in all that the access may last', () => {
    expect(move(standing, 4 * hour, soon)).toBe('granted');
    expect(move(standing, 4 * hour + 1000, soon)).toBe('CURFEW_EXTENSION_REFUSED');
    const moved = [1, 2].reduce<AccessRequest>(
      (request, times) =>
        evolve(request, requestId, {
          type: 'deadline-moved',
          at: soon,
          deadline: plus(deadline, times * minute),
          extension,
        }),
      standing,
    );
    expect(move(moved, minute, soon)).toBe('CURFEW_EXTENSION_REFUSED');
  });
  test('while it is being applied it can neither be withdrawn nor ended: what became of it would be unknown', () => {
    const applying = situations.extending;
    expect(outcome(applying, commands.withdraw.command, soon)).toBe(D);
    expect(outcome(applying, commands.end.command, soon)).toBe(N);
    expect(outcome(applying, commands['confirm-extension'].command, soon)).toBe('extended');
  });
});

describe('time', () => {
  const oneEarlier = (instant: typeof start) => plus(instant, -1);
  test('an approval at the time-out is too late, one millisecond before it counts', () => {
    const { approveBy } = situations['waiting-for-approval'];
    expect(outcome(situations['waiting-for-approval'], commands.approve.command, approveBy)).toBe(E);
    expect(outcome(situations['waiting-for-approval'], commands.approve.command, oneEarlier(approveBy))).toBe(
      'approved',
    );
  });
  test('nothing times out, starts or expires a millisecond early', () => {
    expect(
      outcome(situations['waiting-for-approval'], { kind: 'time-out' }, oneEarlier(commands['time-out'].now)),
    ).toBe('CURFEW_NOT_DUE');
    expect(outcome(situations.scheduled, { kind: 'begin-grant' }, oneEarlier(startsAt))).toBe('CURFEW_NOT_DUE');
    expect(outcome(situations.granted, { kind: 'expire' }, oneEarlier(deadline))).toBe('CURFEW_NOT_DUE');
  });
  test('the clock starts with the grant, not with the asking', () => {
    const decision = decide(situations.approved, { kind: 'begin-grant' }, plus(start, 5 * hour));
    expect(decision).toMatchObject({ event: { type: 'grant-intended', deadline: plus(start, 13 * hour) } });
  });
  test('a booked window ends when it was booked to, however late its timer came', () => {
    const decision = decide(situations.scheduled, { kind: 'begin-grant' }, plus(startsAt, minute));
    expect(decision).toMatchObject({ event: { type: 'grant-intended', deadline: plus(startsAt, 8 * hour) } });
  });
  test('an approval after the booked start grants at once', () => {
    const late = requestAfter(requested({ startsAt }), { ...approved, at: plus(startsAt, minute) });
    expect(late.state).toBe('approved');
  });
  test('no event but grant-intended and deadline-moved sets or moves the deadline', () => {
    const stories = [situations['waiting-for-approval']];
    for (const event of [approved, intended, granted, began, revoked])
      stories.push(evolve(stories.at(-1), requestId, event));
    expect(stories.map((request) => request.deadline)).toEqual([
      undefined,
      undefined,
      deadline,
      deadline,
      deadline,
      deadline,
    ]);
  });
});

describe('what the end says', () => {
  test('lateness is from the deadline to the last drop, by the target’s clock', () => {
    const evidence = [3, 8, 5].map((milliseconds) => ({
      ...revocationEvidence,
      entitlement,
      droppedAt: plus(deadline, milliseconds),
    }));
    expect(decide(situations.revoking, { kind: 'confirm-revocation', evidence }, plus(deadline, 20))).toMatchObject({
      event: { lateness: 8 },
    });
  });
  test('access that was ended early has no lateness', () => {
    const ending = requestAfter(requested(), approved, intended, granted, endedEarly);
    const decision = decide(ending, { kind: 'confirm-revocation', evidence: [revocationEvidence] }, deadline);
    expect(decision).toMatchObject({ event: { lateness: undefined } });
    expect(outcome(ending, { kind: 'confirm-revocation', evidence: [] }, deadline)).toBe('revoked');
  });
  test('a grant that failed ends as failed, after it was revoked', () => {
    const abandoned = requestAfter(requested(), approved, intended, {
      type: 'revocation-began',
      at: soon,
      cause: { kind: 'grant-failed', code: 'CURFEW_TARGET_REFUSED' },
    });
    expect(outcome(abandoned, commands['confirm-revocation'].command, deadline)).toBe('failed');
  });
  test('every ended state is ended for every person’s command', () => {
    for (const situation of order.filter((each) => isEnded(situations[each].state))) {
      for (const kind of ['approve', 'deny', 'withdraw', 'end'] as const) {
        expect([D, E]).toContain(outcome(situations[situation], commands[kind].command, soon));
      }
    }
  });
});
