import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Request {
  method: string;
  url: URL;
  /** Decoded parts of the path. */
  path: string[];
  header: (name: string) => string | undefined;
  body: string;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const limit = 64 * 1024;

export function json(value: unknown, status = 200): Reply {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  return { status, headers, body: JSON.stringify(value) };
}

export const nothing = (): Reply => ({ status: 204, headers: {}, body: '' });

/** What the server doesn't have, said aloud: a stand-in that guesses hides mistakes. */
export const refused = (status: number, error: string, what: string): Reply =>
  json({ error, error_description: what }, status);

/** The request, or the refusal that it gets before anyone looks at it. */
export async function readRequest(message: IncomingMessage, base: string): Promise<Request | Reply> {
  const url = URL.parse(message.url ?? '', base);
  const path = url && decodePath(url.pathname);
  if (!url || !path || url.origin !== base) return refused(400, 'invalid_request', 'The address cannot be read.');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to the end all the same: breaking off would take the answer with it.
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return refused(413, 'invalid_request', 'The body is larger than 64 KiB.');
  const header = (name: string): string | undefined => {
    const value = message.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return { method: message.method ?? 'GET', url, path, header, body: Buffer.concat(chunks).toString('utf8') };
}

export function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'x-content-type-options': 'nosniff', ...reply.headers }).end(reply.body);
}

/** A form body, where the request says that it is one. */
export function readForm(request: Request): URLSearchParams | undefined {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/x-www-form-urlencoded' ? new URLSearchParams(request.body) : undefined;
}

function decodePath(pathname: string): string[] | undefined {
  try {
    return pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
