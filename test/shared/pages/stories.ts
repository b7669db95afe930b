import type { AccessRequest, State } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent, RevocationCause } from '../../../shared/domain/events.ts';
import type { Person, Terms } from '../../../shared/domain/policy.ts';
import { plus } from '../../../shared/domain/time.ts';
import {
  ada,
  bob,
  commandId,
  grantEvidence,
  requestAfter,
  requested,
  revocationEvidence,
  start,
} from '../../support/samples.ts';

const minute = 60_000;
export const now = plus(start, minute);
export const deadline = plus(now, 8 * 60 * minute);
export const later = plus(deadline, minute);
export const plans = [
  'Makes ada@contoso.example a member of the role orders_reader in the database orders on localhost.',
];

export const answered = (type: 'access-approved' | 'access-denied', by: Person, comment = ''): CurfewEvent => ({
  type,
  at: now,
  by,
  comment,
  commandId,
});
const approved = answered('access-approved', bob, 'Only this case.');
const intended: CurfewEvent = { type: 'grant-intended', at: now, deadline };
const granted: CurfewEvent = { type: 'access-granted', at: now, evidence: [grantEvidence] };
const began = (cause: RevocationCause): CurfewEvent => ({ type: 'revocation-began', at: deadline, cause });
const delayed: CurfewEvent = { type: 'revocation-delayed', at: later, attempt: 2, code: 'CURFEW_TARGET_UNAVAILABLE' };
const revoked: CurfewEvent = { type: 'access-revoked', at: later, evidence: [revocationEvidence], lateness: 3 };
const early = { kind: 'ended-early', by: ada, as: 'requester', reason: 'Done.', commandId } as const;
const failed: RevocationCause = { kind: 'grant-failed', code: 'CURFEW_USER_NAME_TAKEN' };

export const waiting = requestAfter(requested());

/** What every state is reached by; some by more than one way. */
export const stories: readonly [name: string, state: State, request: AccessRequest][] = [
  ['waiting', 'waiting-for-approval', waiting],
  ['scheduled', 'scheduled', after({ startsAt: plus(now, 60 * minute) }, approved)],
  ['about to be granted', 'granting', after({}, approved)],
  ['being granted', 'granting', after({}, approved, intended)],
  ['granted', 'granted', after({}, approved, intended, granted)],
  [
    'held before',
    'granted',
    after({}, approved, intended, { ...granted, evidence: [{ ...grantEvidence, outcome: 'already-held' }] }),
  ],
  ['ending at the deadline', 'revoking', after({}, approved, intended, granted, began({ kind: 'deadline' }))],
  ['ending early', 'revoking', after({}, approved, intended, granted, began(early))],
  ['overdue', 'overdue', after({}, approved, intended, granted, began({ kind: 'deadline' }), delayed)],
  ['denied', 'denied', after({}, answered('access-denied', bob, 'Ask again with a ticket.'))],
  ['withdrawn', 'withdrawn', after({}, { type: 'request-withdrawn', at: now, by: ada, commandId })],
  ['timed out', 'timed-out', after({}, { type: 'approval-timed-out', at: plus(start, 24 * 60 * minute) })],
  ['refused', 'failed', after({}, approved, { type: 'grant-refused', at: now, code: 'CURFEW_REQUESTER_INELIGIBLE' })],
  ['failed and undone', 'failed', after({}, approved, intended, began(failed), revoked)],
  ['expired', 'expired', after({}, approved, intended, granted, began({ kind: 'deadline' }), revoked)],
  ['ended early', 'revoked', after({}, approved, intended, granted, began(early), { ...revoked, lateness: undefined })],
  [
    'cancelled',
    'revoked',
    after({ startsAt: plus(now, 60 * minute) }, approved, {
      type: 'grant-cancelled',
      at: now,
      by: bob,
      as: 'approver',
      reason: '',
      commandId,
    }),
  ],
];

export function storyOf(name: string): AccessRequest {
  const [, , request] = stories.find(([called]) => called === name) ?? [];
  if (!request) throw new Error(`no story is called ${name}`);
  return request;
}

function after(terms: Partial<Terms>, ...events: CurfewEvent[]): AccessRequest {
  return requestAfter(requested(terms), ...events);
}

const nasty = `"><img src=x onerror=alert(1)><script>alert('&')</script>\r\nBcc: eve@partner.example\u202e`;

/** A story in which everybody writes what could break out of its place. */
export function hostile(): AccessRequest {
  const person = { ...ada, name: nasty, userPrincipalName: nasty };
  const request = requestAfter(
    requested({ roleDescription: nasty }, person),
    {
      type: 'access-approved',
      at: now,
      by: { ...bob, name: nasty, userPrincipalName: nasty },
      comment: nasty,
      commandId,
    },
    intended,
    granted,
    began({ ...early, by: person, reason: nasty }),
    delayed,
  );
  return { ...request, reason: nasty };
}
