import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { tokenHashOf } from '../shared/approval-token.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { CurfewError, type Refusal } from '../shared/domain/errors.ts';
import { reasonLength } from '../shared/domain/policy.ts';
import { isStillIn } from '../shared/eligibility.ts';
import { approvalPage, errorPage, outcomePage } from '../shared/pages/approval-page.ts';
import { securityHeaders } from '../shared/pages/security-headers.ts';
import { plansFor } from '../shared/plans.ts';
import type { ApprovalLink } from '../shared/ports.ts';
import { statusOf } from './http/problem.ts';
import { parse, readBody, safeText } from './http/read.ts';
import { command } from './orchestration-client.ts';
import { newCommandId } from './requests.ts';
import type { Handler, Service } from './service.ts';

/** What the link stands for. The token is looked up by its hash, so how long the look-up takes says nothing about it. */
async function follow(service: Service, request: HttpRequest): Promise<{ link: ApprovalLink; found: AccessRequest }> {
  const { token = '' } = request.params;
  if (!/^[\w-]{43}$/.test(token)) throw new CurfewError('CURFEW_LINK_NOT_FOUND');
  const link = await service.links.find(tokenHashOf(token));
  const found = link && link.expiresAt > service.clock.now() ? await service.requests.find(link.requestId) : undefined;
  if (!link || !found) throw new CurfewError('CURFEW_LINK_NOT_FOUND');
  return { link, found };
}

/** Shows, and changes nothing: mail scanners open links. */
export const getApproval: Handler = async (service, request) => {
  const { link, found } = await follow(service, request);
  const plans = plansFor(service.providers, found.terms, found.requester);
  return page(200, approvalPage({ request: found, approver: link.approver, plans, now: service.clock.now() }));
};

const formShape = z.strictObject({
  decision: z.enum(['approve', 'deny'], 'Choose to approve or to deny.'),
  comment: safeText(reasonLength).default(''),
});

/** Decides, as the person the link was sent to, if both people are still who the policy wants. */
export const postApproval: Handler = async (service, request, client) => {
  const origin = request.headers.get('origin');
  if (origin !== null && origin !== new URL(service.publicUrl).origin) throw new CurfewError('CURFEW_ORIGIN_MISMATCH');
  const { link, found } = await follow(service, request);
  const { decision, comment } = parse(formShape, await readForm(request), 'CURFEW_BODY_INVALID');
  const { terms, requester } = found;
  if (!(await isStillIn(service.directory, terms.approvers, link.approver))) {
    throw new CurfewError('CURFEW_NOT_AN_APPROVER');
  }
  if (decision === 'approve' && !(await isStillIn(service.directory, terms.requesters, requester))) {
    throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE', { wayOut: 'Deny it, or let it time out.' });
  }
  const outcome = await command(service, client, found, {
    kind: decision,
    commandId: newCommandId(service),
    by: link.approver,
    comment,
  });
  const status = outcome.refusal ? statusOf[outcome.refusal.code] : outcome.pending ? 202 : 200;
  return page(status, outcomePage({ ...outcome, approver: link.approver, now: service.clock.now() }));
};

async function readForm(request: HttpRequest): Promise<Record<string, string>> {
  const fields = [...new URLSearchParams((await readBody(request)).replaceAll('%0D%0A', '%0A'))];
  const form = Object.fromEntries(fields);
  // Of `decision=deny&decision=approve` nobody can say what was meant.
  if (Object.keys(form).length < fields.length) throw new CurfewError('CURFEW_BODY_INVALID');
  return form;
}

export function refuseAsPage(refusal: Refusal): HttpResponseInit {
  return page(statusOf[refusal.code], errorPage({ refusal }));
}

function page(status: number, html: string): HttpResponseInit {
  return { status, body: html, headers: { 'content-type': 'text/html; charset=utf-8', ...securityHeaders() } };
}
