import { describe, expect, test } from 'vitest';
import type { CurfewEvent, RevocationCause } from '../../../shared/domain/events.ts';
import { alertDue } from '../../../shared/domain/overdue.ts';
import { plus } from '../../../shared/domain/time.ts';
import { ada, bob, commandId, requestAfter, requested, start } from '../../support/samples.ts';

const minute = 60_000;
const deadline = plus(start, 10 * minute);
const approved: CurfewEvent = {
  type: 'access-approved',
  at: start,
  stage: 0,
  by: bob,
  through: 'link',
  comment: '',
  commandId,
};
const intended: CurfewEvent = { type: 'grant-intended', at: start, deadline };
const beganAfter = (minutes: number, cause: RevocationCause) =>
  requestAfter(requested({ duration: 10 * minute }), approved, intended, {
    type: 'revocation-began',
    at: plus(start, minutes * minute),
    cause,
  });

describe('the first alert is due a minute after the access should have been gone', () => {
  test('from the deadline, where that came', () => {
    expect(alertDue(beganAfter(11, { kind: 'deadline' }))).toBe(plus(deadline, minute));
  });

  test('from the moment at which somebody ended it', () => {
    const cause = { kind: 'ended-early', by: ada, as: 'requester', reason: '', commandId } as const;
    expect(alertDue(beganAfter(4, cause))).toBe(plus(start, 5 * minute));
  });

  test('from the moment at which the grant was given up, and from the deadline where that came first', () => {
    const cause = { kind: 'grant-failed', code: 'CURFEW_TARGET_UNAVAILABLE' } as const;
    expect(alertDue(beganAfter(4, cause))).toBe(plus(start, 5 * minute));
    expect(alertDue(beganAfter(12, cause))).toBe(plus(deadline, minute));
  });
});
