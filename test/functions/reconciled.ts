import type { DurableClient } from 'durable-functions';
import { expect } from 'vitest';
import { createReconciler } from '../../functions/reconcile.ts';
import { orchestratorName } from '../../orchestrations/contract.ts';
import type { RequestId, TargetId } from '../../shared/domain/ids.ts';
import type { DriftPolicy, Policy } from '../../shared/domain/policy.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { MemoryDrifts } from '../support/memory.ts';
import { policy, requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const deadline = plus(start, 8 * hour);
export const orders = 'orders' as TargetId;
const onCall = 'on-call@contoso.example';

/** A world with a reconciler, which looks when it is told to. */
export function reconciled(drift: DriftPolicy = { action: 'report', standing: [] }, world = createWorld()) {
  const drifts = new MemoryDrifts();
  const beats: Instant[] = [];
  const logged: string[] = [];
  const withDrift: Policy = {
    ...policy,
    targets: policy.targets.map((target) => ({ ...target, roles: target.roles.map((role) => ({ ...role, drift })) })),
  };
  const reconcile = createReconciler({
    ...world,
    clock: world.time.clock,
    drifts,
    log: (_, message) => logged.push(message),
    alertAddress: onCall,
    policy: () => withDrift,
    heartbeat: {
      beat: async () => void beats.push(world.time.now),
      last: async () => world.time.now,
      check: async () => {},
    },
  });
  const client = {
    async getStatus(id: string) {
      const status = world.engine.status(id);
      if (!status) throw new Error('no such instance');
      return status;
    },
    async startNew(_: string, { instanceId, input }: { instanceId: string; input: unknown }) {
      return world.engine.start(orchestratorName, instanceId, input);
    },
  } as unknown as DurableClient;
  return {
    world,
    drifts,
    beats,
    logged,
    async look() {
      await reconcile(client);
      await world.settle();
    },
    alerts: () => world.notifier.sent.filter(({ to }) => to === onCall).map(({ subject }) => subject),
    driftTypes: async () => (await drifts.read(orders)).map(({ event }) => event.type),
  };
}

export async function grantedIn(world: World, event = requested()): Promise<RequestId> {
  const id = await world.submit(event);
  await world.approve(id);
  expect(world.request(id).state).toBe('granted');
  return id;
}
