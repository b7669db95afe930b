import type { ServerResponse } from 'node:http';
import type { HttpCookie, HttpData, TypedData } from '../worker/core-api.ts';

/** Any failure of a function: the status and nothing else, whatever the error says. */
export function sendEmpty(response: ServerResponse, status: number, close = false): void {
  response.writeHead(status, {
    Server: 'Kestrel',
    ...(status !== 204 && { 'Content-Length': 0 }),
    ...(close && { Connection: 'close' }),
  });
  response.end();
}

/** What a function returned, after the SDK encoded it; nothing at all means 204. */
export function sendResult(response: ServerResponse, data: TypedData | null | undefined): void {
  const http = data?.http;
  if (http) sendHttp(response, http);
  else sendEmpty(response, 204);
}

function sendHttp(response: ServerResponse, http: HttpData): void {
  const body = Buffer.from(http.body?.bytes ?? []);
  const headers = Object.entries(http.headers ?? {});
  const declared = headers.find(([name]) => name.toLowerCase() === 'content-length');
  if (headers.some(isBroken) || (declared && Number(declared[1]) !== body.length)) {
    sendEmpty(response, 500, Boolean(declared));
    return;
  }
  for (const [name, value] of headers) response.setHeader(name, value);
  response.setHeader('Server', 'Kestrel');
  addCookies(response, http);
  response.statusCode = Number(http.statusCode);
  if (response.statusCode === 204 || response.statusCode === 304) {
    response.end();
    return;
  }
  if (body.length === 0) response.setHeader('Content-Length', 0);
  else if (!declared && response.req.httpVersion === '1.1') response.setHeader('Transfer-Encoding', 'chunked');
  response.end(body);
}

/** Kestrel writes ASCII alone; a transfer encoding set by hand garbles the answer there, so here it fails. */
function isBroken([name, value]: [string, string]): boolean {
  return name.toLowerCase() === 'transfer-encoding' || !/^[\t\x20-\x7e]*$/.test(value);
}

function addCookies(response: ServerResponse, { cookies = [] }: HttpData): void {
  if (cookies.length === 0) return;
  const own = response.getHeader('Set-Cookie');
  response.setHeader('Set-Cookie', [...(typeof own === 'string' ? [own] : []), ...cookies.map(cookieText)]);
}

function cookieText({ name, value, expires, maxAge, domain, path, secure, sameSite, httpOnly }: HttpCookie): string {
  const sites = { none: undefined, lax: 'lax', strict: 'strict', explicitNone: 'none' } as const;
  const site = sites[sameSite ?? 'none'];
  return [
    `${name}=${encodeURIComponent(value)}`,
    expires && `expires=${new Date(expires.value.seconds * 1000).toUTCString()}`,
    maxAge && `max-age=${maxAge.value}`,
    domain && `domain=${domain.value}`,
    `path=${path?.value ?? '/'}`,
    secure?.value && 'secure',
    site && `samesite=${site}`,
    httpOnly?.value && 'httponly',
  ]
    .filter(Boolean)
    .join('; ');
}
