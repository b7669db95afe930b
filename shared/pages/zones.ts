import { type Instant, millisecondsOf } from '../domain/time.ts';

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/**
 * `Sat 2026-11-21 10:30 UTC+1 (09:30 UTC)` in the IANA zone `timeZone`; another day in UTC is written out. Without a zone,
 * in an unknown one, and where the clocks agree, UTC alone. Seconds are shown where they aren't zero. An offset and not
 * the zone's name: names differ between versions of ICU, most zones have no short one, and `CST` is three of them.
 */
export function describeInstant(instant: Instant, timeZone?: string): string {
  const milliseconds = millisecondsOf(instant);
  const offset = (timeZone !== undefined && offsetOf(milliseconds, timeZone)) || 0;
  const utc = writtenOut(milliseconds);
  if (offset === 0) return `${utc.day} ${utc.time} UTC`;
  const local = writtenOut(milliseconds + offset * 60_000);
  const beside = local.day === utc.day ? utc.time : `${utc.day} ${utc.time}`;
  return `${local.day} ${local.time} UTC${signed(offset)} (${beside} UTC)`;
}

function writtenOut(milliseconds: number): { day: string; time: string } {
  const date = new Date(milliseconds);
  const text = date.toISOString();
  return {
    day: `${weekdays[date.getUTCDay()]} ${text.slice(0, 10)}`,
    time: text.slice(11, 19).replace(/:00$/, ''),
  };
}

/** Minutes by which the zone's clocks are ahead of UTC; undefined where nobody knows such a zone. */
function offsetOf(milliseconds: number, timeZone: string): number | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? Number.NaN;
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
    return Math.floor(local / 60_000) - Math.floor(milliseconds / 60_000);
  } catch {
    return undefined;
  }
}

/** `+1`, `-3:30` */
function signed(minutes: number): string {
  const rest = Math.abs(minutes) % 60;
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}
