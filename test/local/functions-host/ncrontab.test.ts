import { describe, expect, it } from 'vitest';
import { parseNcrontab } from '../../../local/functions-host/ncrontab.ts';

const after = (expression: string, time: string) =>
  new Date(parseNcrontab(expression).next(Date.parse(time))).toISOString();

describe('schedules', () => {
  it.each([
    ['*/30 * * * * *', '2026-11-21T09:00:00.000Z', '2026-11-21T09:00:30.000Z'],
    ['0 */5 * * * *', '2026-11-21T09:59:59.999Z', '2026-11-21T10:00:00.000Z'],
    ['0 0 2 * * *', '2026-11-21T02:00:00.000Z', '2026-11-22T02:00:00.000Z'],
    ['0 30 9-17/4 * * 1-5', '2026-11-20T17:30:00.000Z', '2026-11-23T09:30:00.000Z'],
    ['0 0 0 1 1,7 *', '2026-11-21T09:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 12 29 2 *', '2026-11-21T09:00:00.000Z', '2028-02-29T12:00:00.000Z'],
    ['15 10 * * * *', '2026-11-21T09:10:14.500Z', '2026-11-21T09:10:15.000Z'],
  ])('%s after %s is %s', (expression, time, next) => {
    expect(after(expression, time)).toBe(next);
  });

  it.each([
    '* * * * *',
    '00:05:00',
    '0 0 0 * * MON',
    '60 * * * * *',
    '0 0 0 * JAN *',
    '0 5-1 * * * *',
    '*/0 * * * * *',
    '',
  ])('%s is refused', (expression) => {
    expect(() => parseNcrontab(expression)).toThrow(Error);
  });
});
