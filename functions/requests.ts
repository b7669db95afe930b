import type { HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { states } from '../shared/domain/access-request.ts';
import type { PersonCommand } from '../shared/domain/decide.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Capacity } from '../shared/domain/events.ts';
import { verifyChain } from '../shared/domain/hash-chain.ts';
import type { CommandId, PrincipalId, TargetId } from '../shared/domain/ids.ts';
import { reasonLength, requesterGroups, rolesFor } from '../shared/domain/policy.ts';
import { formatDuration } from '../shared/domain/time.ts';
import { isStillIn } from '../shared/eligibility.ts';
import { callerOf, isAdministrator, personOf, seesEverything, visibleRequest } from './callers.ts';
import { problem } from './http/problem.ts';
import { expectNoQuery, parse, readOptionalJson, safeText } from './http/read.ts';
import { etagOf, json, requestResponse, viewRequest } from './http/view.ts';
import { type CommandOutcome, command } from './orchestration-client.ts';
import type { Handler, Service } from './service.ts';

/** What the caller may ask for. */
export const listTargets: Handler = async (service, request) => {
  const person = await personOf(service, await callerOf(service, request));
  const policy = service.policy();
  const groups = await service.directory.memberGroups(person.principalId, requesterGroups(policy));
  const targets = rolesFor(policy, person, groups).map(({ id, description, roles }) => ({
    id,
    description,
    roles: roles.map((role) => ({
      id: role.id,
      description: role.description,
      defaultDuration: formatDuration(role.duration.default),
      maximumDuration: formatDuration(role.duration.maximum),
      reasonRequired: role.reasonRequired,
    })),
  }));
  return json(200, { targets });
};

const listShape = z.strictObject({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(states)))
    .optional(),
  target: z
    .string()
    .max(100)
    .transform((text) => text as TargetId)
    .optional(),
  requester: z.literal('me').or(z.guid()).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  after: z.string().max(100).optional(),
});

/** The requests that are the caller's to see, newest first. */
export const listRequests: Handler = async (service, request) => {
  const caller = await callerOf(service, request);
  const query = parse(listShape, Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
  const { requests, next } = await service.requests.list(
    {
      visibleTo: seesEverything(caller) ? undefined : caller.principalId,
      requester:
        query.requester === 'me' ? caller.principalId : (query.requester?.toLowerCase() as PrincipalId | undefined),
      states: query.state,
      target: query.target,
    },
    query.limit,
    query.after,
  );
  return json(200, { requests: requests.map(viewRequest), next });
};

export const getRequest: Handler = async (service, request) => {
  const found = await visibleRequest(service, await callerOf(service, request), request);
  if (request.headers.get('if-none-match') === etagOf(found)) {
    return { status: 304, headers: { etag: etagOf(found), 'cache-control': 'no-store' } } satisfies HttpResponseInit;
  }
  return requestResponse(200, found);
};

/** The request's events as they were written, and whether their chain holds. */
export const getEvents: Handler = async (service, request) => {
  const { id, version } = await visibleRequest(service, await callerOf(service, request), request);
  const events = await service.events.read(id);
  // A chain can't show that its end was cut off. The projection, written after the events, says how many there were.
  const cutOff = events.length < version ? { sequence: events.length, problem: 'missing' } : undefined;
  return json(200, { requestId: id, events, chain: verifyChain(id, events) ?? cutOff ?? 'intact' });
};

/** The requester takes the request back before anything was granted. */
export const withdraw: Handler = async (service, request, client) => {
  const caller = await callerOf(service, request);
  const found = await visibleRequest(service, caller, request);
  expectNoQuery(request);
  const by = await personOf(service, caller);
  return tell(await command(service, client, found, { kind: 'withdraw', commandId: newCommandId(service), by }));
};

const revokeShape = z.strictObject({ reason: safeText(reasonLength).default('') });

/** Ends the access at once: "I'm done" by the requester, or by an approver or administrator who no longer stands for it. */
export const revoke: Handler = async (service, request, client) => {
  const caller = await callerOf(service, request);
  const found = await visibleRequest(service, caller, request);
  expectNoQuery(request);
  const { reason } = await readOptionalJson(request, revokeShape);
  const by = await personOf(service, caller);
  const as = await capacityOf(service, caller, found);
  const wanted: PersonCommand = { kind: 'end', commandId: newCommandId(service), by, as, reason };
  return tell(await command(service, client, found, wanted));
};

async function capacityOf(service: Service, caller: Caller, request: AccessRequest): Promise<Capacity> {
  if (caller.principalId === request.requester.principalId) return 'requester';
  if (isAdministrator(caller)) return 'administrator';
  const approver = request.approvers.find(({ principalId }) => principalId === caller.principalId);
  if (approver && (await isStillIn(service.directory, request.terms.approvers, approver))) return 'approver';
  throw new CurfewError('CURFEW_FORBIDDEN');
}

/** What really became of the request. 202 says that more is to come: look again. */
function tell({ request, refusal, pending }: CommandOutcome) {
  if (refusal) return problem(refusal, { request: viewRequest(request) });
  return requestResponse(pending ? 202 : 200, request);
}

export function newCommandId(service: Pick<Service, 'entropy'>): CommandId {
  return Buffer.from(service.entropy.bytes(16)).toString('hex') as CommandId;
}
