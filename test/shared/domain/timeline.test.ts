import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { alertDue } from '../../../shared/domain/overdue.ts';
import { millisecondsOf, plus } from '../../../shared/domain/time.ts';
import { timeline } from '../../../shared/domain/timeline.ts';
import { approved, grantEvidence, requestAfter, requested, start } from '../../support/samples.ts';

const t = timeline;
const second = 1_000;
const minute = 60 * second;

/** How long before the deadline claims begin, for so many that are nearly due: as the deadline scheduler reckons. */
const claimsBegin = (count: number) => t.lastClaimMs + t.clockSkewMs + count * t.claimTimeMs;
/** When the last actor that a scheduler makes has ended, by whatever clock. */
const claimsOver = t.claimLastsMs + t.clockSkewMs;

const host = JSON.parse(readFileSync('host.json', 'utf8')) as {
  readonly functionTimeout: string;
  readonly extensions: {
    readonly durableTask: { readonly storageProvider: { readonly workItemQueueVisibilityTimeout?: string } };
  };
};
const lengthOf = (text = '') => {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * second;
};
const functionTimeout = lengthOf(host.functionTimeout);
const redelivery = lengthOf(host.extensions.durableTask.storageProvider.workItemQueueVisibilityTimeout);
/** When somebody is first alerted that an access stands past its deadline. */
const firstAlert = (() => {
  const granted = requestAfter(
    requested(),
    approved,
    { type: 'grant-intended', at: start, deadline: plus(start, minute) },
    { type: 'access-granted', at: start, evidence: [grantEvidence] },
  );
  return millisecondsOf(alertDue(granted) ?? start) - millisecondsOf(plus(start, minute));
})();

/** The first is less than the second; with `≤` it may be as much. */
type Row = readonly [sentence: string, less: number, sign: '<' | '≤', more: number];

function hold(rows: readonly Row[]): void {
  test.each(rows)('%s', (_, less, sign, more) => {
    if (sign === '<') expect(less).toBeLessThan(more);
    else expect(less).toBeLessThanOrEqual(more);
  });
}

describe('durable timers', () => {
  hold([
    [
      'no wait is as long as the three days at which the extension splits a timer',
      t.longestWaitMs,
      '<',
      72 * 60 * minute,
    ],
    ['none is set for a second or less, at which it would fire at once', second, '<', t.shortestWaitMs],
    ['a limit that is not raced lies beyond the host’s own', functionTimeout, '≤', t.raceWithinMs],
    ['a limit of an attempt at revoking is always raced', t.revokeLimitMs + t.lostAfterMs, '<', t.raceWithinMs],
  ]);
});

describe('the host', () => {
  const granting = t.startLeadMs + 2 * t.outboxLimitMs + t.grantLimitMs;
  hold([
    [
      'does not cut off a granting activity that waits for its start and uses up each limit',
      granting,
      '<',
      functionTimeout,
    ],
    ['does not cut off the invocation that is open for the deadline scheduler', t.feedOpenMs, '<', functionTimeout],
    // It renews its lease on an activity 30 s before the end, and looks every 5 s.
    ['has time to renew its lease on an activity that runs', 35 * second, '<', redelivery],
    ['begins the work of a process that died before anybody gives up on it', redelivery, '<', functionTimeout],
  ]);
});

describe('a booked start', () => {
  hold([
    [
      'is read from the store before its orchestration is to be woken',
      t.feedIntervalMs + t.startLeadMs,
      '<',
      t.feedAheadMs,
    ],
    ['is waited for by a process for less than a grant may take', t.startLeadMs, '<', t.grantLimitMs],
    [
      'leaves time for its orchestration to be woken by a queue that is polled once a second',
      2 * second,
      '<',
      t.startLeadMs,
    ],
  ]);
});

