import { watchForTraps } from '../durable/traps.ts';
import type { DurableRuntime } from '../durable/turn.ts';
import type { Binding, RegisteredFunction } from './core-api.ts';
import { invoke, type Worker } from './invoke.ts';

export type TriggerType = 'httpTrigger' | 'timerTrigger' | 'orchestrationTrigger' | 'activityTrigger';

const triggers: ReadonlySet<string> = new Set<TriggerType>([
  'httpTrigger',
  'timerTrigger',
  'orchestrationTrigger',
  'activityTrigger',
]);
const others: ReadonlySet<string> = new Set(['durableClient', 'http']);

export interface Triggered {
  readonly fn: RegisteredFunction;
  readonly trigger: Binding;
}

/** Sorts functions by trigger, and refuses bindings that would silently do nothing here. */
export function byTrigger(functions: readonly RegisteredFunction[]): ReadonlyMap<TriggerType, readonly Triggered[]> {
  const sorted = new Map<TriggerType, Triggered[]>();
  for (const fn of functions) {
    for (const { type } of Object.values(fn.bindings)) {
      if (!triggers.has(type) && !others.has(type)) {
        throw new Error(`Function '${fn.name}' has a binding of type '${type}', which this local host does not do.`);
      }
    }
    const trigger = Object.values(fn.bindings).find(({ type }) => triggers.has(type));
    if (!trigger) throw new Error(`Function '${fn.name}' has no trigger.`);
    const type = trigger.type as TriggerType;
    sorted.set(type, [...(sorted.get(type) ?? []), { fn, trigger }]);
  }
  return sorted;
}

/** Orchestrators and activities as the app registered them. Names are matched without regard to case, as functions are. */
export function registryRuntime(worker: Worker, functions: ReturnType<typeof byTrigger>): DurableRuntime {
  const named = (type: TriggerType) =>
    new Map((functions.get(type) ?? []).map(({ fn }) => [fn.name.toLowerCase(), fn]));
  const [orchestrators, activities] = [named('orchestrationTrigger'), named('activityTrigger')];
  const find = (kind: Map<string, RegisteredFunction>, name: string) => {
    const fn = kind.get(name.toLowerCase());
    if (!fn) throw new Error(`There is no function '${name}'.`);
    return fn;
  };
  return {
    hasOrchestrator: (name) => orchestrators.has(name.toLowerCase()),
    hasActivity: (name) => activities.has(name.toLowerCase()),
    async orchestrate(name, trigger) {
      let traps: ReturnType<typeof watchForTraps> | undefined;
      const call = invoke(worker, find(orchestrators, name), { json: trigger }, (context) => {
        traps = watchForTraps(context);
      });
      const [outcome] = await Promise.allSettled([call]);
      const caught = traps?.caught();
      if (caught) throw caught;
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value.result;
    },
    async act(name, input) {
      const { result } = await invoke(worker, find(activities, name), input === null ? undefined : { json: input });
      return result;
    },
  };
}
