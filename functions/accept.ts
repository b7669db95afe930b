import { createHash } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { Json } from '../shared/domain/canonical-json.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import type { CurfewEvent } from '../shared/domain/events.ts';
import { evolve } from '../shared/domain/evolve.ts';
import { digestOf, link } from '../shared/domain/hash-chain.ts';
import { type Digest, type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import { plansFor } from '../shared/plans.ts';
import { say } from '../shared/telemetry.ts';
import type { Applied } from './apply-policy.ts';
import type { Preview } from './http/shapes.ts';
import { json, requestResponse, viewRequest } from './http/view.ts';
import { ensureStarted } from './orchestration-client.ts';
import type { Service } from './service.ts';

type Requested = Extract<CurfewEvent, { type: 'access-requested' }>;

/** What was asked for, but not yet whether the policy gives it. */
export interface Submission extends Pick<Requested, 'requester' | 'submittedBy' | 'reason' | 'ticket' | 'extends'> {
  /** As it was parsed: the same Idempotency-Key with another body is refused. */
  readonly body: object;
  readonly key: string | undefined;
  readonly isDryRun: boolean;
}

/**
 * Accepts a request: the policy is applied, its first event and projection are written, then its story is started. Whoever
 * sends it again gets what there is; a start that has come since, or another policy, makes no difference to that.
 */
export async function accept(
  service: Service,
  client: DurableClient,
  caller: Caller,
  { body, key, isDryRun, ...asked }: Submission,
  applyPolicy: () => Promise<Applied>,
): Promise<HttpResponseInit> {
  const bodyDigest = digestOf(body as Json);
  const id = key === undefined ? requestIdOf(service.entropy.bytes(16)) : requestIdOfKey(caller, key);
  const earlier = key === undefined ? undefined : await findEarlier(service, id, bodyDigest);
  if (earlier && !isDryRun) return start(service, client, earlier);
  const { terms, approvers, explanation } = await applyPolicy();
  const { clock, revocation } = service;
  const event = {
    ...asked,
    type: 'access-requested',
    at: clock.now(),
    terms,
    revocation,
    approvers,
    bodyDigest,
  } as const;
  if (isDryRun) {
    const { id: _, ...would } = viewRequest(evolve(undefined, id, event));
    const plans = asked.extends === undefined ? plansFor(service.providers, terms, asked.requester) : [];
    return json(200, { dryRun: true, plans, explanation: [...explanation], ...would } satisfies Preview);
  }
  return start(service, client, await write(service, id, event));
}

async function start(service: Service, client: DurableClient, accepted: AccessRequest): Promise<HttpResponseInit> {
  say({ 'curfew.request_id': accepted.id });
  await service.requests.save(accepted);
  try {
    await ensureStarted(service, client, accepted.id);
  } catch {
    // It is accepted all the same: what never was started is started by the timer.
    service.log('warning', 'an accepted request could not be started yet', { requestId: accepted.id });
  }
  return requestResponse(202, accepted);
}

/** Writes the first event, or finds the one that the same Idempotency-Key wrote in the same moment. */
async function write(service: Service, id: RequestId, event: Requested): Promise<AccessRequest> {
  const first = link(id, undefined, event);
  try {
    await service.events.append(first);
  } catch (error) {
    if (!(error instanceof CurfewError && error.code === 'CURFEW_STORE_CONFLICT')) throw error;
    const earlier = await findEarlier(service, id, event.bodyDigest);
    if (!earlier) throw error;
    return earlier;
  }
  return evolve(undefined, id, event);
}

/** The request for which this key was used before. With another body that is a refusal. */
async function findEarlier(service: Service, id: RequestId, bodyDigest: Digest): Promise<AccessRequest | undefined> {
  const [first] = await service.events.read(id);
  if (first?.event.type !== 'access-requested') return undefined;
  if (first.event.bodyDigest !== bodyDigest) throw new CurfewError('CURFEW_IDEMPOTENCY_MISMATCH');
  return (await service.requests.find(id)) ?? evolve(undefined, id, first.event);
}

/** The same caller's same key names the same request, whichever instance answers. */
function requestIdOfKey({ principalId }: Caller, key: string): RequestId {
  return requestIdOf(createHash('sha256').update(`${principalId}\n${key}`).digest());
}
