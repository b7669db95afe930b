import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type HostClock, systemClock } from './clock.ts';
import type { Counters, InstanceCounters } from './durable/counters.ts';
import { Engine } from './durable/engine.ts';
import { DurableHttpApi } from './durable/http-api.ts';
import { type StepPreset, type StepTimes, stepTimes } from './durable/steps.ts';
import { type FireTime, fireTimeOf, seededRandom } from './durable/timers.ts';
import { readHostJson } from './host-json.ts';
import { createSite } from './http/server.ts';
import { type Log, silent } from './log.ts';
import { startTimers, type Timers } from './timer-triggers.ts';
import { importApp } from './worker/core-api.ts';
import type { Worker } from './worker/invoke.ts';
import { byTrigger, registryRuntime } from './worker/registry.ts';

export { type HostClock, systemClock } from './clock.ts';
export type { Counters, InstanceCounters } from './durable/counters.ts';
export { type StepPreset, type StepTimes, stepTimes } from './durable/steps.ts';
export type { Log, LogEntry, LogLevel } from './log.ts';

export interface FunctionsHostOptions {
  /** The module that registers the functions. A process imports it once, however many hosts it starts. */
  readonly app: URL;
  /** 0 takes any free one. Only 127.0.0.1 is bound. */
  readonly port: number;
  /** An SQLite file, or `:memory:`. */
  readonly statePath: string;
  readonly clock?: HostClock;
  /** `azure-storage` makes durable timers as early and as late as they were measured there. */
  readonly timers?: 'exact' | 'azure-storage' | FireTime;
  /**
   * How long work waits in the hub: a preset, or times of one's own. `none`, which costs nothing, if left out. Limits on activities and turns
   * at once come from host.json where these times have none.
   */
  readonly steps?: StepPreset | StepTimes;
  /** Numbers in [0, 1) for the lateness of timers and for those waits; the same in each run if left out. */
  readonly random?: () => number;
  /** Milliseconds after which a running activity counts as failed. host.json's `functionTimeout` if left out. */
  readonly functionTimeout?: number;
  /**
   * Milliseconds from its start until an activity that was under way when the host ended starts again. The storage provider's
   * `workItemQueueVisibilityTimeout` in host.json if left out, or 0: at once.
   */
  readonly redeliverAfter?: number;
  /** Every turn replays; asking for the shortcut of keeping generators alive is refused. */
  readonly keepGenerators?: boolean;
  readonly log?: Log;
}

export interface FunctionsHost {
  /** Without a slash at its end. */
  readonly url: string;
  /** Live totals since the host was started. */
  readonly counters: Readonly<Counters>;
  /** Counts what is in an instance's history, ended instances included; undefined for an unknown one. */
  measure(instanceId: string): InstanceCounters | undefined;
  /** Runs a timer function now, as `POST /admin/functions/{name}` does. */
  runTimer(name: string): Promise<void>;
  /** Stops taking requests and turns. What was acknowledged is on disk, what was under way starts again next time. */
  close(): Promise<void>;
}

export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const { clock = systemClock, log = silent, timers = 'exact', steps = 'none', random = seededRandom(1) } = options;
  if (options.keepGenerators) throw new Error('This local host always replays: it keeps no generators.');
  const app = await importApp(options.app, (level, category, message) => log({ level, category, message }));
  const functions = byTrigger(app.functions);
  const settings = readHostJson(options.app);
  const running: { engine?: Engine } = {};
  // The port is needed before the engine: activities that start again at once may call the durable client.
  const ready = Promise.withResolvers<void>();
  const engine = () => {
    if (!running.engine) throw new Error('The host has not started yet.');
    return running.engine;
  };
  const durable = new DurableHttpApi(engine, () => url, log);
  const worker: Worker = { app, appHookData: {}, log, durableClient: () => durable.binding() };
  const server = createSite({
    worker,
    functions: functions.get('httpTrigger') ?? [],
    routePrefix: settings.routePrefix,
    internal: async (request, response, path) => {
      await ready.promise;
      return durable.handle(request, response, path);
    },
    log,
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  // Without it the SDK believes in Core Tools and rewrites every link to their default port.
  process.env.WEBSITE_HOSTNAME ??= `127.0.0.1:${port}`;

  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  let timerFunctions: Timers;
  try {
    await app.runHooks('appStart', { hookData: worker.appHookData });
    const runtime = registryRuntime(worker, functions);
    running.engine = new Engine({
      statePath: options.statePath,
      clock,
      fireTime: fireTimeOf(timers, random),
      log,
      runtime,
      version: settings.version,
      steps: steps === 'none' ? {} : { ...settings.limits, ...stepTimes(steps) },
      random,
      functionTimeout: options.functionTimeout ?? settings.functionTimeout,
      redeliverAfter: options.redeliverAfter ?? settings.redeliverAfter,
    });
    ready.resolve();
    timerFunctions = startTimers(worker, functions.get('timerTrigger') ?? [], clock);
  } catch (error) {
    running.engine?.close();
    await stop();
    throw error;
  }
  return {
    url,
    counters: engine().counters,
    measure: (instanceId) => engine().measure(instanceId),
    runTimer: (name) => timerFunctions.run(name),
    async close() {
      timerFunctions.stop();
      await stop();
      await app.runHooks('appTerminate', { hookData: worker.appHookData });
      engine().close();
    },
  };
}
