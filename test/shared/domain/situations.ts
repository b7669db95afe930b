import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { CurfewEvent } from '../../../shared/domain/events.ts';
import { requestIdOf } from '../../../shared/domain/ids.ts';
import type { State } from '../../../shared/domain/states.ts';
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

export const minute = 60_000;
export const hour = 60 * minute;
export const soon = plus(start, minute);
export const startsAt = plus(start, 2 * hour);
export const deadline = plus(soon, 8 * hour);
export const said = { stage: 0, through: 'link-and-sign-in', comment: '', commandId } as const;

export const approved: CurfewEvent = { type: 'access-approved', at: soon, by: bob, ...said };
export const intended: CurfewEvent = { type: 'grant-intended', at: soon, deadline };
export const granted: CurfewEvent = { type: 'access-granted', at: soon, evidence: [grantEvidence] };
export const began: CurfewEvent = { type: 'revocation-began', at: deadline, cause: { kind: 'deadline' } };
export const endedEarly: CurfewEvent = {
  type: 'revocation-began',
  at: soon,
  cause: { kind: 'ended-early', by: ada, as: 'requester', reason: '', commandId },
};
export const delayed: CurfewEvent = {
  type: 'revocation-delayed',
  at: deadline,
  attempt: 1,
  code: 'CURFEW_TARGET_UNAVAILABLE',
};
export const revoked: CurfewEvent = { type: 'access-revoked', at: deadline, evidence: [revocationEvidence] };
export const denied: CurfewEvent = { type: 'access-denied', at: soon, by: bob, ...said };
export const withdrawn: CurfewEvent = { type: 'request-withdrawn', at: soon, by: ada, commandId };
export const timedOut: CurfewEvent = { type: 'approval-timed-out', at: plus(start, 24 * hour) };
export const refused: CurfewEvent = { type: 'grant-refused', at: soon, code: 'CURFEW_REQUESTER_INELIGIBLE' };
export const applied: CurfewEvent = { type: 'extension-applied', at: soon, deadline: plus(deadline, hour) };

export const asked = requested() as Extract<CurfewEvent, { type: 'access-requested' }>;
export const original = requestIdOf(new Uint8Array(16).fill(8));
const extension = { ...asked, extends: original };

/** A request in every state. */
export const situations: { readonly [Of in State]: AccessRequest } = {
  'waiting-for-approval': requestAfter(requested()),
  scheduled: requestAfter(requested({ startsAt }), approved),
  approved: requestAfter(requested(), approved),
  extending: requestAfter(extension, approved),
  granting: requestAfter(requested(), approved, intended),
  granted: requestAfter(requested(), approved, intended, granted),
  revoking: requestAfter(requested(), approved, intended, granted, began),
  overdue: requestAfter(requested(), approved, intended, granted, began, delayed),
  denied: requestAfter(requested(), denied),
  withdrawn: requestAfter(requested(), withdrawn),
  'timed-out': requestAfter(requested(), timedOut),
  failed: requestAfter(requested(), approved, refused),
  expired: requestAfter(requested(), approved, intended, granted, began, revoked),
  revoked: requestAfter(requested(), approved, intended, granted, endedEarly, revoked),
  extended: requestAfter(extension, approved, applied),
};
export const order = Object.keys(situations) as State[];
