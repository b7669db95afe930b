import { describe, expect, test } from 'vitest';
import { type AccessRequest, evolve, isEnded, type State, states } from '../../../shared/domain/access-request.ts';
import { type Command, decide } from '../../../shared/domain/decide.ts';
import type { CurfewEvent } from '../../../shared/domain/events.ts';
import { plus } from '../../../shared/domain/time.ts';
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
  start,
} from '../../support/samples.ts';

const minute = 60_000;
const hour = 60 * minute;
const soon = plus(start, minute);
const startsAt = plus(start, 2 * hour);
const deadline = plus(soon, 8 * hour);
const approved: CurfewEvent = { type: 'access-approved', at: soon, by: bob, comment: '', commandId };
const intended: CurfewEvent = { type: 'grant-intended', at: soon, deadline };
const granted: CurfewEvent = { type: 'access-granted', at: soon, evidence: [grantEvidence] };
const began: CurfewEvent = { type: 'revocation-began', at: deadline, cause: { kind: 'deadline' } };
const endedEarly: CurfewEvent = {
  type: 'revocation-began',
  at: soon,
  cause: { kind: 'ended-early', by: ada, as: 'requester', reason: '', commandId },
};
const revoked: CurfewEvent = { type: 'access-revoked', at: deadline, evidence: [revocationEvidence] };

/** `granting` comes in two: before the intent is decided on, and after. */
type Situation = State | 'granting, not intended';
const situations: Record<Situation, AccessRequest> = {
  'waiting-for-approval': requestAfter(requested()),
  scheduled: requestAfter(requested({ startsAt }), approved),
  'granting, not intended': requestAfter(requested(), approved),
  granting: requestAfter(requested(), approved, intended),
  granted: requestAfter(requested(), approved, intended, granted),
  revoking: requestAfter(requested(), approved, intended, granted, began),
  overdue: requestAfter(requested(), approved, intended, granted, began, {
    type: 'revocation-delayed',
    at: deadline,
    attempt: 1,
    code: 'CURFEW_TARGET_UNAVAILABLE',
  }),
  denied: requestAfter(requested(), { type: 'access-denied', at: soon, by: bob, comment: '', commandId }),
  withdrawn: requestAfter(requested(), { type: 'request-withdrawn', at: soon, by: ada, commandId }),
  'timed-out': requestAfter(requested(), { type: 'approval-timed-out', at: plus(start, 24 * hour) }),
  failed: requestAfter(requested(), approved, { type: 'grant-refused', at: soon, code: 'CURFEW_REQUESTER_INELIGIBLE' }),
  expired: requestAfter(requested(), approved, intended, granted, began, revoked),
  revoked: requestAfter(requested(), approved, intended, granted, endedEarly, revoked),
};

/** Each command at an instant at which it is possible wherever it ever is. */
const commands: Record<Command['kind'], { command: Command; now: typeof start }> = {
  approve: { command: { kind: 'approve', commandId, by: bob, comment: '' }, now: soon },
  deny: { command: { kind: 'deny', commandId, by: bob, comment: '' }, now: soon },
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
const order = Object.keys(situations) as Situation[];
const table: Record<Command['kind'], readonly string[]> = {
  //                     waiting                scheduled    not intended granting    granted     revoking   overdue    denied withdrawn timed-out failed expired revoked
  approve: /*          */ ['granting, not intended', D, D, D, D, D, D, D, E, E, D, D, D],
  deny: /*             */ ['denied', D, D, D, D, D, D, D, E, E, D, D, D],
  withdraw: /*         */ ['withdrawn', 'withdrawn', 'withdrawn', D, D, D, D, E, E, E, E, E, E],
  end: /*              */ [N, 'revoked', 'revoked', 'revoking', 'revoking', A, A, E, E, E, E, E, E],
  'time-out': /*       */ ['timed-out', D, D, D, D, D, D, D, D, D, D, D, D],
  'begin-grant': /*    */ [E, 'granting', 'granting', E, E, E, E, E, E, E, E, E, E],
  'refuse-grant': /*   */ [E, 'failed', 'failed', E, E, E, E, E, E, E, E, E, E],
  'confirm-grant': /*  */ [N, N, N, 'granted', N, N, N, N, N, N, N, N, N],
  'abandon-grant': /*  */ [N, N, N, 'revoking', N, N, N, N, N, N, N, N, N],
  expire: /*           */ [N, N, N, 'revoking', 'revoking', N, N, N, N, N, N, N, N],
  'delay-revocation': [N, N, N, N, N, 'overdue', 'overdue', N, N, N, N, N, N],
  'confirm-revocation': [N, N, N, N, N, 'expired', 'expired', N, N, N, N, N, N],
};

function outcome(request: AccessRequest, command: Command, now: typeof start): string {
  const decision = decide(request, command, now);
  if ('refusal' in decision) return decision.refusal.code;
  const { state, deadline: until } = evolve(request, requestId, decision.event);
  return state === 'granting' && until === undefined ? 'granting, not intended' : state;
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
    const own = { ...waiting, approvers: [ada, bob] };
    expect(outcome(own, { kind: 'approve', commandId, by: ada, comment: '' }, soon)).toBe('CURFEW_SELF_APPROVAL');
  });
  test('somebody who is no approver can neither approve nor deny', () => {
    for (const kind of ['approve', 'deny'] as const) {
      expect(outcome(waiting, { kind, commandId, by: eve, comment: '' }, soon)).toBe('CURFEW_NOT_AN_APPROVER');
    }
  });
  test('only the requester withdraws, and ends as requester', () => {
    expect(outcome(waiting, { kind: 'withdraw', commandId, by: bob }, soon)).toBe('CURFEW_FORBIDDEN');
    expect(outcome(situations.granted, { kind: 'end', commandId, by: bob, as: 'requester', reason: '' }, soon)).toBe(
      'CURFEW_FORBIDDEN',
    );
  });
});

describe('time', () => {
  const oneEarlier = (instant: typeof start) => plus(instant, -1);
  test('an approval at the time-out is too late, one millisecond before it counts', () => {
    const { approveBy } = situations['waiting-for-approval'].terms;
    expect(outcome(situations['waiting-for-approval'], commands.approve.command, approveBy)).toBe(E);
    expect(outcome(situations['waiting-for-approval'], commands.approve.command, oneEarlier(approveBy))).toBe(
      'granting, not intended',
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
    const decision = decide(situations['granting, not intended'], { kind: 'begin-grant' }, plus(start, 5 * hour));
    expect(decision).toMatchObject({ event: { type: 'grant-intended', deadline: plus(start, 13 * hour) } });
  });
  test('a booked window ends when it was booked to, however late its timer came', () => {
    const decision = decide(situations.scheduled, { kind: 'begin-grant' }, plus(startsAt, minute));
    expect(decision).toMatchObject({ event: { type: 'grant-intended', deadline: plus(startsAt, 8 * hour) } });
  });
  test('an approval after the booked start grants at once', () => {
    const late = requestAfter(requested({ startsAt }), { ...approved, at: plus(startsAt, minute) });
    expect(late.state).toBe('granting');
  });
  test('no event but grant-intended sets or moves the deadline', () => {
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
