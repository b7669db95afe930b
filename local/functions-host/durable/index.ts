import type { OrchestrationHandler } from 'durable-functions';
import type { HostClock } from '../clock.ts';
import { type Log, silent } from '../log.ts';
import type { Counters, InstanceCounters } from './counters.ts';
import { Engine } from './engine.ts';
import { type ActivityHandlers, sdkRuntime } from './sdk-runtime.ts';
import { type InstanceStatus, statusOf } from './status.ts';
import { type StepPreset, type StepTimes, stepTimes } from './steps.ts';
import { type FireTime, fireTimeOf, seededRandom } from './timers.ts';
import type { DurableRuntime } from './turn.ts';

export type { Counters, InstanceCounters } from './counters.ts';
export { DurableError, type DurableErrorCode, Refusal } from './errors.ts';
export type { InstanceStatus } from './status.ts';
export { type Draw, type StepPreset, type StepTimes, type StorageTimes, stepTimes } from './steps.ts';

export interface DurableEngineOptions {
  /** An SQLite file, or `:memory:`. */
  readonly statePath: string;
  readonly clock: HostClock;
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  readonly activities: ActivityHandlers;
  /** `azure-storage` makes timers as early and as late as they were measured there. */
  readonly timers?: 'exact' | 'azure-storage' | FireTime;
  /** How long work waits in the hub: a preset, or times of one's own. `none`, which costs nothing, if left out. */
  readonly steps?: StepPreset | StepTimes;
  /** Numbers in [0, 1) for the lateness of timers and for those waits; the same in each run if left out. */
  readonly random?: () => number;
  /** Milliseconds after which a running activity counts as failed; never if left out. */
  readonly functionTimeout?: number | undefined;
  /** Milliseconds from its start until an activity of an engine that was closed starts again. 0, at once, if left out. */
  readonly redeliverAfter?: number | undefined;
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
  /** Live totals since the engine was created. */
  readonly counters: Readonly<Counters>;
  /** Counts what is in an instance's history, ended instances included; undefined for an unknown one. */
  measure(instanceId: string): InstanceCounters | undefined;
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
    steps = 'none',
    random = seededRandom(1),
    log = silent,
    version,
    functionTimeout,
    redeliverAfter,
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
    steps: stepTimes(steps),
    random,
    functionTimeout,
    redeliverAfter,
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
    counters: engine.counters,
    measure: (instanceId) => engine.measure(instanceId),
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
