import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextLoop } from 'node:timers/promises';
import type { HttpData } from '../worker/core-api.ts';
import { encodePath, joinQuery } from './url.ts';

/** The largest body the host takes; one byte more is answered 500. */
export const BODY_LIMIT = 104_857_600;

/** Kestrel's least rate of a body: bytes a second on average, once the seconds of grace are over. */
const LEAST_RATE = 240;
const GRACE_SECONDS = 5;

export interface Target {
  readonly path: string;
  /** With its question mark, as sent. */
  readonly query: string;
  readonly host: string;
}

/** The request as the host hands it to the worker. */
export function toHttpData(
  request: IncomingMessage,
  target: Target,
  params: Record<string, string>,
  body: Buffer,
): HttpData {
  return {
    method: request.method ?? 'GET',
    url: `http://${target.host}${encodePath(target.path)}${target.query}`,
    nullableHeaders: boxed(joinHeaders(request.rawHeaders)),
    nullableQuery: boxed(joinQuery(target.query.slice(1))),
    // An empty list of pairs would make the SDK read the query from the URL, where repeated keys are not joined.
    query: {},
    params,
    ...(body.length > 0 && { body: { bytes: body } }),
  };
}

const boxed = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }]));

/** Repeated headers are joined by a comma without a space, cookies too. */
function joinHeaders(raw: readonly string[]): Record<string, string> {
  const joined: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    // Kestrel reads UTF-8 where Node reads Latin-1.
    const value = Buffer.from(raw[index + 1] ?? '', 'latin1').toString('utf8');
    joined[name] = Object.hasOwn(joined, name) ? `${joined[name]},${value}` : value;
  }
  return joined;
}

/**
 * Returns undefined when the body is too large or comes too slowly, and where it ends too early. A chunked body is read and thrown away:
 * the real host loses it.
 */
export async function readBody(request: IncomingMessage, response: ServerResponse): Promise<Buffer | undefined> {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  const length = chunked ? Number.POSITIVE_INFINITY : Number(request.headers['content-length'] ?? 0);
  if (!chunked && length > BODY_LIMIT) return undefined;
  if (request.headers.expect !== undefined) {
    // What came with the headers is parsed by then. A client whose body is here waits for no permission to send it.
    await nextLoop();
    if (!request.complete && request.readableLength < length) response.writeContinue();
  }
  const parts: Buffer[] = [];
  let received = 0;
  const began = performance.now();
  const { promise: stalled, resolve: stall } = Promise.withResolvers<undefined>();
  const check = setInterval(() => {
    const seconds = (performance.now() - began) / 1_000;
    if (seconds >= GRACE_SECONDS && received < seconds * LEAST_RATE) stall(undefined);
  }, 1_000);
  const collect = async () => {
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        received += part.length;
        if (!chunked) parts.push(part);
      }
    } catch {
      return undefined;
    }
    return Buffer.concat(parts);
  };
  try {
    return await Promise.race([collect(), stalled]);
  } finally {
    clearInterval(check);
  }
}
