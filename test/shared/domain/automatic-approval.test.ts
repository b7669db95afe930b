import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Circumstances, isWithin, whatIsAgainst } from '../../../shared/domain/automatic-approval.ts';
import type { AutomaticApproval, Hours } from '../../../shared/domain/policy.ts';
import { weekdays } from '../../../shared/domain/policy.ts';
import { type Instant, instantOf, millisecondsOf, plus } from '../../../shared/domain/time.ts';
import { ada, analysts, bob, day, hour, minute, noon, owners } from './generated.ts';

const circumstances: Circumstances = {
  requester: ada,
  groups: [analysts],
  start: noon,
  duration: hour,
  approvedAt: [],
  now: noon,
};
function approves(approval: Omit<AutomaticApproval, 'name'>, change: Partial<Circumstances> = {}): boolean {
  return whatIsAgainst({ name: 'quick', ...approval }, { ...circumstances, ...change }).length === 0;
}

describe('an automatic approval', () => {
  test('without conditions approves nothing', () => {
    expect(approves({})).toBe(false);
  });
  test('is for its requesters, by name or by group', () => {
    expect(approves({ requesters: { people: [], groups: [analysts] } })).toBe(true);
    expect(approves({ requesters: { people: ['ADA@contoso.example'], groups: [] } })).toBe(true);
    expect(approves({ requesters: { people: [bob.userPrincipalName], groups: [owners] } })).toBe(false);
  });
  test('is for durations up to its own, inclusive', () => {
    expect(approves({ durationUpTo: hour })).toBe(true);
    expect(approves({ durationUpTo: hour - 1 })).toBe(false);
  });
  test('counts the approvals within the time before now, not those of the future', () => {
    const approvedBefore = { times: 2, within: day };
    const at = (...ago: number[]) => ({ approvedAt: ago.map((each) => plus(noon, -each)) });
    expect(approves({ approvedBefore }, at(hour, day))).toBe(true);
    expect(approves({ approvedBefore }, at(hour, day + 1))).toBe(false);
    expect(approves({ approvedBefore }, at(hour, -1))).toBe(false);
    expect(approves({ approvedBefore }, at(hour))).toBe(false);
  });
  test('wants all of its conditions', () => {
    const all = { durationUpTo: hour, requesters: { people: [], groups: [analysts] } };
    expect(approves(all)).toBe(true);
    expect(approves(all, { groups: [] })).toBe(false);
    expect(approves(all, { duration: 2 * hour })).toBe(false);
  });
});

