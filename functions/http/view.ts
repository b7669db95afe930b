import type { HttpResponseInit } from '@azure/functions';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { formatDuration } from '../../shared/domain/time.ts';

function viewPerson({ principalId, name, userPrincipalName }: Person) {
  return { principalId, name, userPrincipalName };
}

/** A request as the API shows it. */
export function viewRequest(request: AccessRequest) {
  const { terms, decision, cause, calledOff, granted, revoked, delay } = request;
  return {
    id: request.id,
    state: request.state,
    target: terms.targetId,
    role: terms.roleId,
    requester: viewPerson(request.requester),
    reason: request.reason,
    duration: formatDuration(terms.duration),
    startsAt: terms.startsAt,
    submittedAt: request.submittedAt,
    changedAt: request.changedAt,
    approveBy: terms.approveBy,
    approvers: request.approvers.map(viewPerson),
    decision: decision && {
      outcome: decision.outcome,
      by: viewPerson(decision.by),
      comment: decision.comment,
      at: decision.at,
    },
    deadline: request.deadline,
    grantedAt: granted?.at,
    alreadyHeld: granted?.evidence.some(({ outcome }) => outcome === 'already-held'),
    endedEarly:
      cause?.kind === 'ended-early' ? { by: viewPerson(cause.by), as: cause.as, reason: cause.reason } : undefined,
    calledOff: calledOff && { by: viewPerson(calledOff.by), as: calledOff.as, at: calledOff.at },
    delay: request.state === 'overdue' ? delay : undefined,
    revokedAt: revoked?.at,
    latenessMilliseconds: revoked?.lateness,
    failure: request.failure,
    policyDigest: terms.policyDigest,
  };
}

export function json(status: number, body: object, headers: Record<string, string> = {}): HttpResponseInit {
  return { status, jsonBody: body, headers: { 'cache-control': 'no-store', ...headers } };
}

/** The version is the ETag: every event makes another. */
export function etagOf(request: AccessRequest): string {
  return `"${request.version}"`;
}

export function requestResponse(status: number, request: AccessRequest): HttpResponseInit {
  return json(status, viewRequest(request), { etag: etagOf(request), location: `/api/requests/${request.id}` });
}
