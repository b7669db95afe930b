/** Dates as SQLite holds them: `2026-01-31`, `2026-01-31 10:00:00`, `2026-01-31 10:00:00.1234567`; trailing zeros are cut. */
export interface Instant {
  /** Days since 0001-01-01. */
  day: number;
  /** Units of 100 ns since midnight. */
  ticks: bigint;
}

const DAYS_TO_1970 = 719_162;
const MS_PER_DAY = 86_400_000;
export const TICKS_PER_SECOND = 10_000_000n;
export const TICKS_PER_DAY = 86_400n * TICKS_PER_SECOND;

const DATE =
  /^\s*(\d{4})-?(\d{2})-?(\d{2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}:\d{2})?)?\s*$/;
const TIME = /^\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*$/;

const fraction = (digits: string | undefined) => BigInt((digits ?? '').padEnd(7, '0').slice(0, 7));

function ticksOf(hours = '0', minutes = '0', seconds = '0', digits?: string): bigint | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  return BigInt(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * TICKS_PER_SECOND + fraction(digits);
}

export function readInstant(text: string): Instant | undefined {
  const match = DATE.exec(text);
  if (!match) {
    const time = TIME.exec(text);
    const ticks = time ? ticksOf(time[1], time[2], time[3], time[4]) : undefined;
    return ticks === undefined ? undefined : { day: 693_595, ticks }; // a bare time is on 1900-01-01
  }
  const [year, month, date] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const midnight = new Date(0).setUTCFullYear(year, month - 1, date);
  const made = new Date(midnight);
  const ticks = ticksOf(match[4], match[5], match[6], match[7]);
  if (year < 1 || made.getUTCMonth() !== month - 1 || made.getUTCDate() !== date || ticks === undefined)
    return undefined;
  const instant = { day: midnight / MS_PER_DAY + DAYS_TO_1970, ticks };
  const zone = match[8];
  if (zone === undefined || zone === 'Z') return instant;
  const minutes = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * (zone[0] === '-' ? -1 : 1);
  return addTicks(instant, BigInt(-minutes) * 60n * TICKS_PER_SECOND);
}

export function addTicks(instant: Instant, ticks: bigint): Instant {
  const total = BigInt(instant.day) * TICKS_PER_DAY + instant.ticks + ticks;
  return { day: Number(total / TICKS_PER_DAY), ticks: total % TICKS_PER_DAY };
}

/** Cuts (SQL Server would round) to `scale` digits of a second. */
export function toScale(instant: Instant, scale: number): Instant {
  const unit = 10n ** BigInt(7 - scale);
  return { day: instant.day, ticks: (instant.ticks / unit) * unit };
}

export function dateOf(day: number): Date {
  return new Date((day - DAYS_TO_1970) * MS_PER_DAY);
}

export const writeDate = (day: number) => dateOf(day).toISOString().slice(0, 10);

export function writeTime(ticks: bigint): string {
  const seconds = Number(ticks / TICKS_PER_SECOND);
  const digits = (ticks % TICKS_PER_SECOND).toString().padStart(7, '0').replace(/0+$/, '');
  const two = (n: number) => String(n).padStart(2, '0');
  const whole = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return digits === '' ? whole : `${whole}.${digits}`;
}

export const writeInstant = (instant: Instant) =>
  instant.ticks === 0n ? writeDate(instant.day) : `${writeDate(instant.day)} ${writeTime(instant.ticks)}`;

export function instantOfEpoch(ms: number): Instant {
  const whole = Math.floor(ms);
  const day = Math.floor(whole / MS_PER_DAY);
  const ticks = BigInt(whole - day * MS_PER_DAY) * 10_000n + BigInt(Math.floor((ms - whole) * 10_000));
  return { day: day + DAYS_TO_1970, ticks };
}

/** A datetime counts in 1/300 s: the nearest, as ticks. Compared with a datetime2 of three digits it is rarely equal. */
export function toDatetime({ day, ticks }: Instant): Instant {
  const units = (ticks * 3n + 50_000n) / 100_000n;
  return addTicks({ day, ticks: 0n }, datetimeTicks(units));
}

export const datetimeTicks = (units: bigint) => (units * 200_000n + 3n) / 6n;

export const datetimeText = (epoch: number) => writeInstant(toDatetime(instantOfEpoch(epoch)));

export const epochText = (ms: number) => writeInstant(instantOfEpoch(ms));
