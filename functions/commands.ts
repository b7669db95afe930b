import { z } from 'zod';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Capacity } from '../shared/domain/events.ts';
import { type Person, reasonLength } from '../shared/domain/policy.ts';
import { isStillIn, mayStillDecide } from '../shared/eligibility.ts';
import { answer, answerFields, review } from './answer.ts';
import { hasRole, personOf, principalOf, visibleRequest } from './callers.ts';
import { problem } from './http/problem.ts';
import { expectNoQuery, readJson, readOptionalJson, readRequestId, safeText } from './http/read.ts';
import { requestResponse, viewRequest } from './http/view.ts';
import { type CommandOutcome, command, newCommandId } from './orchestration-client.ts';
import type { Handler, Service } from './service.ts';

/** The requester takes the request back before anything was granted. */
export const withdraw: Handler = async (service, request, client, caller) => {
  const found = await visibleRequest(service, caller, request);
  expectNoQuery(request);
  const by = await principalOf(service, caller);
  return tell(await command(service, client, found, { kind: 'withdraw', commandId: newCommandId(service), by }));
};

export const revokeBody = z.strictObject({ reason: safeText(reasonLength).default('') });

/** Ends the access at once: "I'm done" by the requester, or by somebody who no longer stands for it. */
export const revoke: Handler = async (service, request, client, caller) => {
  const found = await findRevocable(service, caller, request);
  expectNoQuery(request);
  const { reason } = await readOptionalJson(request, revokeBody);
  const by = await enderOf(service, caller, found);
  const as = await capacityOf(service, caller, found);
  return tell(await command(service, client, found, { kind: 'end', commandId: newCommandId(service), by, as, reason }));
};

/** Whoever may end every access need not be a part of it to find it. */
async function findRevocable(
  service: Service,
  caller: Caller,
  request: Parameters<Handler>[1],
): Promise<AccessRequest> {
  if (!hasRole(caller, 'Access.Revoke')) return visibleRequest(service, caller, request);
  const found = await service.requests.find(readRequestId(request));
  if (!found) throw new CurfewError('CURFEW_REQUEST_NOT_FOUND');
  return found;
}

/** Ending waits for no directory: whose access it is, and whose token says that they may, are known without it. */
async function enderOf(service: Service, caller: Caller, { requester }: AccessRequest): Promise<Person> {
  return principalOf(service, caller).catch((error: unknown) => {
    const isDown = error instanceof CurfewError && error.code === 'CURFEW_DIRECTORY_UNAVAILABLE';
    if (isDown && requester.principalId === caller.principalId) return requester;
    if (!isDown || !(hasRole(caller, 'Access.Revoke') || hasRole(caller, 'Access.Administer'))) throw error;
    const { principalId } = caller;
    return { principalId, name: principalId, userPrincipalName: principalId, mail: '' };
  });
}

async function capacityOf(service: Service, caller: Caller, request: AccessRequest): Promise<Capacity> {
  const { requester, submittedBy, asked, terms } = request;
  if ([requester.principalId, submittedBy?.principalId].includes(caller.principalId)) return 'requester';
  if (hasRole(caller, 'Access.Administer')) return 'administrator';
  if (hasRole(caller, 'Access.Revoke')) return 'revoker';
  if (asked.includes(caller.principalId)) {
    const approver = await personOf(service, caller);
    for (const stage of terms.stages) {
      if (await mayStillDecide(service.directory, stage, approver, requester)) return 'approver';
    }
  }
  throw new CurfewError('CURFEW_FORBIDDEN');
}

export const decisionBody = z.strictObject(answerFields);

/** Answers the stage that is open, with the approver's own token. */
export const decideRequest: Handler = async (service, request, client, caller) => {
  const found = await visibleRequest(service, caller, request);
  expectNoQuery(request);
  const body = await readJson(request, decisionBody);
  const by = await personOf(service, caller);
  const { authentication } = caller;
  return tell(
    await answer(service, client, found, { ...body, by, stage: found.stage, through: 'api', authentication }),
  );
};

export const reviewBody = z.strictObject({ comment: safeText(reasonLength) });

/** Confirms the review of a broken glass. */
export const reviewRequest: Handler = async (service, request, client, caller) => {
  const by = await personOf(service, caller);
  const found = await service.requests.find(readRequestId(request));
  const isTheirs =
    found?.terms.breakGlass && (await isStillIn(service.directory, found.terms.breakGlass.review.by, by));
  // Who owes the review was not asked before, so it may be theirs without having been theirs to see.
  const seen = isTheirs ? found : await visibleRequest(service, caller, request);
  expectNoQuery(request);
  const { comment } = await readJson(request, reviewBody);
  return tell(await review(service, client, seen, { by, comment }));
};

/** What really became of the request. 202 says that more is to come: look again. */
function tell({ request, refusal, pending }: CommandOutcome) {
  if (refusal) return problem(refusal, { request: viewRequest(request) });
  return requestResponse(pending ? 202 : 200, request);
}
