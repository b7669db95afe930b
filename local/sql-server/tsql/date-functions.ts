import { SqlError } from '../server-error.ts';
import {
  addTicks,
  dateOf,
  type Instant,
  readInstant,
  TICKS_PER_DAY,
  TICKS_PER_SECOND,
  writeInstant,
} from '../tds/date-text.ts';

const instant = (text: string): Instant => {
  const found = readInstant(text);
  if (!found) throw new SqlError(241, 'Conversion failed when converting date and/or time from character string.');
  return found;
};

const MONTHS: Record<string, number> = { month: 1, quarter: 3, year: 12 };
const TICKS: Record<string, bigint> = {
  microsecond: 10n,
  millisecond: 10_000n,
  second: TICKS_PER_SECOND,
  minute: 60n * TICKS_PER_SECOND,
  hour: 3600n * TICKS_PER_SECOND,
  day: TICKS_PER_DAY,
  dayofyear: TICKS_PER_DAY,
  weekday: TICKS_PER_DAY,
  week: 7n * TICKS_PER_DAY,
};

const months = (day: number) => dateOf(day).getUTCFullYear() * 12 + dateOf(day).getUTCMonth();
const total = ({ day, ticks }: Instant) => BigInt(day) * TICKS_PER_DAY + ticks;
const wrong = (part: string) => new SqlError(9810, `The datepart ${part} is not supported here.`);

export function dateAdd(part: string, count: number, text: string): string {
  const from = instant(text);
  const perPart = MONTHS[part];
  if (perPart === undefined) {
    const ticks = TICKS[part];
    if (ticks === undefined) throw wrong(part);
    return writeInstant(addTicks(from, BigInt(Math.trunc(count)) * ticks));
  }
  const date = dateOf(from.day);
  const month = months(from.day) + Math.trunc(count) * perPart;
  const last = new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate();
  const day = Date.UTC(Math.floor(month / 12), month % 12, Math.min(date.getUTCDate(), last));
  return writeInstant({ day: from.day + Math.round((day - date.getTime()) / 86_400_000), ticks: from.ticks });
}

/** Counts the boundaries crossed, not the time between. */
export function dateDiff(part: string, fromText: string, toText: string): bigint {
  const [from, to] = [instant(fromText), instant(toText)];
  const perPart = MONTHS[part];
  if (perPart !== undefined) {
    return BigInt(Math.floor(months(to.day) / perPart) - Math.floor(months(from.day) / perPart));
  }
  // Day 0 was a Monday, and weeks begin on Sunday.
  if (part === 'week') return BigInt(Math.floor((to.day + 1) / 7) - Math.floor((from.day + 1) / 7));
  const ticks = TICKS[part];
  if (ticks === undefined) throw wrong(part);
  return total(to) / ticks - total(from) / ticks;
}

export function datePart(part: string, text: string): bigint {
  const { day, ticks } = instant(text);
  const date = dateOf(day);
  const seconds = ticks / TICKS_PER_SECOND;
  const fraction = ticks % TICKS_PER_SECOND;
  const startOfYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  const dayOfYear = Math.round((date.getTime() - startOfYear) / 86_400_000) + 1;
  switch (part) {
    case 'year':
      return BigInt(date.getUTCFullYear());
    case 'quarter':
      return BigInt(Math.floor(date.getUTCMonth() / 3) + 1);
    case 'month':
      return BigInt(date.getUTCMonth() + 1);
    case 'day':
      return BigInt(date.getUTCDate());
    case 'dayofyear':
      return BigInt(dayOfYear);
    case 'weekday':
      return BigInt(date.getUTCDay() + 1);
    case 'week':
      return BigInt(Math.floor((dayOfYear - 1 + new Date(startOfYear).getUTCDay()) / 7) + 1);
    case 'hour':
      return seconds / 3600n;
    case 'minute':
      return (seconds / 60n) % 60n;
    case 'second':
      return seconds % 60n;
    case 'millisecond':
      return fraction / 10_000n;
    case 'microsecond':
      return fraction / 10n;
    default:
      return fraction * 100n;
  }
}
