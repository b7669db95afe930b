import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Under this name spans and metrics are made. Where no telemetry was started, making them costs next to nothing. */
export const scope = 'curfew';

export interface Work {
  readonly kind?: 'server' | 'client';
  readonly attributes?: Attributes;
  /** A W3C `traceparent`, of a span that may have ended hours ago in another process. What goes on around it where it is left out. */
  readonly parent?: string | undefined;
}

/** What may be said of the work from within it. */
export interface Said {
  set(attributes: Attributes): void;
  /** `error.type`: a code or a number, never the text of an error, which may hold SQL, addresses or tokens. */
  fail(type: string): void;
}

const unsaid: Said = { set: () => {}, fail: () => {} };
const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT };

/** Runs `work` as a span; but what a client asks on nobody's behalf, such as the figures of a metric, is none. */
export function inSpan<Answer>(
  name: string,
  { kind, attributes = {}, parent }: Work,
  work: (said: Said) => Promise<Answer>,
): Promise<Answer> {
  // What Azure Monitor takes over from the host's headers is nobody's work here.
  const around = trace.getActiveSpan()?.spanContext().isRemote ? ROOT_CONTEXT : context.active();
  if (kind === 'client' && !trace.getSpan(around)) return work(unsaid);
  const from = parent === undefined ? around : propagation.extract(around, { traceparent: parent });
  const options = { kind: kind ? kinds[kind] : SpanKind.INTERNAL, attributes };
  return trace.getTracer(scope).startActiveSpan(name, options, from, async (span) => {
    const said: Said = {
      set: (more) => void span.setAttributes(more),
      fail: (type) => void span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR }),
    };
    try {
      return await work(said);
    } catch (error) {
      said.fail(typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The `traceparent` of what goes on here, for whoever goes on with it elsewhere. Undefined where no telemetry was started. */
export function traceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Says something of whatever goes on here. */
export function say(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** By which a line of the log is found from its trace, and the trace from the line. */
export function traceIds(): { traceId?: string; spanId?: string } {
  const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
  return traceId !== undefined && spanId !== undefined ? { traceId, spanId } : {};
}

function typeOf(error: unknown): string {
  const code: unknown =
    error instanceof Error ? (Reflect.get(error, 'code') ?? Reflect.get(error, 'number')) : undefined;
  if (typeof code === 'number' || (typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code))) return String(code);
  return error instanceof Error ? error.name : typeof error;
}
