import type { DurableClient } from 'durable-functions';
import { z } from 'zod';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { type AnswerCommand, decide } from '../shared/domain/decide.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { type Authentication, reasonLength } from '../shared/domain/policy.ts';
import { isStillIn, mayStillDecide } from '../shared/eligibility.ts';
import { duration, safeText } from './http/read.ts';
import { type CommandOutcome, command, newCommandId } from './orchestration-client.ts';
import type { Service } from './service.ts';

/** What an approver says, whether by a form or over the API. */
export const answerFields = {
  decision: z.enum(['approve', 'deny'], 'Choose to approve or to deny.'),
  comment: safeText(reasonLength).default(''),
  duration: duration().optional().describe('Less than was asked for, where only that is approved.'),
};

export interface Answer extends Pick<AnswerCommand, 'by' | 'stage' | 'through' | 'comment' | 'duration'> {
  readonly decision: AnswerCommand['kind'];
  /** How the approver has proven who they are. */
  readonly authentication: readonly Authentication[];
}

/** Decides, if both people are still who the policy wants; or says what was decided before. The same rules for every channel. */
export async function answer(
  service: Service,
  client: DurableClient,
  request: AccessRequest,
  { decision, authentication, ...said }: Answer,
): Promise<CommandOutcome> {
  const { directory, clock } = service;
  const { terms, requester } = request;
  const { by, stage } = said;
  const wanted: AnswerCommand = { ...said, kind: decision, commandId: newCommandId(service) };
  const early = decide(request, wanted, clock.now());
  if ('refusal' in early && early.refusal.code !== 'CURFEW_ALREADY_DECIDED') {
    return { commandId: wanted.commandId, request, refusal: early.refusal };
  }
  if (!(await mayStillDecide(directory, terms.stages[stage], by, requester))) {
    // They were asked, by a stage that is over.
    const approved = request.approvals.some((approval) => approval.by.principalId === by.principalId);
    if (approved && 'refusal' in early) return { commandId: wanted.commandId, request, refusal: early.refusal };
    throw new CurfewError('CURFEW_NOT_AN_APPROVER');
  }
  const lacking = terms.decidingNeeds.find((need) => !authentication.includes(need));
  if (lacking !== undefined)
    throw new CurfewError('CURFEW_AUTHENTICATION_INSUFFICIENT', { remedy: { kind: 'sign-in-with', need: lacking } });
  if (decision === 'approve' && !terms.breakGlass && !(await isStillIn(directory, terms.requesters, requester))) {
    throw new CurfewError('CURFEW_REQUESTER_INELIGIBLE', { remedy: { kind: 'deny-or-let-time-out' } });
  }
  return command(service, client, request, wanted);
}

/** Confirms that somebody has looked at what was done with the broken glass, if it is theirs to confirm. */
export async function review(
  service: Service,
  client: DurableClient,
  request: AccessRequest,
  { by, comment }: Pick<Answer, 'by' | 'comment'>,
): Promise<CommandOutcome> {
  const { breakGlass } = request.terms;
  if (!breakGlass) throw new CurfewError('CURFEW_REVIEW_NOT_OWED');
  if (!(await isStillIn(service.directory, breakGlass.review.by, by))) throw new CurfewError('CURFEW_NOT_AN_APPROVER');
  return command(service, client, request, { kind: 'review', commandId: newCommandId(service), by, comment });
}
