import { createRequire } from 'node:module';
import { InvocationContext } from '@azure/functions';
import type { OrchestrationHandler } from 'durable-functions';
import type { Log, LogLevel } from '../log.ts';
import { watchForTraps } from './traps.ts';
import type { DurableRuntime } from './turn.ts';

type Listener = (trigger: unknown, context: InvocationContext) => Promise<unknown>;

/** The SDK exports its orchestrator only by way of `app.orchestration`, which needs a Functions host around it. */
const { Orchestrator } = createRequire(import.meta.url)('durable-functions/lib/src/orchestrations/Orchestrator.js') as {
  Orchestrator: new (handler: OrchestrationHandler) => { listen(): Listener };
};

export type ActivityHandlers = Readonly<Record<string, (input: unknown) => unknown>>;

/** Drives the SDK's orchestrator code directly, without the registry and the bindings of a Functions host. */
export function sdkRuntime(
  orchestrators: Readonly<Record<string, OrchestrationHandler>>,
  activities: ActivityHandlers,
  log: Log,
): DurableRuntime {
  const listeners = new Map(
    Object.entries(orchestrators).map(([name, handler]) => [name, new Orchestrator(handler).listen()]),
  );
  const handlers = new Map(Object.entries(activities));
  return {
    hasOrchestrator: (name) => listeners.has(name),
    hasActivity: (name) => handlers.has(name),
    async orchestrate(name, trigger) {
      const context = new InvocationContext({
        functionName: name,
        logHandler: (level: LogLevel, ...args: unknown[]) => log({ level, category: name, message: args.join(' ') }),
      });
      const traps = watchForTraps(context);
      try {
        return await listeners.get(name)?.(JSON.parse(trigger), context);
      } finally {
        const caught = traps.caught();
        // biome-ignore lint/correctness/noUnsafeFinally: the orchestrator may have swallowed it.
        if (caught) throw caught;
      }
    },
    async act(name, input) {
      return handlers.get(name)?.(input === null ? undefined : JSON.parse(input));
    },
  };
}