describe('the store is read', () => {
  hold([
    ['far enough ahead that one reading may fail', 2 * t.feedIntervalMs, '≤', t.feedAheadMs],
    [
      'before the earliest claim, though the reading before failed',
      2 * t.feedIntervalMs + t.claimWindowMs,
      '≤',
      t.feedAheadMs,
    ],
    [
      'no further back than a process remembers what it revoked, so that nothing is armed twice',
      t.feedBehindMs,
      '<',
      t.evidenceKeptMs,
    ],
    ['back to before the orchestration would see to it', t.guardMs, '<', t.feedBehindMs],
    ['by one invocation at a time: it ends before the next begins', t.feedOpenMs, '<', t.feedIntervalMs],
  ]);
  test('by a timer as often as the time line says', () => {
    const index = readFileSync('functions/index.ts', 'utf8');
    expect(index).toMatch(/app\.timer\('armUpcoming', \{\s+schedule: '0 \* \* \* \* \*'/);
    expect(t.feedIntervalMs).toBe(minute);
  });
});

describe('claims', () => {
  hold([
    ['for 500 begin within six seconds of the deadline', claimsBegin(500), '<', 6 * second],
    ['for 500 begin after extensions are refused', claimsBegin(500), '<', t.finalLeadMs],
    [
      'for ten thousand begin within the claim window, from which on a report is believed',
      claimsBegin(10_000),
      '<',
      t.claimWindowMs,
    ],
    ['are tried at least three times', 3 * t.claimPauseMs, '<', claimsBegin(1) - t.lastClaimMs],
    ['are made before connections are opened for what was claimed', t.preparationMs, '<', t.lastClaimMs],
    ['that fail leave the orchestration as long as it asks for the hold documents', t.holdLimitMs, '<', t.lastClaimMs],
  ]);
});

describe('an extension', () => {
  hold([
    ['is refused before a claim can come in its way', t.lastClaimMs + t.clockSkewMs, '<', t.finalLeadMs],
    [
      'that was begun in time is in the hold documents before a single claim begins',
      t.outboxLimitMs + claimsBegin(1),
      '<',
      t.finalLeadMs,
    ],
    ['can be asked for after the warning', t.finalLeadMs, '<', t.warningLeadMs],
  ]);
});

describe('a process that died', () => {
  hold([
    ['is not seen dead for a heartbeat or two that came late', 3 * t.heartbeatMs, '≤', t.deadAfterMs],
    ['at the deadline is replaced while its claim still lasts', t.deadAfterMs + t.heartbeatMs, '<', t.claimLastsMs],
    ['as soon as it claimed is replaced before the deadline', t.deadAfterMs + t.heartbeatMs, '<', claimsBegin(1)],
  ]);
});

describe('the orchestration, having heard nothing,', () => {
  hold([
    ['begins when no scheduler acts any more, by whatever clock', claimsOver, '<', t.guardMs],
    ['has heard by then of what was revoked in time', t.claimLastsMs + t.reportPauseMs, '<', t.guardMs],
    ['can still ask the process that revoked', t.guardMs + t.settleLimitMs, '<', t.evidenceKeptMs],
    ['has time to revoke after it has waited for that in vain', t.settleLimitMs + t.holdLimitMs, '<', t.revokeLimitMs],
    ['gives up on an attempt before anybody is alerted', t.guardMs + t.revokeLimitMs + t.lostAfterMs, '<', firstAlert],
    ['hears of residual access before it takes an attempt for lost', t.residualLimitMs, '<', t.lostAfterMs],
    ['may double the limit of an attempt', 2 * t.revokeLimitMs, '≤', t.longestRevokeLimitMs],
  ]);
});

describe('the hold documents', () => {
  hold([
    [
      'are asked for more than once before an attempt goes on without them',
      2 * t.holdTryMs + t.holdPauseMs,
      '<',
      t.holdLimitMs,
    ],
  ]);
});

describe('the reconciler', () => {
  hold([
    ['leaves a revocation to the orchestration first', t.guardMs, '<', t.toleranceMs],
    ['never acts beside a scheduler', claimsOver, '<', t.toleranceMs],
    [
      'leaves alone for how long a first attempt may take',
      t.guardMs + t.revokeLimitMs + t.lostAfterMs,
      '<',
      t.settlingMs,
    ],
  ]);
});

describe('one part of a delivery', () => {
  hold([
    ['that fails leaves a group time within the limit of a notification', t.groupLimitMs, '<', t.outboxLimitMs],
    ['that hangs holds up the next for less than its own limit', t.notifyStepMs, '<', t.outboxLimitMs],
    [
      'is tried again sooner where it is to be recorded than where it is to be sent',
      t.longestRecordPauseMs,
      '<',
      t.longestNotifyPauseMs,
    ],
  ]);
});

describe('break-glass access', () => {
  hold([['waits for the directory for less than other access', t.emergencyLookupMs, '<', t.outboxLimitMs]]);
});
