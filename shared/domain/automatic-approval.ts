import type { PrincipalId } from './ids.ts';
import { type AutomaticApproval, type Hours, isInAudience, type Person, weekdays } from './policy.ts';
import { describeDuration, type Instant, millisecondsOf, plus } from './time.ts';

/** What the conditions of an automatic approval are held against. */
export interface Circumstances {
  readonly requester: Person;
  readonly groups: readonly PrincipalId[];
  readonly start: Instant;
  /** Milliseconds. */
  readonly duration: number;
  /** When people approved the same role for the same person before. */
  readonly approvedAt: readonly Instant[];
  readonly now: Instant;
}

/** The conditions that don't hold, in words; none where it approves. One without conditions approves nothing. */
export function whatIsAgainst(approval: AutomaticApproval, circumstances: Circumstances): string[] {
  const { requesters, hours, durationUpTo, approvedBefore } = approval;
  const { requester, groups, start, duration, approvedAt, now } = circumstances;
  if (!requesters && !hours && durationUpTo === undefined && !approvedBefore) return ['it has no conditions'];
  const against: string[] = [];
  if (requesters && !isInAudience(requesters, requester, groups)) against.push('it is for others');
  if (hours && !isWithin(hours, start, duration)) against.push('not all of it lies within the hours');
  if (durationUpTo !== undefined && duration > durationUpTo) {
    against.push(`it is for more than ${describeDuration(durationUpTo)}`);
  }
  if (approvedBefore) {
    const { times, within } = approvedBefore;
    const found = approvedAt.filter((at) => at <= now && at >= plus(now, -within)).length;
    if (found < times) against.push(`people approved it ${found} times in ${describeDuration(within)}, not ${times}`);
  }
  return against;
}

/** When clocks are put forward or back, they are so at a quarter of an hour. */
const quarter = 900_000;

/** Whether the whole of the access lies within the hours of one day. */
export function isWithin({ days, from, to, timeZone }: Hours, start: Instant, duration: number): boolean {
  const local = localClock(timeZone);
  const begin = millisecondsOf(start);
  const last = begin + duration - 1;
  const { date, weekday } = local(begin);
  if (!days.includes(weekday) || local(last).date !== date) return false;
  // Put back, a clock leaves the hours between a beginning and an end that both lie inside: so every quarter is looked at.
  const instants = [begin, last];
  for (let next = Math.ceil((begin + 1) / quarter) * quarter; next <= last; next += quarter) {
    instants.push(next - 1, next);
  }
  return instants.map(local).every(({ minutes }) => minutes >= from && minutes < to);
}

function localClock(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (milliseconds: number) => {
    const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
    const date = `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`;
    const weekday = weekdays.find((day) => day === parts.get('weekday')?.toLowerCase());
    if (weekday === undefined) throw new RangeError('a day of no name');
    return { date, weekday, minutes: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
  };
}
