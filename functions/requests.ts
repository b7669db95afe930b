import type { HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { apiStateNames, statesOfApi } from '../shared/domain/api-states.ts';
import { verifyChain } from '../shared/domain/hash-chain.ts';
import type { PrincipalId, TargetId } from '../shared/domain/ids.ts';
import { requesterGroups, rolesFor } from '../shared/domain/policy.ts';
import { principalOf, seesEverything, visibleRequest } from './callers.ts';
import { parse } from './http/read.ts';
import type { EventList, RequestList, TargetList } from './http/shapes.ts';
import { etagOf, json, requestResponse, viewRequest, viewRole } from './http/view.ts';
import type { Handler } from './service.ts';

/** What the caller may ask for. */
export const listTargets: Handler = async (service, _request, _client, caller) => {
  const requester = await principalOf(service, caller);
  const policy = service.policy();
  const groups = await service.recentDirectory.memberGroups(requester, requesterGroups(policy));
  const targets = rolesFor(policy, requester, groups).map((target) => ({
    id: target.id,
    description: target.description,
    roles: target.roles.map((role) => viewRole(policy, target, role, { requester, groups })),
  }));
  return json(200, { targets } satisfies TargetList);
};

export const listQuery = z.strictObject({
  state: z
    .string()
    .meta({
      description: 'One or more, with commas between.',
      pattern: `^(${apiStateNames.join('|')})(,(${apiStateNames.join('|')}))*$`,
      examples: ['granted', 'scheduled,granting,granted'],
    })
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(apiStateNames)))
    .optional(),
  target: z
    .string()
    .max(100)
    .describe('A target of the policy.')
    .transform((text) => text as TargetId)
    .optional(),
  requester: z.literal('me').or(z.guid()).optional().describe('Whose requests: mine, or a person’s by object id.'),
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('How many at most.'),
  after: z.string().max(100).optional().describe('The `next` of the page before.'),
});

/** The requests that are the caller's to see, newest first. */
export const listRequests: Handler = async (service, request, _client, caller) => {
  const query = parse(listQuery, Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
  const { requests, next } = await service.requests.list(
    {
      visibleTo: seesEverything(caller) ? undefined : caller.principalId,
      requester:
        query.requester === 'me' ? caller.principalId : (query.requester?.toLowerCase() as PrincipalId | undefined),
      states: query.state?.flatMap(statesOfApi),
      target: query.target,
    },
    query.limit,
    query.after,
  );
  return json(200, { requests: requests.map(viewRequest), next } satisfies RequestList);
};

export const getRequest: Handler = async (service, request, _client, caller) => {
  const found = await visibleRequest(service, caller, request);
  if (request.headers.get('if-none-match') === etagOf(found)) {
    return { status: 304, headers: { etag: etagOf(found), 'cache-control': 'no-store' } } satisfies HttpResponseInit;
  }
  return requestResponse(200, found);
};

/** The request's events as they were written, and whether their chain holds. */
export const getEvents: Handler = async (service, request, _client, caller) => {
  const { id, version } = await visibleRequest(service, caller, request);
  const events = await service.events.read(id);
  // A chain can't show that its end was cut off. The projection, written after the events, says how many there were.
  const cutOff = events.length < version ? { sequence: events.length, problem: 'missing' as const } : undefined;
  return json(200, { requestId: id, events, chain: verifyChain(id, events) ?? cutOff ?? 'intact' } satisfies EventList);
};
