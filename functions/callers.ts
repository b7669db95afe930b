import type { HttpRequest } from '@azure/functions';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { Person } from '../shared/domain/policy.ts';
import { readRequestId } from './http/read.ts';
import type { Service } from './service.ts';

const administrator = 'Access.Administer';
const auditor = 'Access.Audit';

/** The caller, once the token is proven. Every route but health and the approval link begins with this. */
export function callerOf(service: Service, request: HttpRequest): Promise<Caller> {
  return service.verifyToken(request.headers.get('authorization'));
}

/** The person that calls, as the directory knows them at this moment. */
export async function personOf(service: Service, caller: Caller): Promise<Person> {
  if (!caller.isPerson) throw new CurfewError('CURFEW_NOT_A_PERSON');
  const person = await service.directory.person(caller.principalId);
  if (!person) throw new CurfewError('CURFEW_PRINCIPAL_UNKNOWN');
  return person;
}

export function isAdministrator(caller: Caller): boolean {
  return caller.roles.includes(administrator);
}

export function seesEverything(caller: Caller): boolean {
  return isAdministrator(caller) || caller.roles.includes(auditor);
}

/** The request that the address names. One that isn't the caller's to see is not found, as if it didn't exist. */
export async function visibleRequest(service: Service, caller: Caller, request: HttpRequest): Promise<AccessRequest> {
  const found = await service.requests.find(readRequestId(request));
  const isVisible =
    found &&
    (seesEverything(caller) ||
      [found.requester, ...found.approvers].some(({ principalId }) => principalId === caller.principalId));
  if (!isVisible) throw new CurfewError('CURFEW_REQUEST_NOT_FOUND');
  return found;
}
