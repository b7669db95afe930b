import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Log } from '../log.ts';
import { invoke, type Worker } from '../worker/invoke.ts';
import type { Triggered } from '../worker/registry.ts';
import { readBody, type Target, toHttpData } from './request.ts';
import { sendEmpty, sendResult } from './response.ts';
import { compileRoute, pathSegments, type Route } from './route.ts';
import { answerUnparsed } from './unparsed.ts';
import { decodePath } from './url.ts';

/** Kestrel's limits. */
const REQUEST_LINE = 8_192;
const HEADERS_SIZE = 32_768;
const HEADERS_COUNT = 100;

interface Endpoint extends Triggered {
  readonly route: Route;
  readonly methods: ReadonlySet<string>;
}

export interface Site {
  readonly worker: Worker;
  readonly functions: readonly Triggered[];
  /** `api` unless host.json says otherwise; empty for none. */
  readonly routePrefix: string;
  /** Takes a request that is not a function's; false passes it on. */
  readonly internal: (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;
  readonly log: Log;
}

export function createSite(site: Site): Server {
  const endpoints = compile(site);
  const reading = new WeakSet<object>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    reading.add(request.socket);
    response.on('close', () => reading.delete(request.socket));
    handle(site, endpoints, request, response).catch((error: unknown) => {
      site.log({ level: 'error', category: 'http', message: String(error) });
      if (response.headersSent) response.destroy();
      else sendEmpty(response, 500);
    });
  };
  const server = createServer({ maxHeaderSize: REQUEST_LINE + HEADERS_SIZE, keepAliveTimeout: 130_000 }, listener);
  // Whoever asks whether to send a body is answered when the body is read, not before.
  server.on('checkContinue', listener);
  answerUnparsed(server, (socket) => reading.has(socket));
  return server;
}

function compile({ functions, routePrefix, log }: Site): Endpoint[] {
  const endpoints: Endpoint[] = [];
  // Precedence is by name; how specific a route is plays no part.
  for (const { fn, trigger } of [...functions].sort((a, b) => compareNames(a.fn.name, b.fn.name))) {
    const route = typeof trigger.route === 'string' ? trigger.route : fn.name;
    const level = trigger.authLevel ?? 'anonymous';
    if (level !== 'anonymous')
      throw new Error(`Function '${fn.name}' has authLevel '${String(level)}': this local host has no keys.`);
    if (/^\/?admin/i.test(route)) {
      log({
        level: 'error',
        category: 'http',
        message: `Function '${fn.name}': the route '${route}' conflicts with built-in routes.`,
      });
      continue;
    }
    const methods = Array.isArray(trigger.methods) ? trigger.methods.map(String) : ['GET', 'POST'];
    endpoints.push({
      fn,
      trigger,
      route: compileRoute(`${routePrefix}/${route}`),
      methods: new Set(methods.map((each) => each.toUpperCase())),
    });
  }
  return endpoints;
}

const compareNames = (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1);

async function handle(
  site: Site,
  endpoints: readonly Endpoint[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url = '/', rawHeaders } = request;
  if (method.length + url.length + ' HTTP/1.1\r\n '.length > REQUEST_LINE) return sendEmpty(response, 414, true);
  if (rawHeaders.length / 2 > HEADERS_COUNT || sizeOf(rawHeaders) > HEADERS_SIZE) return sendEmpty(response, 431, true);
  const target = targetOf(request);
  if (target === 'bad') return sendEmpty(response, 400, true);
  if (target === 'no-host') return sendEmpty(response, 500, true);
  if (await site.internal(request, response, target.path)) return;
  const segments = pathSegments(target.path);
  if (segments.length === 0 && method === 'GET') return sendHome(response);
  if (/^\/admin\/host\/ping\/?$/i.test(target.path) && /^(?:GET|POST)$/.test(method)) return sendPong(response);
  for (const { fn, route, methods } of endpoints) {
    const params = methods.has(method.toUpperCase()) ? route.match(segments) : undefined;
    if (params) {
      const body = await readBody(request, response);
      if (!body) return sendEmpty(response, 500, true);
      return answer(site, response, fn, { http: toHttpData(request, target, params, body) });
    }
  }
  sendEmpty(response, 404);
}

async function answer(
  { worker, log }: Site,
  response: ServerResponse,
  fn: Triggered['fn'],
  data: Parameters<typeof invoke>[2],
): Promise<void> {
  try {
    const invocation = await invoke(worker, fn, data);
    sendResult(response, await invocation.respond());
  } catch (error) {
    log({
      level: 'error',
      category: fn.name,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    sendEmpty(response, 500);
  }
}

/** The URL handlers see is built from what the caller put into the Host header. */
function targetOf({ url = '/', headers }: IncomingMessage): Target | 'bad' | 'no-host' {
  const absolute = /^https?:\/\/([^/?]*)([\s\S]*)$/i.exec(url);
  const host = absolute?.[1] ?? headers.host;
  if (!host) return 'no-host';
  if (absolute && headers.host !== undefined && !namesHost(headers.host, host)) return 'bad';
  const [raw = '', ...rest] = (absolute ? absolute[2] || '/' : url).split('?');
  const path = decodePath(raw);
  if (path === undefined) return 'bad';
  return { path, query: rest.length > 0 ? `?${rest.join('?')}` : '', host };
}

/** Whether a Host header says what an absolute target says; the default port may stand there. */
const namesHost = (header: string, authority: string) =>
  header === authority.toLowerCase() || header === `${authority.toLowerCase()}:80`;

/** Bytes of the header lines, each with its colon, blank and line end. */
const sizeOf = (rawHeaders: readonly string[]) => rawHeaders.reduce((size, part) => size + part.length + 2, 0);

function sendHome(response: ServerResponse): void {
  if (process.env.AzureWebJobsDisableHomepage?.toLowerCase() === 'true') {
    sendEmpty(response, 204);
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/html', Server: 'Kestrel' });
  response.end('<!DOCTYPE html><title>Local Functions host</title><p>The local Functions host is up and running.');
}

function sendPong(response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store,no-cache');
  response.setHeader('Pragma', 'no-cache');
  sendEmpty(response, 200);
}
