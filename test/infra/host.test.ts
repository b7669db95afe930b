import { describe, expect, test } from 'vitest';
import { all, read } from './bicep.ts';

type Keys = { readonly [key: string]: Keys | true };

/**
 * What may stand in host.json, as far as Curfew could want it; the host says nothing of a key that it doesn't know.
 * https://learn.microsoft.com/azure/azure-functions/functions-host-json
 */
const known: Keys = {
  version: true,
  functionTimeout: true,
  telemetryMode: true,
  extensionBundle: { id: true, version: true },
  healthMonitor: {
    enabled: true,
    healthCheckInterval: true,
    healthCheckWindow: true,
    healthCheckThreshold: true,
    counterThreshold: true,
  },
  logging: {
    fileLoggingMode: true,
    logLevel: true,
    console: true,
    applicationInsights: {
      samplingSettings: true,
      httpAutoCollectionOptions: {
        enableHttpTriggerExtendedInfoCollection: true,
        enableW3CDistributedTracing: true,
        enableResponseHeaderInjection: true,
      },
    },
  },
  extensions: {
    // https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings
    http: {
      routePrefix: true,
      maxConcurrentRequests: true,
      maxOutstandingRequests: true,
      dynamicThrottlesEnabled: true,
      hsts: true,
      customHeaders: true,
    },
    // https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-host-json-settings
    durableTask: {
      hubName: true,
      defaultVersion: true,
      versionMatchStrategy: true,
      versionFailureStrategy: true,
      maxConcurrentActivityFunctions: true,
      maxConcurrentOrchestratorFunctions: true,
      extendedSessionsEnabled: true,
      useGracefulShutdown: true,
      storeInputsInOrchestrationHistory: true,
      tracing: { traceInputsAndOutputs: true, traceReplayEvents: true, distributedTracingEnabled: true, version: true },
      storageProvider: {
        connectionStringName: true,
        controlQueueBatchSize: true,
        controlQueueBufferThreshold: true,
        controlQueueVisibilityTimeout: true,
        maxQueuePollingInterval: true,
        partitionCount: true,
        useTablePartitionManagement: true,
        workItemQueueVisibilityTimeout: true,
      },
    },
  },
};

/** Instead, with Durable Task Scheduler: https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler */
const scheduler: Keys = { type: true, connectionStringName: true };

const leaves = (value: unknown, path = ''): [string, unknown][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
    : [[path, value]];

function isKnown(path: string, keys: Keys): boolean {
  let level: Keys | true = keys;
  for (const key of path.split('.')) {
    if (level === true) return true;
    const next: Keys | true | undefined = level[key];
    if (next === undefined) return false;
    level = next;
  }
  return level === true;
}

const page = read('docs/host.md');
const settings = leaves(JSON.parse(read('host.json')));

describe('host.json', () => {
  test('has no key that the host would not read', () => {
    expect(settings.map(([path]) => path).filter((path) => !isKnown(path, known))).toEqual([]);
  });

  test('leaves extended sessions off: with Node the host does not start with them', () => {
    expect(settings.filter(([path]) => path.endsWith('extendedSessionsEnabled'))).toEqual([]);
  });

  test('is explained, every setting with its value', () => {
    const rows = [...page.matchAll(/^\| `([^`]+)` \| `([^`]+)` \| (.+) \|$/gm)].map(([, path, value]) => [path, value]);
    expect(rows).toEqual(settings.map(([path, value]) => [path, String(value)]));
  });

  test('has a counterpart for Durable Task Scheduler, with known keys and the connection that Bicep sets', () => {
    const other = JSON.parse(all(page, /```json\n([\s\S]*?)```/g)[0] ?? '') as unknown;
    const path = 'extensions.durableTask.storageProvider.';
    const keys = leaves(other).map(([key]) => key);
    expect(keys.filter((key) => !(key.startsWith(path) && isKnown(key.slice(path.length), scheduler)))).toEqual([]);
    expect(leaves(other)).toContainEqual([`${path}connectionStringName`, 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING']);
    expect(read('infra/host.bicep')).toContain('DURABLE_TASK_SCHEDULER_CONNECTION_STRING: ');
    const hub = settings.find(([key]) => key === 'extensions.durableTask.hubName')?.[1];
    expect(all(read('infra/scheduler.bicep'), /resource hub 'taskHubs' = \{\s*name: '(\w+)'/g)).toEqual([hub]);
  });
});
