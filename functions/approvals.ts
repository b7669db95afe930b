import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { tokenHashOf } from '../shared/approval-token.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Authentication } from '../shared/domain/policy.ts';
import { isAwaitingApproval } from '../shared/domain/states.ts';
import { isStillIn, mayStillDecide } from '../shared/eligibility.ts';
import { approvalPage } from '../shared/pages/approval-page.ts';
import { outcomePage } from '../shared/pages/outcome-page.ts';
import { reviewPage } from '../shared/pages/review-page.ts';
import { plansFor } from '../shared/plans.ts';
import type { ApprovalLink } from '../shared/ports.ts';
import { answer, answerFields, review } from './answer.ts';
import { page } from './http/page.ts';
import { statusOf } from './http/problem.ts';
import { parse, readForm, safeText } from './http/read.ts';
import type { CommandOutcome } from './orchestration-client.ts';
import type { PublicHandler, Service } from './service.ts';
import { anotherPage, askToSignIn, csrfTokenOf, expectOwnForm, sessionOf, signInPage } from './sessions.ts';

interface Followed {
  readonly token: string;
  readonly link: ApprovalLink;
  readonly found: AccessRequest;
}

/** What the link stands for. The token is looked up by its hash, so how long the look-up takes says nothing about it. */
async function follow(service: Service, request: HttpRequest): Promise<Followed> {
  const { token = '' } = request.params;
  if (!/^[\w-]{43}$/.test(token)) throw new CurfewError('CURFEW_LINK_NOT_FOUND');
  const tokenHash = tokenHashOf(token);
  service.limitLink(tokenHash);
  const link = await service.links.find(tokenHash);
  const found = link && link.expiresAt > service.clock.now() ? await service.requests.find(link.requestId) : undefined;
  if (!link || !found) throw new CurfewError('CURFEW_LINK_NOT_FOUND');
  return { token, link, found };
}

/** Who looks: the person that the link was sent to, by a sign-in, or by the link alone where the policy lets that do. */
interface Reader {
  readonly through: 'link' | 'link-and-sign-in';
  readonly authentication: readonly Authentication[];
  /** For the forms on the page. */
  readonly secret: string;
  readonly signedInAs?: string;
}

async function readerOf(
  service: Service,
  request: HttpRequest,
  { token, link, found }: Followed,
): Promise<Reader | 'nobody' | HttpResponseInit> {
  if (link.purpose !== 'review' && !found.terms.signIn) return { through: 'link', authentication: [], secret: token };
  const session = await sessionOf(service, request);
  if (!session) return 'nobody';
  if (session.principalId !== link.approver.principalId) return anotherPage(session);
  const { authentication, token: secret, name: signedInAs } = session;
  return { through: 'link-and-sign-in', authentication, secret, signedInAs };
}

/** Shows, and changes nothing: mail scanners open links. */
export const getApproval: PublicHandler = async (service, request) => {
  const followed = await follow(service, request);
  const { token, link, found } = followed;
  const reader = await readerOf(service, request, followed);
  const needs = link.purpose === 'review' ? [] : found.terms.decidingNeeds;
  const ask = { returnTo: `/api/approvals/${token}`, loginHint: link.approver.userPrincipalName, needs };
  if (reader === 'nobody') return askToSignIn(service, ask);
  if (!('secret' in reader)) return reader;
  const isWaiting = isAwaitingApproval(found);
  if (isWaiting && !needs.every((need) => reader.authentication.includes(need))) {
    return askToSignIn(service, { ...ask, isAgain: true });
  }
  await expectStillTheirs(service, followed);
  const { approver } = link;
  const csrf = csrfTokenOf(reader.secret);
  const now = service.clock.now();
  const plans = plansFor(service.providers, found.terms, found.requester);
  const shown = { request: found, plans, csrf, signedInAs: reader.signedInAs, now };
  if (link.purpose === 'review') return page(200, reviewPage({ ...shown, reviewer: approver }));
  const history = await historyOf(service, found);
  const rules = found.terms.rules.map(({ rule, sentence }) => `${rule}: ${sentence}`);
  return page(200, approvalPage({ ...shown, approver, stage: link.purpose, history, rules }));
};

/** Who is no longer an approver has no business with the request, whatever link they hold. */
async function expectStillTheirs({ recentDirectory }: Service, { link, found }: Followed): Promise<void> {
  const { terms, requester } = found;
  const isTheirs =
    link.purpose === 'review'
      ? terms.breakGlass && (await isStillIn(recentDirectory, terms.breakGlass.review.by, link.approver))
      : await mayStillDecide(recentDirectory, terms.stages[link.purpose], link.approver, requester);
  if (!isTheirs) throw new CurfewError('CURFEW_NOT_AN_APPROVER');
}

/** What else the requester has asked for lately. */
async function historyOf({ requests }: Service, { id, requester }: AccessRequest): Promise<AccessRequest[]> {
  const { requests: found } = await requests.list({ requester: requester.principalId }, 6);
  return found.filter((each) => each.id !== id).slice(0, 5);
}

const blank = z.literal('').transform(() => undefined);
export const answerForm = z.strictObject({
  ...answerFields,
  csrf: z.string(),
  duration: blank.or(answerFields.duration),
});
export const reviewForm = z.strictObject({
  csrf: z.string(),
  decision: z.literal('reviewed'),
  comment: safeText(1000).default(''),
});

/** Decides, as the person the link was sent to. */
export const postApproval: PublicHandler = async (service, request, client) => {
  const followed = await follow(service, request);
  const { link, found } = followed;
  const reader = await readerOf(service, request, followed);
  if (reader === 'nobody') return signInPage();
  if (!('secret' in reader)) return reader;
  const form = await readForm(request);
  expectOwnForm(service, request, form, reader.secret);
  const { through, authentication } = reader;
  const by = link.approver;
  if (link.purpose === 'review') {
    const { comment } = parse(reviewForm, form, 'CURFEW_BODY_INVALID');
    return show(service, link, reader, await review(service, client, found, { by, comment }));
  }
  const { csrf: _, ...said } = parse(answerForm, form, 'CURFEW_BODY_INVALID');
  const answered = { ...said, by, stage: link.purpose, through, authentication };
  return show(service, link, reader, await answer(service, client, found, answered));
};

function show(
  { clock }: Service,
  { approver }: ApprovalLink,
  reader: Reader,
  outcome: CommandOutcome,
): HttpResponseInit {
  const status = outcome.refusal ? statusOf[outcome.refusal.code] : outcome.pending ? 202 : 200;
  const { secret, signedInAs } = reader;
  return page(
    status,
    outcomePage({ ...outcome, command: outcome, approver, signedInAs, csrf: csrfTokenOf(secret), now: clock.now() }),
  );
}