describe('hours', () => {
  const evening: Hours = {
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    from: 17 * 60,
    to: 24 * 60,
    timeZone: 'Europe/Berlin',
  };
  const early: Hours = { days: ['sun'], from: 150, to: 24 * 60, timeZone: 'Europe/Berlin' };

  test.each<[string, Hours, start: string, duration: number, boolean]>([
    ['begin at their beginning', evening, '2026-01-05T16:00:00.000Z', hour, true],
    ['do not begin a millisecond before', evening, '2026-01-05T15:59:59.999Z', hour, false],
    ['last until midnight', evening, '2026-01-05T22:00:00.000Z', hour, true],
    ['and no millisecond longer', evening, '2026-01-05T22:00:00.000Z', hour + 1, false],
    ['are of one day: the next evening is another', evening, '2026-01-05T22:00:00.000Z', 18 * hour, false],
    ['are not of the next day at the same time', evening, '2026-01-05T17:00:00.000Z', 24 * hour, false],
    ['are of the days named, in the zone: Friday in Berlin', evening, '2026-01-09T16:30:00.000Z', hour, true],
    ['but not Saturday', evening, '2026-01-10T16:30:00.000Z', hour, false],
    [
      'Monday in Auckland is Sunday in UTC',
      { ...evening, days: ['mon'], timeZone: 'Pacific/Auckland' },
      '2026-01-04T23:00:00.000Z',
      hour,
      false,
    ],
    [
      'and its evening is Monday’s morning',
      { ...evening, days: ['mon'], timeZone: 'Pacific/Auckland' },
      '2026-01-05T05:00:00.000Z',
      hour,
      true,
    ],
    [
      'where zones are half an hour off',
      { ...evening, timeZone: 'Asia/Kolkata' },
      '2026-01-05T11:30:00.000Z',
      hour,
      true,
    ],
    [
      'where zones are half an hour off, too early',
      { ...evening, timeZone: 'Asia/Kolkata' },
      '2026-01-05T11:29:00.000Z',
      hour,
      false,
    ],
    ['in summer begin an hour earlier in UTC', evening, '2026-07-06T15:00:00.000Z', hour, true],
    ['a whole day of 25 hours', { ...early, from: 0 }, '2026-10-24T22:00:00.000Z', 25 * hour, true],
    ['a whole day of 23 hours', { ...early, from: 0 }, '2026-03-28T23:00:00.000Z', 23 * hour, true],
    ['and no longer', { ...early, from: 0 }, '2026-03-28T23:00:00.000Z', 23 * hour + 1, false],
    // On 25 October 2026, at 01:00 UTC, clocks in Berlin go from 03:00 back to 02:00.
    ['from 02:30, before clocks are put back', early, '2026-10-25T00:35:00.000Z', 25 * minute, true],
    ['from 02:30, over the clocks being put back to 02:00', early, '2026-10-25T00:35:00.000Z', 26 * minute, false],
    ['from 02:30, over the whole hour that comes twice', early, '2026-10-25T00:35:00.000Z', 3 * hour, false],
    ['from 02:30, after it came twice', early, '2026-10-25T01:30:00.000Z', hour, true],
    [
      'until 02:45, that end before clocks are put back and begin again',
      { ...early, from: 0, to: 165 },
      '2026-10-25T00:00:00.000Z',
      70 * minute,
      false,
    ],
    [
      'until 02:50, over the last minutes before',
      { ...early, from: 0, to: 170 },
      '2026-10-25T00:46:00.000Z',
      19 * minute,
      false,
    ],
    // On 29 March 2026, at 01:00 UTC, they go from 02:00 to 03:00.
    ['over the hour that is left out', { ...early, from: 60 }, '2026-03-29T00:30:00.000Z', hour, true],
    ['until 02:30, which never is', { ...early, from: 0, to: 150 }, '2026-03-29T00:30:00.000Z', 31 * minute, false],
    [
      'where clocks move by half an hour',
      { ...early, days: ['sun'], timeZone: 'Australia/Lord_Howe', from: 110 },
      '2026-04-04T14:55:00.000Z',
      10 * minute,
      false,
    ],
  ])('%s', (_, hours, start, duration, expected) => {
    expect(isWithin(hours, start as Instant, duration)).toBe(expected);
  });

  test('hold for every millisecond of what they hold for', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    const around = millisecondsOf('2026-10-23T00:00:00.000Z' as Instant);
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.subarray([...weekdays], { minLength: 4 }),
        fc.integer({ min: 0, max: 12 * 60 }),
        fc.integer({ min: 12 * 60 + 1, max: 24 * 60 }),
        fc.integer({ min: 0, max: 4 * 1440 }),
        fc.integer({ min: 1, max: 10 * 60 }),
        (timeZone, days, from, to, minutes, lasts) => {
          const hours: Hours = { days, from, to, timeZone };
          const start = instantOf(around + minutes * minute);
          const every = Array.from({ length: lasts }, (_, at) => isWithin(hours, plus(start, at * minute), 1));
          expect(isWithin(hours, start, lasts * minute)).toBe(
            !every.includes(false) && isOneDay(start, lasts, timeZone),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

function isOneDay(start: Instant, minutes: number, timeZone: string): boolean {
  const date = (at: Instant) => new Date(millisecondsOf(at)).toLocaleDateString('sv', { timeZone });
  return date(start) === date(plus(start, minutes * minute - 1));
}
