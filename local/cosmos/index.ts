import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Access } from './access.ts';
import { type Authentication, authenticate } from './auth.ts';
import { maxBytes } from './documents.ts';
import type { Outcome } from './outcome.ts';
import { badRequest, Refusal } from './refusal.ts';
import type { Service } from './resources.ts';
import { type Request, route } from './router.ts';
import { Store } from './store.ts';

export type { Action } from './access.ts';
export type { Caller } from './auth.ts';

export interface CosmosOptions extends Authentication, Access {
  /** 0 takes any free one. Binds to 127.0.0.1 only and gives itself out as `localhost`. */
  port: number;
  /** What clients are told to go to, where something stands in front of the port. With a slash at its end. */
  address?: string;
  /** A SQLite file, or `:memory:`. */
  path: string;
  /** PEM. Without it the server speaks plain http, and the SDK then needs a key. */
  tls?: { key: string; cert: string };
  now?: () => number;
}

export interface Cosmos {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** See README.md for what is covered, what is refused and what differs from Azure. */
export async function startCosmos(options: CosmosOptions): Promise<Cosmos> {
  if (options.key === undefined && options.authenticateToken === undefined)
    throw new TypeError('startCosmos needs a key, authenticateToken, or both: nobody could call it');
  const store = new Store(options.path);
  const service: Service = { store, parsed: new Map(), now: options.now ?? Date.now };
  const answer = (message: IncomingMessage, response: ServerResponse) => {
    handle(message)
      .then(
        (outcome) => sendOutcome(response, outcome, store.lsn),
        (error: unknown) => sendRefusal(response, Refusal.from(error)),
      )
      // Nothing left to say to this client; the others must not notice.
      .catch(() => response.destroy());
  };

  async function handle(message: IncomingMessage): Promise<Outcome> {
    const request = await read(message);
    const { method, segments, headers } = request;
    const named = segments.length % 2 === 0;
    const resourceType = segments.at(named ? -2 : -1) ?? '';
    const resourceId = (named ? segments : segments.slice(0, -1)).join('/');
    const signed = { method, resourceType, resourceId };
    const date = headers['x-ms-date'] ?? headers.date;
    const caller = await authenticate(headers.authorization, date?.toString(), signed, options);
    try {
      return route(request, { ...options, service, url, caller });
    } finally {
      await store.settled();
    }
  }

  const server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  // Longer than the client keeps its idle connections, or it would write into a closing one.
  server.keepAliveTimeout = 120_000;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, '127.0.0.1', resolve);
    });
  } catch (error) {
    store.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const url = options.address ?? `${options.tls === undefined ? 'http' : 'https'}://localhost:${port}/`;
  return {
    url,
    port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      // Whoever waits for a commit gets the answer, also when the commit is lost.
      await store.settled().catch(() => {});
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
}

async function read(message: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to the end all the same: a client that is still writing wouldn't see the answer.
    if (bytes <= maxBytes + 64 * 1024) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > maxBytes + 64 * 1024) throw new Refusal(413, 'Request size is too large');
  const body = Buffer.concat(chunks).toString();
  return { method: message.method ?? 'GET', segments: segmentsOf(message.url ?? '/'), headers: message.headers, body };
}

/** The SDK encodes with encodeURI, which leaves a `?` in an id as it is; no operation here has a query string. */
function segmentsOf(url: string): string[] {
  try {
    return url.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest('The path is not valid.');
  }
}

const common = (charge: number): OutgoingHttpHeaders => ({
  'x-ms-activity-id': randomUUID(),
  'x-ms-request-charge': charge.toFixed(2),
  'x-ms-version': '2020-07-15',
});

function sendOutcome(response: ServerResponse, { status, body, etag, charge, headers }: Outcome, lsn: number): void {
  response.writeHead(status, {
    ...common(charge),
    'x-ms-session-token': `0:-1#${lsn}`,
    ...(etag !== undefined && { etag }),
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
}

function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const { status, code, message, substatus, retryAfterMs } = refusal;
  const body = JSON.stringify({ code, message });
  response.writeHead(status, {
    ...common(status === 429 ? 0 : 1),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(substatus !== undefined && { 'x-ms-substatus': String(substatus) }),
    ...(retryAfterMs !== undefined && { 'x-ms-retry-after-ms': String(retryAfterMs) }),
  });
  response.end(body);
}
