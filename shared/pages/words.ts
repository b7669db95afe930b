import { type ErrorCode, errorCodes } from '../domain/errors.ts';
import type { Person } from '../domain/policy.ts';
import { oneLine } from '../domain/text.ts';
import { describeDuration, type Instant, millisecondsOf } from '../domain/time.ts';
import { describeInstant } from './zones.ts';

/** `3h 12m`, to the minute from an hour on. Nothing where the instant has come. */
export function describeWait(now: Instant, instant: Instant): string | undefined {
  const wait = millisecondsOf(instant) - millisecondsOf(now);
  if (wait < 1000) return undefined;
  return describeDuration(wait < 3_600_000 ? wait : wait - (wait % 60_000));
}

/** `Sat 2026-11-21 09:30 UTC, in 3h 12m` */
export function describeUpcoming(now: Instant, instant: Instant, timeZone?: string): string {
  const wait = describeWait(now, instant);
  return `${describeInstant(instant, timeZone)}${wait === undefined ? '' : `, in ${wait}`}`;
}

export function nameOf({ name, userPrincipalName }: Person): string {
  return oneLine(name) || oneLine(userPrincipalName);
}

/** A name anybody can give themselves, and the one that they can't. */
export function fullNameOf(person: Person): string {
  return `${nameOf(person)} (${oneLine(person.userPrincipalName, 200)})`;
}

export function sentenceOf(code: ErrorCode): string {
  return errorCodes[code][1];
}

/** `1 session`, `3 sessions` */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

/** What somebody wrote, line by line. */
export function linesOf(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => oneLine(line, 1000));
}
