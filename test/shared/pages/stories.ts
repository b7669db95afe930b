import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent, RevocationCause } from '../../../shared/domain/events.ts';
import { type CommandId, type PrincipalId, requestIdOf } from '../../../shared/domain/ids.ts';
import type { Person, Terms } from '../../../shared/domain/policy.ts';
import type { State } from '../../../shared/domain/states.ts';
import { plus } from '../../../shared/domain/time.ts';
import {
  ada,
  analysts,
  bob,
  carla,
  commandId,
  entitlement,
  eve,
  grantEvidence,
  owners,
  requestAfter,
  requested,
  revocationEvidence,
  stage,
  start,
} from '../../support/samples.ts';

const minute = 60_000;
const hour = 60 * minute;
export const now = plus(start, minute);
export const deadline = plus(now, 8 * hour);
export const later = plus(deadline, minute);
export const plans = [
  'Makes ada@contoso.example a member of the role orders_reader in the database orders on localhost.',
];

export function answered(
  type: 'access-approved' | 'access-denied',
  by: Person,
  comment = '',
  more: { readonly stage?: number; readonly duration?: number } = {},
): CurfewEvent {
  const own = `${commandId}-${by.principalId}` as CommandId;
  return { type, at: now, stage: 0, by, through: 'link-and-sign-in', comment, commandId: own, ...more };
}
const approved = answered('access-approved', bob, 'Only this case.');
const intended: CurfewEvent = { type: 'grant-intended', at: now, deadline };
const granted: CurfewEvent = { type: 'access-granted', at: now, evidence: [grantEvidence] };
const began = (cause: RevocationCause): CurfewEvent => ({ type: 'revocation-began', at: deadline, cause });
const delayed: CurfewEvent = { type: 'revocation-delayed', at: later, attempt: 2, code: 'CURFEW_TARGET_UNAVAILABLE' };
const revoked: CurfewEvent = { type: 'access-revoked', at: later, evidence: [revocationEvidence], lateness: 3 };
const early = { kind: 'ended-early', by: ada, as: 'requester', reason: 'Done.', commandId } as const;
const failed: RevocationCause = { kind: 'grant-failed', code: 'CURFEW_USER_NAME_TAKEN' };
const refused = (code: 'CURFEW_REQUESTER_INELIGIBLE' | 'CURFEW_LIMIT_REACHED' | 'CURFEW_TOO_LATE'): CurfewEvent => ({
  type: 'grant-refused',
  at: now,
  code,
});

const twoStages: Partial<Terms> = { stages: [stage, { ...stage, quorum: 2, timeOut: 2 * hour }] };
const second: CurfewEvent = { type: 'stage-began', at: now, stage: 1, approvers: [carla, eve] };
const twoOfThem: Partial<Terms> = { stages: [{ ...stage, quorum: 2 }] };
const extendable: Partial<Terms> = { extension: { times: 2, total: 12 * hour } };
const automatic: Partial<Terms> = { stages: [], automatic: { name: 'in office hours' } };
const glass: Partial<Terms> = {
  stages: [],
  breakGlass: {
    people: [ada],
    tell: { people: ['eve@contoso.example'], groups: [owners] },
    review: { by: { people: [], groups: [analysts] }, within: 24 * hour },
  },
};
const broken: CurfewEvent = { type: 'glass-broken', at: now };

export const extended = requestIdOf(new Uint8Array(16).fill(9));
const extension: CurfewEvent = {
  ...(requested({ duration: 2 * hour }) as Extract<CurfewEvent, { type: 'access-requested' }>),
  extends: extended,
};
const moved: CurfewEvent = {
  type: 'deadline-moved',
  at: plus(now, hour),
  deadline: plus(deadline, 2 * hour),
  extension: extended,
};

export const waiting = requestAfter(requested());

