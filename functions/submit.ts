import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { type Person, reasonLength, ticketLength } from '../shared/domain/policy.ts';
import { instantOf } from '../shared/domain/time.ts';
import { accept } from './accept.ts';
import { applyPolicy } from './apply-policy.ts';
import { hasRole, principalOf } from './callers.ts';
import { duration, parse, readJson, safeText } from './http/read.ts';
import type { Handler, Service } from './service.ts';

export const submitBody = z.strictObject({
  target: safeText(100).describe('As `GET /targets` lists it.'),
  role: safeText(100).describe('One of that target’s.'),
  reason: safeText(reasonLength).default('').describe('What the access is for. People decide by it.'),
  ticket: safeText(ticketLength).optional(),
  duration: duration().optional().describe('The role’s default where it is left out.'),
  startsAt: z.iso
    .datetime({ offset: true })
    .meta({
      description: 'With a zone. Access starts at its approval where it is left out.',
      examples: ['2026-11-21T10:00:00+01:00'],
    })
    .transform((text) => instantOf(Date.parse(text)))
    .optional(),
  breakGlass: z
    .boolean()
    .optional()
    .describe('At once and without approval, for those whom the policy names; reviewed afterwards.'),
  for: safeText(200).optional().describe('For whom an application asks: a user principal name or an object id.'),
});

export const submitQuery = z.strictObject({
  dryRun: z.enum(['true', 'false']).optional().describe('Whether to say what would be done, and do nothing.'),
});
export const keyShape = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'An Idempotency-Key is 1 to 255 visible ASCII characters.');

/** Whether only a preview is wanted, and the key by which a repeated call is known. */
export function readSubmission(request: HttpRequest): { isDryRun: boolean; key: string | undefined } {
  const { dryRun } = parse(submitQuery, Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
  const key = request.headers.get('idempotency-key') ?? undefined;
  return { isDryRun: dryRun === 'true', key: parse(keyShape.optional(), key, 'CURFEW_PARAMETER_INVALID') };
}

/** Asks for access: for the caller, or by an application for the person that it names. */
export const submit: Handler = async (service, request, client, caller) => {
  const how = readSubmission(request);
  const body = await readJson(request, submitBody);
  const { for: person, reason, ticket, ...asked } = body;
  const { requester, submittedBy } = await partiesOf(service, caller, person, asked.breakGlass);
  return accept(service, client, caller, { ...how, body, requester, submittedBy, reason, ticket }, () =>
    applyPolicy(service, caller, requester, { ...asked, reason, ticket }),
  );
};

async function partiesOf(
  service: Service,
  caller: Caller,
  person: string | undefined,
  breakGlass: boolean | undefined,
): Promise<{ requester: Person; submittedBy?: Person }> {
  if (person === undefined) {
    if (!hasRole(caller, 'Access.Request')) {
      throw new CurfewError('CURFEW_FORBIDDEN', { path: '/for', remedy: { kind: 'name-requester' } });
    }
    return { requester: breakGlass ? await emergencyPerson(service, caller) : await principalOf(service, caller) };
  }
  if (caller.isPerson || !hasRole(caller, 'Access.RequestForOthers')) {
    throw new CurfewError('CURFEW_FORBIDDEN', {
      path: '/for',
      remedy: { kind: 'leave-out-requester' },
    });
  }
  // Somebody else's token is no reason to break a glass.
  if (breakGlass) throw new CurfewError('CURFEW_BREAK_GLASS_REFUSED', { path: '/for' });
  const [requester, submittedBy] = await Promise.all([service.directory.person(person), principalOf(service, caller)]);
  if (!requester) throw new CurfewError('CURFEW_PRINCIPAL_UNKNOWN', { path: '/for' });
  return { requester, submittedBy };
}

/** Known by their token and the policy alone where the directory is down. */
async function emergencyPerson(service: Service, caller: Caller): Promise<Person> {
  const roles = service.policy().targets.flatMap((target) => target.roles);
  const named = roles
    .flatMap(({ breakGlass }) => breakGlass?.people ?? [])
    .find(({ principalId }) => caller.isPerson && principalId === caller.principalId);
  return principalOf(service, caller).catch((error: unknown) => {
    const isDown = error instanceof CurfewError && error.code === 'CURFEW_DIRECTORY_UNAVAILABLE';
    if (named && isDown) return named;
    throw error;
  });
}
