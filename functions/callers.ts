import type { HttpRequest } from '@azure/functions';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Person } from '../shared/domain/policy.ts';
import { say } from '../shared/telemetry.ts';
import { readRequestId } from './http/read.ts';
import type { Service } from './service.ts';

/** The application roles of Curfew's app registration. A role opens a route; what comes of the call is the policy's business. */
export const appRoles = [
  'Access.Request',
  'Access.RequestForOthers',
  'Access.Approve',
  'Access.Revoke',
  'Access.Audit',
  'Access.Administer',
] as const;
export type AppRole = (typeof appRoles)[number];

/** What a caller must bring: nothing, a sound token, or a token with one of these roles. */
export type Needs = 'nothing' | 'token' | readonly AppRole[];

/** The caller, once the token is proven, has one of the roles, and has not called too often. */
export async function admit(service: Service, request: HttpRequest, needs: Needs): Promise<Caller> {
  const caller = await service.verifyToken(request.headers.get('authorization'));
  service.limitCaller(caller.principalId);
  if (typeof needs === 'string' || needs.some((role) => hasRole(caller, role))) return caller;
  throw new CurfewError('CURFEW_FORBIDDEN', {
    remedy: { kind: 'get-app-role', roles: needs },
  });
}

export function hasRole(caller: Caller, role: AppRole): boolean {
  return caller.roles.includes(role);
}

/** The person that calls, as the directory knows them at this moment. */
export async function personOf(service: Service, caller: Caller): Promise<Person> {
  if (!caller.isPerson) throw new CurfewError('CURFEW_NOT_A_PERSON');
  return principalOf(service, caller);
}

/** The person or the application that calls, as the directory knows them at this moment. */
export async function principalOf({ directory }: Service, { isPerson, principalId }: Caller): Promise<Person> {
  const found = await (isPerson ? directory.person(principalId) : directory.application(principalId));
  if (!found) throw new CurfewError('CURFEW_PRINCIPAL_UNKNOWN');
  return found;
}

export function seesEverything(caller: Caller): boolean {
  return hasRole(caller, 'Access.Administer') || hasRole(caller, 'Access.Audit');
}

/** The request that the address names. One that isn't the caller's to see is not found, as if it didn't exist. */
export async function visibleRequest(service: Service, caller: Caller, request: HttpRequest): Promise<AccessRequest> {
  const found = await service.requests.find(readRequestId(request));
  if (!found || !(seesEverything(caller) || isPartOf(found, caller))) throw new CurfewError('CURFEW_REQUEST_NOT_FOUND');
  say({ 'curfew.request_id': found.id });
  return found;
}

function isPartOf({ requester, submittedBy, asked }: AccessRequest, { principalId }: Caller): boolean {
  return [requester.principalId, submittedBy?.principalId, ...asked].includes(principalId);
}
