/** Six-field NCRONTAB in UTC: second, minute, hour, day, month, day of the week. Numbers, `*`, lists, ranges and steps; nothing else. */
export interface Schedule {
  /** The first occurrence after `time` (epoch milliseconds). */
  next(time: number): number;
}

const fields = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'day of the week', from: 0, to: 6 },
] as const;

/** Long enough to meet 29 February on any day of the week. */
const LONGEST_SEARCH_DAYS = 366 * 41;
const DAY = 86_400_000;

export function parseNcrontab(expression: string): Schedule {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== fields.length)
    throw new Error(`'${expression}' is not a schedule of six fields, which is all this local host reads.`);
  const [seconds, minutes, hours, days, months, weekdays] = fields.map(({ name, from, to }, index) => {
    const values = (parts[index] ?? '').split(',').flatMap((term) => expand(term, from, to, name));
    return [...new Set(values)].sort((a, b) => a - b);
  }) as [number[], number[], number[], number[], number[], number[]];
  const times = { seconds, minutes, hours };
  return {
    next(time) {
      const start = Math.floor(time / 1000) * 1000 + 1000;
      let day = Math.floor(start / DAY) * DAY;
      for (let count = 0; count < LONGEST_SEARCH_DAYS; count++, day += DAY) {
        const date = new Date(day);
        if (
          !months.includes(date.getUTCMonth() + 1) ||
          !days.includes(date.getUTCDate()) ||
          !weekdays.includes(date.getUTCDay())
        )
          continue;
        const found = firstOnDay(times, Math.max(0, start - day) / 1000);
        if (found !== undefined) return day + found * 1000;
      }
      throw new Error(`'${expression}' never occurs.`);
    },
  };
}

function expand(term: string, from: number, to: number, name: string): number[] {
  const [, star, low, high, step] = /^(?:(\*)|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(term) ?? [];
  const first = star ? from : Number(low);
  const last = star || (step && !high) ? to : Number(high ?? low);
  const stride = Number(step ?? 1);
  if (!(first >= from && last <= to && first <= last && stride > 0))
    throw new Error(`This local host does not read '${term}' as the ${name} of a schedule.`);
  return Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, index) => first + index * stride);
}

/** Seconds since midnight, at or after `from`. */
function firstOnDay(
  { seconds, minutes, hours }: { seconds: number[]; minutes: number[]; hours: number[] },
  from: number,
): number | undefined {
  for (const hour of hours) {
    if (hour * 3600 + 3599 < from) continue;
    for (const minute of minutes) {
      const base = hour * 3600 + minute * 60;
      if (base + 59 < from) continue;
      const second = seconds.find((each) => base + each >= from);
      if (second !== undefined) return base + second;
    }
  }
  return undefined;
}
