import type { AccessRequest } from './access-request.ts';
import { type Instant, millisecondsOf, plus } from './time.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** How long after its end a standing access is alarming, and again; after the last of these once a day. Milliseconds. */
const schedule = [1, 5, 15, 60, 240, 720].map((minutes) => minutes * minute);

/** When somebody is to be alerted next that the access still stands; undefined where it need not have ended. */
export function alertDue({ endsSince, deadline, delay }: AccessRequest): Instant | undefined {
  const since = endsSince ?? deadline;
  if (since === undefined) return undefined;
  const told = delay ? millisecondsOf(delay.at) - millisecondsOf(since) : 0;
  return plus(since, schedule.find((after) => after > told) ?? (Math.floor(told / day) + 1) * day);
}
