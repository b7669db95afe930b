import type { HttpResponseInit } from '@azure/functions';
import { type AccessRequest, missingApprovals, otherWays } from '../../shared/domain/access-request.ts';
import { apiStateOf } from '../../shared/domain/api-states.ts';
import { offeredDemands } from '../../shared/domain/demands.ts';
import {
  isInAudience,
  mayBreakGlass,
  type Person,
  type Policy,
  type Role,
  type Target,
} from '../../shared/domain/policy.ts';
import type { Question } from '../../shared/domain/question.ts';
import { isAwaitingApproval } from '../../shared/domain/states.ts';
import { formatDuration } from '../../shared/domain/time.ts';
import type { ShownPerson, ShownRequest, ShownRole } from './shapes.ts';

/** With every property named, be it undefined: what the schema has, the view can't forget. */
type Complete<Shown> = { [Key in keyof Required<Shown>]: Shown[Key] };

function viewPerson({ principalId, name, userPrincipalName }: Person): Complete<ShownPerson> {
  return { principalId, name, userPrincipalName };
}

/** A role as it is offered to this person. */
export function viewRole(
  policy: Policy,
  target: Target,
  role: Role,
  asker: Pick<Question, 'requester'> & { readonly groups: Exclude<Question['groups'], 'unknown'> },
): Complete<ShownRole> {
  const { maximum, reasonLength, tickets, startHorizon, askingNeeds, extension, breakGlass } = offeredDemands(
    policy,
    target,
    role,
    asker,
  );
  return {
    id: role.id,
    description: role.description,
    defaultDuration: formatDuration(Math.min(role.duration.default, maximum)),
    maximumDuration: formatDuration(maximum),
    step: formatDuration(role.duration.step),
    startsWithin: formatDuration(startHorizon),
    reasonLength,
    ticketExamples: tickets.map(({ example }) => example),
    authentication: [...askingNeeds],
    extensions: extension.times,
    offered: isInAudience(role.requesters, asker.requester, asker.groups),
    breakGlass: breakGlass && mayBreakGlass(role, asker.requester),
  };
}

/** A request as the API shows it. */
export function viewRequest(request: AccessRequest): Complete<ShownRequest> {
  const { terms, decision, cause, calledOff, granted, revoked, delay, review } = request;
  const ways = otherWays(request);
  return {
    id: request.id,
    state: apiStateOf(request.state),
    target: terms.targetId,
    role: terms.roleId,
    requester: viewPerson(request.requester),
    submittedBy: request.submittedBy && viewPerson(request.submittedBy),
    reason: request.reason,
    ticket: request.ticket,
    duration: formatDuration(request.duration),
    startsAt: terms.startsAt,
    submittedAt: request.submittedAt,
    changedAt: request.changedAt,
    extends: request.extends,
    breakGlass: terms.breakGlass && true,
    stage: isAwaitingApproval(request)
      ? { number: request.stage + 1, of: terms.stages.length, missing: missingApprovals(request) }
      : undefined,
    approveBy: terms.stages.length > 0 ? request.approveBy : undefined,
    approvers: request.approvers.map(viewPerson),
    approvals: request.approvals.map(({ stage, by, through, comment, at }) => ({
      stage: stage + 1,
      by: viewPerson(by),
      through,
      comment,
      at,
    })),
    decision: decision && {
      outcome: decision.outcome,
      by: decision.by && viewPerson(decision.by),
      rule: decision.rule,
      comment: decision.comment,
      at: decision.at,
    },
    deadline: request.deadline,
    grantedAt: granted?.at,
    alreadyHeld: granted?.evidence.some(({ outcome }) => outcome === 'already-held'),
    extensions: request.extensions.map(({ extension, deadline, at }) => ({ request: extension, deadline, at })),
    movedTo: request.movedTo,
    endedEarly:
      cause?.kind === 'ended-early' ? { by: viewPerson(cause.by), as: cause.as, reason: cause.reason } : undefined,
    calledOff: calledOff && { by: viewPerson(calledOff.by), as: calledOff.as, at: calledOff.at },
    delay: request.state === 'overdue' ? delay : undefined,
    revokedAt: revoked?.at,
    latenessMilliseconds: revoked?.lateness,
    stillBy: ways.length > 0 ? ways : undefined,
    stillUnknown: revoked?.evidence.some(({ stillUnknown }) => stillUnknown) || undefined,
    targetGone: revoked?.evidence.some(({ outcome }) => outcome === 'target-gone') || undefined,
    failure: request.failure,
    review: typeof review === 'object' ? { by: viewPerson(review.by), comment: review.comment, at: review.at } : review,
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
