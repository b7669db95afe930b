import type { DurableClient } from 'durable-functions';
import { Attempt } from '../orchestrations/activities/attempt.ts';
import { cleanUp } from '../orchestrations/activities/clean-up.ts';
import { orchestratorName } from '../orchestrations/contract.ts';
import { inputFrom } from '../orchestrations/lifecycle/resume.ts';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { DriftEvent } from '../shared/domain/drift.ts';
import { CurfewError, type ErrorCode } from '../shared/domain/errors.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { link } from '../shared/domain/hash-chain.ts';
import { holdKey } from '../shared/domain/holds.ts';
import { driftIdOf, type RequestId } from '../shared/domain/ids.ts';
import type { Entitlement } from '../shared/domain/policy.ts';
import type { Finding } from '../shared/domain/reconcile.ts';
import { isEnded, isUnfinished } from '../shared/domain/states.ts';
import { type Instant, plus } from '../shared/domain/time.ts';
import { count } from '../shared/metrics.ts';
import { describeDrift, describeSeen, driftHeading } from '../shared/pages/reconciler-words.ts';
import { providerOf } from '../shared/providers/provider.ts';
import { type Looking, look, type Seen } from '../shared/reconciler.ts';
import { traceparent } from '../shared/telemetry.ts';
import { withTimeout } from '../shared/with-timeout.ts';
import { createAlerts } from './alerts.ts';
import { lifeOf } from './orchestration-client.ts';
import type { Service } from './service.ts';

/** What it needs of the service, and of the durable client. */
export type Reconciling = Looking &
  Pick<Service, 'log' | 'events' | 'actor' | 'attempts' | 'registry' | 'notifier' | 'alertAddress' | 'heartbeat'>;
export type Instances = Pick<DurableClient, 'getStatus' | 'startNew'>;

interface Taking {
  /** What is known to have been granted, where that is more than the request says. */
  readonly granted?: AccessRequest['granted'];
  /** No story goes on that would clear up. */
  readonly isAbandoned?: boolean;
}

type Found<Kind extends Finding['kind']> = Extract<Finding, { kind: Kind }>;

/** How many findings are seen to at once, and how long one may take. Milliseconds. */
const atOnce = 16;
const patience = 20_000;
/** Which system is to blame where one takes longer. Calls to the store end by themselves before. */
const timeoutCodes: { readonly [Kind in Seen['kind']]: ErrorCode } = {
  'still-held': 'CURFEW_TARGET_UNAVAILABLE',
  'left-over': 'CURFEW_TARGET_UNAVAILABLE',
  lifeless: 'CURFEW_HUB_BUSY',
  drift: 'CURFEW_TARGET_UNAVAILABLE',
  'drift-gone': 'CURFEW_STORE_UNAVAILABLE',
  unseen: 'CURFEW_INTERNAL',
};
/** How long it may take to end an access, before somebody is told that it can't be. Milliseconds. */
const endingPatience = 15_000;
/** A story that ends badly whenever it is begun again is begun less and less often. Milliseconds. */
const adoptionPause = 60_000;
const longestAdoptionPause = 3_600_000;

/**
 * Looks at everything and sees to what it finds. It relies on no orchestration and no timer of theirs, and writes into no
 * request's story: what it takes away, the story finds gone.
 */
