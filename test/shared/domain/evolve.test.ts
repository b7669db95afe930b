import { describe, expect, test } from 'vitest';
import { CurfewError, type ErrorCode } from '../../../shared/domain/errors.ts';
import type { CurfewEvent } from '../../../shared/domain/events.ts';
import { evolve } from '../../../shared/domain/evolve.ts';
import { endedStates, type State } from '../../../shared/domain/states.ts';
import { plus } from '../../../shared/domain/time.ts';
import { ada, bob, chainOf, commandId, eve, requestAfter, requested, requestId } from '../../support/samples.ts';
import {
  applied,
  approved,
  asked,
  began,
  deadline,
  delayed,
  denied,
  granted,
  hour,
  intended,
  order,
  original,
  refused,
  revoked,
  situations,
  soon,
  timedOut,
  withdrawn,
} from './situations.ts';

const reviewed: CurfewEvent = { type: 'access-reviewed', at: deadline, by: bob, comment: '', commandId };
const broken: CurfewEvent = { type: 'glass-broken', at: soon };

const events: { readonly [Type in CurfewEvent['type']]: CurfewEvent } = {
  'access-requested': requested(),
  'stage-began': { type: 'stage-began', at: soon, stage: 0, approvers: [eve] },
  'approval-escalated': { type: 'approval-escalated', at: soon, stage: 0, approvers: [eve] },
  'access-approved': approved,
  'access-approved-automatically': { type: 'access-approved-automatically', at: soon, rule: 'on-call' },
  'glass-broken': broken,
  'access-denied': denied,
  'request-withdrawn': withdrawn,
  'approval-timed-out': timedOut,
  'grant-cancelled': { type: 'grant-cancelled', at: soon, by: ada, as: 'approver', reason: '', commandId },
  'grant-refused': refused,
  'grant-intended': intended,
  'access-granted': granted,
  'deadline-moved': { type: 'deadline-moved', at: soon, deadline: plus(deadline, hour), extension: original },
  'extension-applied': applied,
  'revocation-began': began,
  'revocation-delayed': delayed,
  'access-revoked': revoked,
  'access-reviewed': reviewed,
};

/** The whole table: what each event makes of a request in which state. In every other state it is impossible. */
const table: { readonly [Type in CurfewEvent['type']]: { readonly [Of in State]?: State } } = {
  'access-requested': {},
  'stage-began': { 'waiting-for-approval': 'waiting-for-approval' },
  'approval-escalated': { 'waiting-for-approval': 'waiting-for-approval' },
  'access-approved': { 'waiting-for-approval': 'approved' },
  'access-approved-automatically': { 'waiting-for-approval': 'approved' },
  'glass-broken': { 'waiting-for-approval': 'approved' },
  'access-denied': { 'waiting-for-approval': 'denied' },
  'request-withdrawn': { 'waiting-for-approval': 'withdrawn', scheduled: 'withdrawn', approved: 'withdrawn' },
  'approval-timed-out': { 'waiting-for-approval': 'timed-out' },
  'grant-cancelled': { scheduled: 'revoked', approved: 'revoked' },
  'grant-refused': { 'waiting-for-approval': 'failed', scheduled: 'failed', approved: 'failed', extending: 'failed' },
  'grant-intended': { scheduled: 'granting', approved: 'granting' },
  'access-granted': { granting: 'granted' },
  'deadline-moved': { granted: 'granted' },
  'extension-applied': { extending: 'extended' },
  'revocation-began': { granting: 'revoking', granted: 'revoking' },
  'revocation-delayed': { revoking: 'overdue', overdue: 'overdue' },
  'access-revoked': { revoking: 'expired', overdue: 'expired' },
  // Of these none owes a review.
  'access-reviewed': {},
};

function outcome(state: State, event: CurfewEvent): State | ErrorCode {
  try {
    return evolve(situations[state], requestId, event).state;
  } catch (error) {
    if (error instanceof CurfewError) return error.code;
    throw error;
  }
}

describe('every state × event', () => {
  for (const [type, becomes] of Object.entries(table) as [CurfewEvent['type'], { [Of in State]?: State }][]) {
    test(`${type} follows ${Object.keys(becomes).join(', ') || 'none of them'}, and no other state`, () => {
      const outcomes = order.map((state) => [state, outcome(state, events[type])]);
      expect(outcomes).toEqual(order.map((state) => [state, becomes[state] ?? 'CURFEW_INTERNAL']));
    });
  }
});

describe('a chain', () => {
  test('begins with access-requested', () => {
    expect(() => evolve(undefined, requestId, approved)).toThrow(CurfewError);
  });
  test('of an extension never leads to a grant of its own', () => {
    const approvals = [approved, events['access-approved-automatically'], broken];
    expect(approvals.map((event) => requestAfter({ ...asked, extends: original }, event).state)).toEqual(
      approvals.map(() => 'extending'),
    );
  });
  test('takes a review once, and only of broken glass whose access has ended', () => {
    const held = [requested(), broken, intended, granted];
    expect(() => requestAfter(...held, reviewed)).toThrow(CurfewError);
    expect(() => requestAfter(...held, began, revoked, reviewed, reviewed)).toThrow(CurfewError);
    expect(requestAfter(...held, began, revoked, reviewed)).toMatchObject({ state: 'expired', review: { by: bob } });
    for (const state of endedStates) expect(outcome(state, reviewed)).toBe('CURFEW_INTERNAL');
  });
  test('counts its events', () => {
    const chain = chainOf(requested(), approved, intended, granted);
    expect(requestAfter(...chain.map(({ event }) => event)).version).toBe(chain.length);
  });
});
