import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { type HostClock, systemClock } from './clock.ts';
import { Engine } from './durable/engine.ts';
import { DurableHttpApi } from './durable/http-api.ts';
import { type FireTime, fireTimeOf, seededRandom } from './durable/timers.ts';
import { createSite } from './http/server.ts';
import { type Log, silent } from './log.ts';
import { startTimers, type Timers } from './timer-triggers.ts';
import { importApp } from './worker/core-api.ts';
import type { Worker } from './worker/invoke.ts';
import { byTrigger, registryRuntime } from './worker/registry.ts';

export { type HostClock, systemClock } from './clock.ts';
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
  /** Numbers in [0, 1) for that lateness. */
  readonly random?: () => number;
  /** Every turn replays; asking for the shortcut of keeping generators alive is refused. */
  readonly keepGenerators?: boolean;
  readonly log?: Log;
}

export interface FunctionsHost {
  /** Without a slash at its end. */
  readonly url: string;
  /** Runs a timer function now, as `POST /admin/functions/{name}` does. */
  runTimer(name: string): Promise<void>;
  /** Stops taking requests and turns. What was acknowledged is on disk, what was under way starts again next time. */
  close(): Promise<void>;
}

export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const { clock = systemClock, log = silent, timers = 'exact', random = seededRandom(1) } = options;
  if (options.keepGenerators) throw new Error('This local host always replays: it keeps no generators.');
  const app = await importApp(options.app, (level, category, message) => log({ level, category, message }));
  const functions = byTrigger(app.functions);
  const { http, durableTask } = extensionsFor(options.app);
  if ((durableTask?.versionMatchStrategy ?? 'CurrentOrOlder') !== 'CurrentOrOlder') {
    throw new Error('Of the strategies for versions this local host does CurrentOrOlder alone.');
  }
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
    routePrefix: http?.routePrefix ?? 'api',
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
      version: durableTask?.defaultVersion,
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
    runTimer: (name) => timerFunctions.run(name),
    async close() {
      timerFunctions.stop();
      await stop();
      await app.runHooks('appTerminate', { hookData: worker.appHookData });
      engine().close();
    },
  };
}

interface Extensions {
  readonly http?: { readonly routePrefix?: string };
  readonly durableTask?: { readonly defaultVersion?: string; readonly versionMatchStrategy?: string };
}

/** What host.json says of them. It lies beside the app or above it. */
function extensionsFor(app: URL): Extensions {
  for (let folder = new URL('.', app); ; folder = new URL('..', folder)) {
    const file = new URL('host.json', folder);
    if (existsSync(file)) {
      return (JSON.parse(readFileSync(file, 'utf8')) as { extensions?: Extensions }).extensions ?? {};
    }
    if (folder.pathname === '/') return {};
  }
}
