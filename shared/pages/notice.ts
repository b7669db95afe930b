import type { AccessRequest } from '../domain/access-request.ts';
import type { Person } from '../domain/policy.ts';
import type { Instant } from '../domain/time.ts';
import { describeWait, fullNameOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** What every mail is made of: the request as it is, who reads of it, and when it is written. */
export interface Notice {
  readonly request: AccessRequest;
  readonly recipient: Person;
  readonly now: Instant;
}

/** `Sat 2026-11-21 10:30 UTC+1 (09:30 UTC), 3h 12m after this mail`: a mail is read later than it is written. */
export function counted({ recipient, now }: Notice, instant: Instant): string {
  const wait = describeWait(now, instant);
  return `${describeInstant(instant, recipient.timeZone)}${wait === undefined ? '' : `, ${wait} after this mail`}`;
}

/** What stands under a mail with a link. */
export function linkNotes({ recipient, request }: Notice): string[] {
  return [
    'Opening the link decides nothing. It was made for you: don’t pass it on.',
    `Sent to ${fullNameOf(recipient)}. ${request.id}`,
  ];
}