export function createReconciler(service: Reconciling): (client: Instances) => Promise<void> {
  const alerts = createAlerts(service);
  const adoptions = new Map<RequestId, { readonly times: number; readonly next: Instant }>();

  const act = async (client: Instances, seen: Seen): Promise<boolean> => {
    switch (seen.kind) {
      case 'still-held':
      case 'left-over':
        await end(seen);
        return true;
      case 'lifeless':
        await adopt(client, seen.request);
        return true;
      case 'drift':
        await drift(seen);
        return true;
      case 'drift-gone':
        await writeDrift(seen, { type: 'drift-gone', at: service.clock.now() });
        return true;
      default:
        service.log('error', 'the reconciler could not look', { what: seen.what, failure: seen.code });
        return false;
    }
  };

  /** Takes away what stands past its end. Whether it stood shows in the evidence. */
  const end = async (found: Found<'still-held' | 'left-over'>): Promise<void> => {
    const { request, entitlements } = found;
    try {
      const taking = take(request, entitlements, found.kind === 'still-held' ? { granted: asSeen(found) } : {});
      const giveUp = plus(service.clock.now(), endingPatience);
      const isTaken = await withTimeout(service.clock, giveUp, taking, 'CURFEW_TARGET_UNAVAILABLE');
      if (isTaken) {
        alerts.raise(`ended ${request.id}`, 'Access stood past its end, and was ended now', describeSeen(found));
      }
    } catch (error) {
      alerts.raise(`stands ${request.id}`, 'Access stands past its end, and can’t be ended', describeSeen(found));
      throw error;
    }
  };

  const take = async (
    request: AccessRequest,
    entitlements: readonly Entitlement[],
    { granted = request.granted, isAbandoned = isEnded(request) }: Taking = {},
  ): Promise<boolean> => {
    const part = { ...request, terms: { ...request.terms, entitlements } };
    const now = service.clock.now();
    const attempt = new Attempt(service, plus(now, endingPatience));
    const evidence = await attempt.revokeAll({ ...part, granted }, now);
    // While a lifecycle goes on, it cleans up itself. What has to wait is found again.
    const done = service.attempts.isUnderWay(request.id) ? undefined : service.actor;
    if (isAbandoned) await cleanUp(service, part, { done });
    return evidence.some(({ outcome }) => outcome === 'revoked');
  };

  /** Begins the story again where its events end. */
  const adopt = async (client: Instances, found: AccessRequest): Promise<void> => {
    const { id } = found;
    // Read after the instance was asked about: what has ended meanwhile says so here.
    const listed = await service.requests.find(id);
    const request = listed ?? found;
    if (!isUnfinished(request)) return;
    const now = service.clock.now();
    const events = await service.events.read(id);
    const input = readable(() => inputFrom(id, events, request.version));
    if (!input) return distrust(request, events);
    const { times, next } = adoptions.get(id) ?? { times: 0, next: now };
    if (next > now) return;
    adoptions.set(id, {
      times: times + 1,
      next: plus(now, Math.min(longestAdoptionPause, adoptionPause * 2 ** times)),
    });
    if (!listed) await service.requests.save(request);
    await client.startNew(orchestratorName, { instanceId: id, input: { ...input, trace: traceparent() } });
    service.log('warning', 'a request had no living orchestration, and has one again', { requestId: id, times });
  };

  /**
   * Events that were tampered with must neither be gone on from nor say how long an access lasts. What the request may hold
   * is taken away at once, again and again until somebody has seen to it.
   */
  const distrust = async (request: AccessRequest, events: readonly RecordedEvent[]): Promise<void> => {
    const sentence = `${request.id} has no orchestration, and can’t be given one: its chain of events is broken.`;
    alerts.raise(`broken ${request.id}`, 'A request’s events are not what they were', sentence);
    const isIntended = request.deadline !== undefined || events.some(({ event }) => event.type === 'grant-intended');
    if (isIntended) await take(request, request.terms.entitlements, { isAbandoned: true });
  };

  const drift = async (found: Found<'drift'>): Promise<void> => {
    const { action, isNew, entitlement, holder } = found;
    if (isNew) {
      await writeDrift(found, { type: 'drift-found', at: service.clock.now(), action });
      count('curfew.drift', { target: found.target, action });
      alerts.raise(undefined, driftHeading, describeDrift(found).join(' '));
    }
    if (action !== 'remove' || holder.principalId === '') return;
    // Whoever is being granted it at this moment keeps it until their deadline.
    const isHeld = await service.holds.change(holdKey(entitlement, holder.principalId), (document) => ({
      document,
      answer: document !== undefined,
    }));
    if (isHeld) return;
    const provider = providerOf(service.providers, entitlement);
    const principal = { principalId: holder.principalId, userPrincipalName: holder.name };
    const { outcome, droppedAt } = await provider.revoke(entitlement, principal, service.clock.now());
    const sessionsEnded = await provider.endSessions(entitlement, principal);
    if (await provider.isHeld(entitlement, principal)) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
    const at = service.clock.now();
    const drop = outcome === 'revoked' ? { outcome, droppedAt } : { outcome };
    await writeDrift(found, { type: 'drift-removed', at, evidence: { ...drop, sessionsEnded, verifiedAt: at } });
  };

  const writeDrift = async (
    { target, entitlement, holder }: Found<'drift' | 'drift-gone'>,
    what: DistributiveOmit<DriftEvent, 'entitlement' | 'holder'>,
  ): Promise<void> => {
    const chain = await service.drifts.read(target);
    await service.drifts.append(link(driftIdOf(target), chain.at(-1), { ...what, entitlement, holder } as DriftEvent));
  };

  return async (client) => {
    let isComplete = true;
    const underWay = new Set<Promise<void>>();
    const see = async (seen: Seen) => {
      try {
        const end = plus(service.clock.now(), patience);
        const isDone = await withTimeout(service.clock, end, act(client, seen), timeoutCodes[seen.kind]);
        if (!isDone) isComplete = false;
      } catch (error) {
        isComplete = false;
        const failure = error instanceof CurfewError ? error.code : 'CURFEW_INTERNAL';
        service.log('error', 'the reconciler could not see to what it found', { finding: describeSeen(seen), failure });
      }
    };
    for await (const seen of look(service, (id) => lifeOf(client, id))) {
      const work = see(seen).finally(() => underWay.delete(work));
      underWay.add(work);
      // Drift is written down one after the other: each event is bound to the one before.
      if (seen.kind.startsWith('drift')) await work;
      else if (underWay.size >= atOnce) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    await alerts.send();
    if (!isComplete) return;
    await service.heartbeat.beat().catch(() => service.log('error', 'the reconciler’s success could not be written'));
  };
}

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

/** Of what is seen to be held it makes no difference that nobody wrote down its grant: it may have come late. */
function asSeen({ request: { granted, changedAt: at }, entitlements }: Found<'still-held'>): AccessRequest['granted'] {
  const evidence = entitlements.map((entitlement) => ({ entitlement, outcome: 'granted', verifiedAt: at }) as const);
  return granted ?? { at, evidence };
}

/** What is not the form of an event makes no story either. */
function readable<Answer>(read: () => Answer): Answer | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
