import type { OrchestrationHandler } from 'durable-functions';
import type { HostClock } from '../clock.ts';
import { type Log, silent } from '../log.ts';
import { Engine } from './engine.ts';
import { type ActivityHandlers, sdkRuntime } from './sdk-runtime.ts';
import { type InstanceStatus, statusOf } from './status.ts';
import { type FireTime, fireTimeOf, seededRandom } from './timers.ts';
import type { DurableRuntime } from './turn.ts';

export { DurableError, type DurableErrorCode, Refusal } from './errors.ts';
export type { InstanceStatus } from './status.ts';

export interface DurableEngineOptions {
  /** An SQLite file, or `:memory:`. */
  readonly statePath: string;
  readonly clock: HostClock;
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  readonly activities: ActivityHandlers;
  /** `azure-storage` makes timers as early and as late as they were measured there. */
  readonly timers?: 'exact' | 'azure-storage' | FireTime;
  /** Numbers in [0, 1) for that lateness. */
  readonly random?: () => number;
  readonly log?: Log;
  /** `defaultVersion` of host.json. */
  readonly version?: string | undefined;
  /** Sees each turn: the trigger as JSON, and what the orchestrator answered. */
  readonly onTurn?: ((trigger: string, answer: unknown) => void) | undefined;
}

/** Client calls settle once what they promise is on disk; they reject with a `DurableError`. */
export interface DurableEngine {
  /** Resolves to the instance's id; without one a random id is made. */
  start(name: string, instanceId?: string, input?: unknown): Promise<string>;
  raiseEvent(instanceId: string, name: string, data: unknown): Promise<void>;
  status(instanceId: string): InstanceStatus | undefined;
  terminate(instanceId: string, reason: string): Promise<void>;
  suspend(instanceId: string, reason: string): Promise<void>;
  resume(instanceId: string, reason: string): Promise<void>;
  /** Returns whether there was such an instance. Takes a running one as well. */
  purge(instanceId: string): Promise<boolean>;
  /** Resolves when nothing can run except by the clock moving or an activity that is under way. */
  idle(): Promise<void>;
  close(): void;
}

/** The durable engine by itself: no HTTP, no function registry, any clock. */
export function createDurableEngine(options: DurableEngineOptions): DurableEngine {
  const {
    statePath,
    clock,
    orchestrators,
    activities,
    timers = 'exact',
    random = seededRandom(1),
    log = silent,
    version,
    onTurn,
  } = options;
  const runtime = sdkRuntime(orchestrators, activities, log);
  const engine = new Engine({
    statePath,
    clock,
    fireTime: fireTimeOf(timers, random),
    log,
    runtime: onTurn ? watched(runtime, onTurn) : runtime,
    version,
  });
  return {
    start: (name, instanceId, input) => engine.start(name, instanceId, encodeInput(input)),
    raiseEvent: (instanceId, name, data) => engine.raise(instanceId, name, JSON.stringify(data ?? null)),
    status: (instanceId) => {
      const row = engine.row(instanceId);
      return row && statusOf(row);
    },
    terminate: (instanceId, reason) => engine.terminate(instanceId, reason),
    suspend: (instanceId, reason) => engine.suspend(instanceId, reason),
    resume: (instanceId, reason) => engine.resume(instanceId, reason),
    purge: async (instanceId) => (await engine.purge([instanceId])) > 0,
    idle: () => engine.idle(),
    close: () => engine.close(),
  };
}

/** An input that was left out arrives as an empty string: the client posts an empty body. */
function encodeInput(input: unknown): string | null {
  if (input === undefined) return '""';
  return input === null ? null : JSON.stringify(input);
}

function watched(runtime: DurableRuntime, onTurn: (trigger: string, answer: unknown) => void): DurableRuntime {
  return {
    ...runtime,
    async orchestrate(name, trigger) {
      const answer = await runtime.orchestrate(name, trigger);
      onTurn(trigger, answer);
      return answer;
    },
  };
}
