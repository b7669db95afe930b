import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { expect, test, vi } from 'vitest';
import { startTelemetry } from '../../functions/telemetry.ts';
import { certificateIn, trust } from '../../local/certificate.ts';
import { count } from '../../shared/metrics.ts';
import type { Log } from '../../shared/ports.ts';
import { createTargetRegistry } from '../../shared/providers/sql-role/target-registry.ts';
import { inSpan, traceparent } from '../../shared/telemetry.ts';
import { events, statusOf } from '../contract/cosmos/support.ts';
import { until } from '../e2e/api-support.ts';
import { createWorld } from '../support/world.ts';

const world = createWorld();
const said: string[] = [];
const log: Log = (_, message) => void said.push(message);
const databaseId =
  '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Sql/servers/contoso-orders/databases/orders';
const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const from = { clock: world.time.clock, log, requests: world.requests, lastSuccess: async () => world.time.now };

test('without a place to send to nothing is started, and the SDK is not even loaded', async () => {
  const credential = { getToken: () => Promise.reject(new Error('nobody asks')) };
  expect(await startTelemetry({ connectionString: undefined, isOtlp: false }, credential, from)).toBeUndefined();
  expect(traceparent()).toBeUndefined();
  const script = `await import('./functions/composition.ts');
    const { cache } = (await import('node:module')).createRequire(import.meta.url);
    console.log(Object.keys(cache).filter((name) => /opentelemetry.(sdk|exporter)|monitor-/.test(name)).length);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stdout).toBe('0\n');
});

test('Azure Monitor is sent Curfew’s spans and metrics, with its own identity, and nothing of what the Azure SDK would tell', async () => {
  // The exporter’s own figures go to Microsoft.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT = 'true';
  const folder = mkdtempSync(join(tmpdir(), 'curfew-monitor-'));
  const certificate = await certificateIn(folder);
  trust(certificate);
  const bearers = new Set<string | undefined>();
  const bodies: string[] = [];
  const asked: (string | undefined)[] = [];
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  const server = createServer(certificate, (request, response) => {
    void buffer(request).then((body) => {
      asked.push(request.url);
      bearers.add(request.headers.authorization);
      bodies.push((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString());
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ itemsReceived: 1, itemsAccepted: 1, errors: [] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connectionString = `InstrumentationKey=1f000000-0000-4000-8000-000000000001;IngestionEndpoint=https://localhost:${port}/`;
  const credential = { getToken: async () => ({ token: 'of-curfew', expiresOnTimestamp: Date.now() + 3_600_000 }) };
  try {
    const telemetry = await startTelemetry({ connectionString, isOtlp: false }, credential, from);
    const { container } = await events();
    const registry = createTargetRegistry({ resourceManagerUrl: `https://localhost:${port}`, credential });
    await inSpan('POST /api/requests', { kind: 'server' }, async () => {
      count('curfew.store.failures');
      expect(await statusOf(container.item('hash-of-a-token', 'hash-of-a-token').read())).toBe(404);
      await expect(registry.isGone(databaseId)).rejects.toThrow();
    });
    const spanContext = { ...remote, traceFlags: TraceFlags.SAMPLED, isRemote: true };
    await context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () =>
      inSpan('query requests', { kind: 'client' }, async () => {}),
    );
    await telemetry?.stop();
    const said = bodies.join('\n');
    expect(bearers).toEqual(new Set(['Bearer of-curfew']));
    for (const word of ['POST /api/requests', 'curfew.store.failures', 'curfew.revocations.overdue']) {
      expect(said).toContain(word);
    }
    expect(asked.some((path) => path?.includes(databaseId))).toBe(true);
    expect(said).not.toMatch(/hash-of-a-token|contoso-orders|url\.full|http\.url|query requests/);
    expect(said).not.toContain(remote.traceId);
    expect(printed).not.toHaveBeenCalled();
    expect(traceparent()).toBeUndefined();
  } finally {
    printed.mockRestore();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test('a collector that is away is told of once in a while, and holds up nothing', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    OTEL_BSP_SCHEDULE_DELAY: '10',
  });
  const credential = { getToken: () => Promise.reject(new Error('nobody asks')) };
  const telemetry = await startTelemetry({ connectionString: undefined, isOtlp: true }, credential, from);
  expect(await inSpan('x', {}, async () => 'done')).toBe('done');
  await until(
    async () => said,
    ({ length }) => length > 0,
  );
  await telemetry?.stop().catch(() => undefined);
  expect(traceparent()).toBeUndefined();
  expect(said).toEqual(['telemetry could not be made or sent; OTEL_LOG_LEVEL=error shows why']);
});
