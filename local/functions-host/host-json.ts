import { existsSync, readFileSync } from 'node:fs';
import type { StepTimes } from './durable/steps.ts';
import { parseTimeSpan } from './time-span.ts';

/** What host.json says, as far as this host does it. */
export interface HostSettings {
  readonly routePrefix: string;
  /** `defaultVersion` of orchestrations. */
  readonly version: string | undefined;
  /** Milliseconds; undefined for no limit. */
  readonly functionTimeout: number | undefined;
  /** `workItemQueueVisibilityTimeout` in milliseconds. */
  readonly redeliverAfter: number | undefined;
  readonly limits: Pick<StepTimes, 'maxConcurrentActivityFunctions' | 'maxConcurrentOrchestratorFunctions'>;
}

interface HostJson {
  readonly functionTimeout?: string;
  readonly extensions?: {
    readonly http?: { readonly routePrefix?: string };
    readonly durableTask?: {
      readonly defaultVersion?: string;
      readonly versionMatchStrategy?: string;
      readonly maxConcurrentActivityFunctions?: number;
      readonly maxConcurrentOrchestratorFunctions?: number;
      readonly storageProvider?: { readonly workItemQueueVisibilityTimeout?: string };
    };
  };
}

/** Reads the host.json beside the app or above it. Fails on a strategy for versions that this host does not do. */
export function readHostJson(app: URL): HostSettings {
  const { functionTimeout, extensions: { http, durableTask } = {} } = find(app);
  if ((durableTask?.versionMatchStrategy ?? 'CurrentOrOlder') !== 'CurrentOrOlder') {
    throw new Error('Of the strategies for versions this local host does CurrentOrOlder alone.');
  }
  const visibility = durableTask?.storageProvider?.workItemQueueVisibilityTimeout;
  return {
    routePrefix: http?.routePrefix ?? 'api',
    version: durableTask?.defaultVersion,
    // -1 stands for no limit.
    functionTimeout:
      functionTimeout === undefined || functionTimeout === '-1' ? undefined : parseTimeSpan(functionTimeout),
    redeliverAfter: visibility === undefined ? undefined : parseTimeSpan(visibility),
    limits: {
      maxConcurrentActivityFunctions: durableTask?.maxConcurrentActivityFunctions,
      maxConcurrentOrchestratorFunctions: durableTask?.maxConcurrentOrchestratorFunctions,
    },
  };
}

function find(app: URL): HostJson {
  for (let folder = new URL('.', app); ; folder = new URL('..', folder)) {
    const file = new URL('host.json', folder);
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as HostJson;
    if (folder.pathname === '/') return {};
  }
}
