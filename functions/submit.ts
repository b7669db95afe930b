import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import { z } from 'zod';
import { type AccessRequest, evolve } from '../shared/domain/access-request.ts';
import type { Json } from '../shared/domain/canonical-json.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { digestOf, link } from '../shared/domain/hash-chain.ts';
import { type Digest, type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import { evaluatePolicy, type Person, reasonLength, requesterGroups, type Terms } from '../shared/domain/policy.ts';
import { type Instant, instantOf, parseDuration } from '../shared/domain/time.ts';
import { peopleIn } from '../shared/eligibility.ts';
import { plansFor } from '../shared/plans.ts';
import { callerOf, personOf } from './callers.ts';
import { parse, readJson, safeText } from './http/read.ts';
import { json, requestResponse, viewRequest } from './http/view.ts';
import { ensureStarted } from './orchestration-client.ts';
import type { Handler, Service } from './service.ts';

const duration = z.string().transform((text, context) => {
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
  const bodyDigest = digestOf(body as Json);
  const id = key === undefined ? requestIdOf(service.entropy.bytes(16)) : requestIdOfKey(requester, key);
  // Whoever sends it again gets what there is. A start that has come since, or another policy, makes no difference to that.
  const earlier = key === undefined ? undefined : await findEarlier(service, id, bodyDigest);
  if (earlier && dryRun !== 'true') return start(service, client, earlier);
  const { terms, approvers } = await applyPolicy(service, requester, body);
  const at = service.clock.now();
  const { reason } = body;
  const event = { type: 'access-requested', at, requester, reason, terms, approvers, bodyDigest } as const;
  if (dryRun === 'true') {
    const { id: _, ...would } = viewRequest(evolve(undefined, id, event));
    return json(200, { dryRun: true, plans: plansFor(service.providers, terms, requester), ...would });
  }
  return start(service, client, await accept(service, link(id, undefined, event), bodyDigest));
};

async function start(service: Service, client: DurableClient, accepted: AccessRequest): Promise<HttpResponseInit> {
  await service.requests.save(accepted);
  try {
    await ensureStarted(service, client, accepted.id);
  } catch {
    // It is accepted all the same: what never was started is started by the timer.
    service.log('warning', 'an accepted request could not be started yet', { requestId: accepted.id });
  }
  return requestResponse(202, accepted);
}

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

/** Writes the first event, or finds the one that the same Idempotency-Key wrote in the same moment. */
async function accept(service: Service, first: RecordedEvent, bodyDigest: Digest): Promise<AccessRequest> {
  try {
    await service.events.append(first);
  } catch (error) {
    if (!(error instanceof CurfewError && error.code === 'CURFEW_STORE_CONFLICT')) throw error;
    const earlier = await findEarlier(service, first.requestId, bodyDigest);
    if (!earlier) throw error;
    return earlier;
  }
  return evolve(undefined, first.requestId, first.event);
}

/** The request for which this key was used before. With another body that is a refusal. */
async function findEarlier(service: Service, id: RequestId, bodyDigest: Digest): Promise<AccessRequest | undefined> {
  const [first] = await service.events.read(id);
  if (first?.event.type !== 'access-requested') return undefined;
  if (first.event.bodyDigest !== bodyDigest) throw new CurfewError('CURFEW_IDEMPOTENCY_MISMATCH');
  return (await service.requests.find(id)) ?? evolve(undefined, id, first.event);
}

/** The same person's same key names the same request, whichever instance answers. */
function requestIdOfKey({ principalId }: Person, key: string): RequestId {
  return requestIdOf(createHash('sha256').update(`${principalId}\n${key}`).digest());
}
