import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Value = { readonly stringValue?: string; readonly intValue?: string | number; readonly doubleValue?: number };
interface Attributed {
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[];
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** As in OTLP: 1 is internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

interface Point extends Attributed {
  readonly asInt?: string | number;
  readonly asDouble?: number;
  readonly count?: string | number;
  readonly sum?: number;
}
interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
  readonly histogram?: { readonly dataPoints: readonly Point[] };
}
interface Body {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly (Omit<ReceivedSpan, 'attributes'> & Attributed)[] }[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[];
  }[];
}

function attributesOf({ attributes = [] }: Attributed): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? (doubleValue ?? '') : Number(intValue)),
    ]),
  );
}

/** A collector that takes OTLP by HTTP as JSON, and keeps every word. */
export async function startReceiver() {
  const bodies: { readonly path: string; readonly text: string; readonly body: Body }[] = [];
  const take = async (request: IncomingMessage) => {
    const said = await text(request);
    bodies.push({ path: request.url ?? '', text: said, body: JSON.parse(said) as Body });
  };
  const server = createServer((request, response) => {
    void take(request).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const metrics = () =>
    bodies.flatMap(({ body }) =>
      (body.resourceMetrics ?? []).flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics)),
    );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths: () => new Set(bodies.map(({ path }) => path)),
    everything: () => bodies.map((each) => each.text).join('\n'),
    spans: (): ReceivedSpan[] =>
      bodies
        .flatMap(({ body }) => (body.resourceSpans ?? []).flatMap(({ scopeSpans }) => scopeSpans))
        .flatMap(({ spans }) => spans.map((span) => ({ ...span, attributes: attributesOf(span) }))),
    metricNames: () => new Set(metrics().map(({ name }) => name)),
    /** The newest point of each set of attributes: what was added up, the gauge's value, or the number of measurements. */
    points(name: string): { readonly value: number; readonly sum?: number; readonly [key: string]: unknown }[] {
      const newest = new Map<string, Point>();
      for (const metric of metrics().filter((each) => each.name === name)) {
        for (const point of (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints ?? []) {
          newest.set(JSON.stringify(attributesOf(point)), point);
        }
      }
      return [...newest.values()].map((point) => ({
        ...attributesOf(point),
        value: Number(point.asInt ?? point.asDouble ?? point.count),
        ...(point.sum === undefined ? {} : { sum: point.sum }),
      }));
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
