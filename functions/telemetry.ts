import type { TokenCredential } from '@azure/identity';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import type { Configuration } from '../shared/configuration.ts';
import { observe } from '../shared/metrics.ts';

export interface Telemetry {
  /** Sends what hasn't been sent yet, and no more after that. */
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
  from: Parameters<typeof observe>[0],
): Promise<Telemetry | undefined> {
  if (connectionString === undefined && !isOtlp) return undefined;
  const { NodeSDK, metrics: sdkMetrics, tracing, resources } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK({
    serviceName: 'curfew',
    // Not those for the process and the host, which record the command line and who runs it.
    resourceDetectors: [resources.envDetector],
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
      await sdk.shutdown();
      for (const part of [trace, metrics, context, propagation]) part.disable();
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
