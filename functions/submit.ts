import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type AccessRequest, evolve } from '../shared/domain/access-request.ts';
import type { Json } from '../shared/domain/canonical-json.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { digestOf, link } from '../shared/domain/hash-chain.ts';
import { type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import { evaluatePolicy, type Person, reasonLength, requesterGroups, type Terms } from '../shared/domain/policy.ts';
import { type Instant, instantOf, parseDuration } from '../shared/domain/time.ts';
import { peopleIn } from '../shared/eligibility.ts';
import { callerOf, personOf } from './callers.ts';
import { parse, readJson, safeText } from './http/read.ts';
import { json, requestResponse, viewRequest } from './http/view.ts';
import { ensureStarted } from './orchestration-client.ts';
import type { Handler, Service } from './service.ts';

const duration = z
  .string()
  .max(40)
  .transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
    const message = 'Give a duration of at least a second, such as 2h, 90m or PT8H.';
    context.addIssue({ code: 'custom', params: { code: 'CURFEW_DURATION_INVALID' }, message });
    return z.NEVER;
  });

const bodyShape = z.strictObject({
  target: safeText(100),
  role: safeText(100),
  reason: safeText(reasonLength).default(''),
  duration: duration.optional(),
  startsAt: z.iso
    .datetime({ offset: true })
    .transform((text): Instant => instantOf(Date.parse(text)))
    .optional(),
});

const queryShape = z.strictObject({ dryRun: z.enum(['true', 'false']).optional() });
const keyShape = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'An Idempotency-Key is 1 to 255 visible ASCII characters.');

/** Asks for access. The policy is applied, the request's first event and projection written, then its story started. */
export const submit: Handler = async (service, request, client) => {
  const caller = await callerOf(service, request);
  const { dryRun } = parse(queryShape, Object.fromEntries(request.query), 'CURFEW_PARAMETER_INVALID');
  const key = parse(
    keyShape.optional(),
    request.headers.get('idempotency-key') ?? undefined,
    'CURFEW_PARAMETER_INVALID',
  );
  const body = await readJson(request, bodyShape);
  const requester = await personOf(service, caller);
  const { terms, approvers } = await applyPolicy(service, requester, body);
  const id = key === undefined ? requestIdOf(service.entropy.bytes(16)) : requestIdOfKey(requester, key);
  const event = {
    type: 'access-requested',
    at: service.clock.now(),
    requester,
    reason: body.reason,
    terms,
    approvers,
    bodyDigest: digestOf(body as Json),
  } as const;
  const first = link(id, undefined, event);
  if (dryRun === 'true') {
    const { id: _, ...would } = viewRequest(evolve(undefined, id, event));
    return json(200, { dryRun: true, plans: plansFor(service, terms, requester), ...would });
  }
  const accepted = await accept(service, first);
  try {
    await ensureStarted(service, client, id);
  } catch {
    // It is accepted all the same: what never was started is started by the timer.
    service.log('warning', 'an accepted request could not be started yet', { requestId: id });
  }
  return requestResponse(202, accepted);
};

async function applyPolicy(
  service: Service,
  requester: Person,
  body: z.output<typeof bodyShape>,
): Promise<{ terms: Terms; approvers: Person[] }> {
  const policy = service.policy();
  const groups = await service.directory.memberGroups(requester.principalId, requesterGroups(policy));
  const evaluation = evaluatePolicy(policy, { requester, groups, ...body }, service.clock.now());
  if ('refusal' in evaluation) throw new CurfewError(evaluation.refusal.code, evaluation.refusal);
  const { terms } = evaluation;
  const everybody = await peopleIn(service.directory, terms.approvers);
  const approvers = everybody.filter(({ principalId }) => principalId !== requester.principalId);
  if (approvers.length === 0) throw new CurfewError('CURFEW_NO_APPROVER');
  return { terms, approvers };
}

/** Writes the first event, or finds it written by an earlier try with the same Idempotency-Key and the same body. */
async function accept(service: Service, first: RecordedEvent): Promise<AccessRequest> {
  try {
    await service.events.append(first);
  } catch (error) {
    if (!(error instanceof CurfewError && error.code === 'CURFEW_STORE_CONFLICT')) throw error;
    const [present] = await service.events.read(first.requestId);
    if (bodyDigestOf(present) !== bodyDigestOf(first)) throw new CurfewError('CURFEW_IDEMPOTENCY_MISMATCH');
    const found = await service.requests.find(first.requestId);
    if (found) return found;
    if (present) return save(service, present);
  }
  return save(service, first);
}

async function save(service: Service, first: RecordedEvent): Promise<AccessRequest> {
  const request = evolve(undefined, first.requestId, first.event);
  await service.requests.save(request);
  return request;
}

function bodyDigestOf(first: RecordedEvent | undefined) {
  return first?.event.type === 'access-requested' ? first.event.bodyDigest : undefined;
}

/** The same person's same key names the same request, whichever instance answers. */
function requestIdOfKey({ principalId }: Person, key: string): RequestId {
  return requestIdOf(createHash('sha256').update(`${principalId}\n${key}`).digest());
}

export function plansFor(service: Pick<Service, 'providers'>, terms: Terms, requester: Person): string[] {
  return terms.entitlements.map((entitlement) => service.providers[entitlement.kind].plan(entitlement, requester));
}
