import { describe, expect, test } from 'vitest';
import type { Instant } from '../../../shared/domain/time.ts';
import { describeInstant } from '../../../shared/pages/zones.ts';

const at = (instant: string, timeZone?: string) => describeInstant(instant as Instant, timeZone);

describe('an instant for a reader', () => {
  test.each([
    ['in summer', '2026-07-01T09:30:00.000Z', 'Europe/Berlin', 'Wed 2026-07-01 11:30 UTC+2 (09:30 UTC)'],
    ['in winter', '2026-11-21T09:30:00.000Z', 'Europe/Berlin', 'Sat 2026-11-21 10:30 UTC+1 (09:30 UTC)'],
    ['of half an hour', '2026-11-21T09:30:00.000Z', 'America/St_Johns', 'Sat 2026-11-21 06:00 UTC-3:30 (09:30 UTC)'],
    [
      'of three quarters',
      '2026-11-21T09:30:07.000Z',
      'Asia/Kathmandu',
      'Sat 2026-11-21 15:15:07 UTC+5:45 (09:30:07 UTC)',
    ],
    ['a day ahead', '2026-11-21T16:30:00.000Z', 'Asia/Tokyo', 'Sun 2026-11-22 01:30 UTC+9 (Sat 2026-11-21 16:30 UTC)'],
    [
      'a year behind',
      '2027-01-01T04:00:00.000Z',
      'America/New_York',
      'Thu 2026-12-31 23:00 UTC-5 (Fri 2027-01-01 04:00 UTC)',
    ],
  ])('is in the zone and in UTC: %s', (_, instant, timeZone, text) => {
    expect(at(instant, timeZone)).toBe(text);
  });

  test('says which of two equal times it is when the clocks go back', () => {
    expect(at('2026-10-25T00:30:00.000Z', 'Europe/Berlin')).toBe('Sun 2026-10-25 02:30 UTC+2 (00:30 UTC)');
    expect(at('2026-10-25T01:30:00.000Z', 'Europe/Berlin')).toBe('Sun 2026-10-25 02:30 UTC+1 (01:30 UTC)');
  });

  test.each([undefined, 'UTC', 'Europe/London', 'Mars/Olympus', '', '<b>'])(
    'is in UTC alone for the zone %s',
    (zone) => {
      expect(at('2026-11-21T09:30:00.000Z', zone)).toBe('Sat 2026-11-21 09:30 UTC');
    },
  );
});