/** What every state is reached by; some by more than one way. */
export const stories: readonly [name: string, state: State, request: AccessRequest][] = [
  ['waiting', 'waiting-for-approval', waiting],
  ['approved by one of two', 'waiting-for-approval', after(twoOfThem, approved)],
  ['between two stages', 'waiting-for-approval', after(twoStages, approved)],
  ['in its second stage', 'waiting-for-approval', after(twoStages, approved, second)],
  ['waiting to be extended', 'waiting-for-approval', requestAfter(extension)],
  ['scheduled', 'scheduled', after({ startsAt: plus(now, hour) }, approved)],
  ['about to be granted', 'approved', after({}, approved)],
  ['approved by two stages', 'approved', after(twoStages, approved, second, ...both())],
  ['approved for less', 'approved', after({}, answered('access-approved', bob, 'Enough.', { duration: hour / 2 }))],
  [
    'approved automatically',
    'approved',
    after(automatic, { type: 'access-approved-automatically', at: now, rule: 'in office hours' }),
  ],
  ['being granted', 'granting', after({}, approved, intended)],
  ['about to be extended', 'extending', requestAfter(extension, approved)],
  ['taken by breaking the glass', 'approved', after(glass, broken)],
  ['granted', 'granted', after({}, approved, intended, granted)],
  ['granted and extendable', 'granted', after(extendable, approved, intended, granted)],
  ['granted and extended', 'granted', after(extendable, approved, intended, granted, moved)],
  ['held with broken glass', 'granted', after(glass, broken, intended, granted)],
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
  ['timed out', 'timed-out', after({}, { type: 'approval-timed-out', at: plus(start, 24 * hour) })],
  [
    'timed out with one of two',
    'timed-out',
    after(twoOfThem, approved, { type: 'approval-timed-out', at: plus(start, 24 * hour) }),
  ],
  ['refused', 'failed', after({}, approved, refused('CURFEW_REQUESTER_INELIGIBLE'))],
  ['refused by a limit', 'failed', after({}, approved, refused('CURFEW_LIMIT_REACHED'))],
  ['extended too late', 'failed', requestAfter(extension, approved, refused('CURFEW_TOO_LATE'))],
  ['failed and undone', 'failed', after({}, approved, intended, began(failed), revoked)],
  ['expired', 'expired', after({}, approved, intended, granted, began({ kind: 'deadline' }), revoked)],
  [
    'still let in',
    'expired',
    after({}, approved, intended, granted, began({ kind: 'deadline' }), {
      ...revoked,
      evidence: [
        {
          ...revocationEvidence,
          stillBy: [
            { kind: 'role', name: 'orders_writer' },
            { kind: 'group', name: 'Order desk', groupId: analysts },
          ],
          stillUnknown: true,
        },
      ],
    }),
  ],
  [
    'gone with its database',
    'expired',
    after({}, approved, intended, granted, began({ kind: 'deadline' }), delayed, {
      ...revoked,
      evidence: [{ entitlement, outcome: 'target-gone', sessionsEnded: 0, verifiedAt: later }],
      lateness: undefined,
    }),
  ],
  ['owing a review', 'expired', brokenAndOver()],
  [
    'reviewed',
    'expired',
    brokenAndOver({ type: 'access-reviewed', at: later, by: carla, comment: 'It was needed.', commandId }),
  ],
  ['ended early', 'revoked', after({}, approved, intended, granted, began(early), { ...revoked, lateness: undefined })],
  [
    'cancelled',
    'revoked',
    after({ startsAt: plus(now, hour) }, approved, {
      type: 'grant-cancelled',
      at: now,
      by: bob,
      as: 'approver',
      reason: '',
      commandId,
    }),
  ],
  [
    'extended',
    'extended',
    requestAfter(extension, approved, { type: 'extension-applied', at: now, deadline: plus(deadline, 2 * hour) }),
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

function both(): CurfewEvent[] {
  return [carla, eve].map((by) => answered('access-approved', by, 'Fine.', { stage: 1 }));
}

function brokenAndOver(...events: CurfewEvent[]): AccessRequest {
  return after(glass, broken, intended, granted, began({ kind: 'deadline' }), revoked, ...events);
}

export const nasty = `"><img src=x onerror=alert(1)><script>alert('&')</script>\r\nBcc: eve@partner.example\u202e`;

/** The story, in which everybody writes what could break out of its place, and every name could too. */
export function hostile(story: AccessRequest): AccessRequest {
  const people = new Map<PrincipalId, Person>();
  const as = (person: Person): Person => {
    const known = people.get(person.principalId) ?? { ...person, name: nasty, userPrincipalName: nasty };
    people.set(person.principalId, known);
    return known;
  };
  const { requester, terms, approvals, approvers, decision, calledOff, cause, revoked, review } = story;
  // Nothing is added and nothing left out, which the compiler can't follow.
  return {
    ...story,
    requester: as(requester),
    submittedBy: as(eve),
    reason: nasty,
    ticket: nasty,
    approvers: approvers.map(as),
    approvals: approvals.map((approval) => ({ ...approval, by: as(approval.by), comment: nasty })),
    decision: decision && {
      ...decision,
      comment: nasty,
      by: decision.by && as(decision.by),
      rule: decision.rule && nasty,
    },
    calledOff: calledOff && { ...calledOff, by: as(calledOff.by) },
    cause: cause?.kind === 'ended-early' ? { ...cause, by: as(cause.by), reason: nasty } : cause,
    revoked: revoked && {
      ...revoked,
      evidence: revoked.evidence.map(({ stillBy, ...each }) => ({
        ...each,
        ...(stillBy && { stillBy: stillBy.map((way) => ({ ...way, name: nasty })) }),
      })),
    },
    review: typeof review === 'object' ? { ...review, by: as(review.by), comment: nasty } : review,
    terms: { ...terms, roleDescription: nasty, entitlements: [{ ...entitlement, database: nasty, role: nasty }] },
  } as AccessRequest;
}
