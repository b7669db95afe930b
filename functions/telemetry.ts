import type { TokenCredential } from '@azure/identity';
import { getLogLevel, setLogLevel } from '@azure/logger';
import {
  context,
  type DiagLogger,
  DiagLogLevel,
  diag,
  metrics,
  propagation,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { tracing } from '@opentelemetry/sdk-node';
import type { Configuration } from '../shared/configuration.ts';
import { plus } from '../shared/domain/time.ts';
import { observe } from '../shared/metrics.ts';
import type { Log } from '../shared/ports.ts';
import { scope } from '../shared/telemetry.ts';

export interface Telemetry {
  /** Sends what hasn't been sent yet, and no more after that. Fails where it can't be sent. */
  stop(): Promise<void>;
}

/**
 * Sends spans and metrics to Azure Monitor or to an OTLP collector, by the standard settings of OpenTelemetry; nothing at all where
 * neither is set, and then nothing is loaded either. Instrumentation that works by itself is left out on purpose: it records
 * addresses, and Curfew's hold tokens and names.
 */
export async function startTelemetry(
  { connectionString, isOtlp }: Configuration['telemetry'],
  credential: TokenCredential,
  from: Parameters<typeof observe>[0] & { readonly log: Log },
): Promise<Telemetry | undefined> {
  if (connectionString === undefined && !isOtlp) return undefined;
  const shutDown =
    connectionString === undefined ? await toCollector(from) : await toAzureMonitor(connectionString, credential, from);
  observe(from);
  return {
    async stop() {
      await shutDown().finally(() => {
        for (const part of [trace, metrics, context, propagation, diag]) part.disable();
      });
    },
  };
}

type Complaining = Pick<Parameters<typeof startTelemetry>[2], 'clock' | 'log'>;

async function toCollector(from: Complaining): Promise<() => Promise<void>> {
  const { NodeSDK, tracing, resources } = await import('@opentelemetry/sdk-node');
  diag.setLogger(complaints(from), DiagLogLevel.ERROR);
  const sdk = new NodeSDK({
    serviceName: 'curfew',
    // Not those for the process and the host, which record the command line and who runs it.
    resourceDetectors: [resources.envDetector, resources.serviceInstanceIdDetector],
    // The Functions host and callers say in their headers whether to sample. It is not for them to say.
    sampler: new tracing.AlwaysOnSampler(),
    // Lines of the log go to the console, and the Functions host sends them.
    logRecordProcessors: [],
  });
  sdk.start();
  return () => sdk.shutdown();
}

async function toAzureMonitor(
  connectionString: string,
  credential: TokenCredential,
  from: Complaining,
): Promise<() => Promise<void>> {
  const { useAzureMonitor, shutdownAzureMonitor } = await import('@azure/monitor-opentelemetry');
  const { core, resources } = await import('@opentelemetry/sdk-node');
  const off = { enabled: false };
  const azureLogLevel = getLogLevel();
  useAzureMonitor({
    azureMonitorExporterOptions: { connectionString, credential, disableOfflineStorage: true },
    resource: resources
      .resourceFromAttributes({ 'service.name': 'curfew' })
      .merge(resources.detectResources({ detectors: [resources.serviceInstanceIdDetector] })),
    instrumentationOptions: {
      ...{ azureSdk: off, http: off, mongoDb: off, mySql: off, postgreSql: off, redis: off, redis4: off },
      ...{ bunyan: off, winston: off, console: off },
    },
    enableLiveMetrics: false,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
    samplingRatio: 1,
    tracesPerSecond: 0,
    spanProcessors: [ownSpansAlone],
  });
  // It has made the Azure SDK talkative: of each call that Cosmos DB refuses the address would be in the log.
  setLogLevel(azureLogLevel);
  // Otherwise there is one of the SDK's own.
  if (core.getStringFromEnv('OTEL_LOG_LEVEL') === undefined) diag.setLogger(complaints(from), DiagLogLevel.ERROR);
  return async () => shutdownAzureMonitor();
}

/**
 * Azure Monitor bridges the Azure SDK's spans whatever it is told, and these hold addresses, which may be those of documents and so
 * have hashes of tokens in them. What isn't sampled any more when it ends, the exporter's processor leaves out, which comes after this one.
 */
const ownSpansAlone: tracing.SpanProcessor = {
  onStart: () => {},
  onEnd(span) {
    if (span.instrumentationScope.name !== scope) span.spanContext().traceFlags = TraceFlags.NONE;
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

/** Milliseconds. */
const pause = 60_000;

/** Says now and then that something is lost. Not why: the SDK's own words may hold anything that a server answered. */
function complaints({ clock, log }: Complaining): DiagLogger {
  let next = clock.now();
  const nothing = () => {};
  return {
    error() {
      if (clock.now() < next) return;
      next = plus(clock.now(), pause);
      log('warning', 'telemetry could not be made or sent; OTEL_LOG_LEVEL=error shows why');
    },
    warn: nothing,
    info: nothing,
    debug: nothing,
    verbose: nothing,
  };
}
