import type { TokenCredential } from '@azure/identity';
import { context, type DiagLogger, DiagLogLevel, diag, metrics, propagation, trace } from '@opentelemetry/api';
import type { Configuration } from '../shared/configuration.ts';
import { plus } from '../shared/domain/time.ts';
import { observe } from '../shared/metrics.ts';
import type { Log } from '../shared/ports.ts';

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
  const { NodeSDK, metrics: sdkMetrics, tracing, resources } = await import('@opentelemetry/sdk-node');
  diag.setLogger(complaints(from), DiagLogLevel.ERROR);
  const sdk = new NodeSDK({
    serviceName: 'curfew',
    // Not those for the process and the host, which record the command line and who runs it.
    resourceDetectors: [resources.envDetector, resources.serviceInstanceIdDetector],
    // The Functions host and callers say in their headers whether to sample. It is not for them to say.
    sampler: new tracing.AlwaysOnSampler(),
    // Lines of the log go to the console, and the Functions host sends them.
    logRecordProcessors: [],
    ...(connectionString === undefined ? {} : await toAzureMonitor(connectionString)),
  });
  sdk.start();
  observe(from);
  return {
    async stop() {
      await sdk.shutdown().finally(() => {
        for (const part of [trace, metrics, context, propagation, diag]) part.disable();
      });
    },
  };

  async function toAzureMonitor(connection: string) {
    const exporter = await import('@azure/monitor-opentelemetry-exporter');
    const options = { connectionString: connection, credential, disableOfflineStorage: true };
    return {
      traceExporter: new exporter.AzureMonitorTraceExporter(options),
      metricReaders: [
        new sdkMetrics.PeriodicExportingMetricReader({ exporter: new exporter.AzureMonitorMetricExporter(options) }),
      ],
    };
  }
}

/** Milliseconds. */
const pause = 60_000;

/** Says now and then that something is lost. Not why: the SDK's own words may hold anything that a server answered. */
function complaints({ clock, log }: Pick<Parameters<typeof startTelemetry>[2], 'clock' | 'log'>): DiagLogger {
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
