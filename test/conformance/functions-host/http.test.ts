import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FunctionsHost, startFunctionsHost } from '../../../local/functions-host/index.ts';

interface Row {
  readonly group: string;
  readonly id: string;
  readonly curl: string;
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

const rows = JSON.parse(readFileSync(new URL('../recordings/http/table.json', import.meta.url), 'utf8')) as Row[];

/** Node's parser refuses raw bytes in a path; an answer that failed while it was written keeps its content type on the real host. */
const different: Readonly<Record<string, number>> = { 'param unicode raw': 400, headerUnicode: 500 };

let host: FunctionsHost;

beforeAll(async () => {
  host = await startFunctionsHost({ app: new URL('http-app.ts', import.meta.url), port: 0, statePath: ':memory:' });
});

afterAll(() => host.close());

describe('against recorded requests to the real host', () => {
  it.each(rows.filter(({ id }) => !(id in different)))(
    '$group, $id: same status, headers and body',
    async ({ curl, status, headers, body }) => {
      const answer = await send(Number(new URL(host.url).port), curl);
      expect(answer).toEqual({ status, headers: comparable(headers), body });
    },
  );

  it.each(rows.filter(({ id }) => id in different))('$group, $id: differs, in a known way', async ({ id, curl }) => {
    expect(await send(Number(new URL(host.url).port), curl)).toMatchObject({ status: different[id] });
  });
});

/** Framing is the server's own affair; `Content-Length: 0` and chunks mean the same to a client. */
function comparable(headers: readonly string[]): string[] {
  return headers
    .filter((header) => !/^(?:date|server|transfer-encoding|content-length|connection|keep-alive):/i.test(header))
    .map((header) => header.replace(/^[^:]+/, (name) => name.toLowerCase()))
    .sort();
}

/** Sends what curl sent, byte by byte: no client would leave odd paths alone. */
async function send(port: number, curl: string): Promise<{ status: number; headers: string[]; body: string }> {
  const { request, head } = requestOf(curl);
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  const parts: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
  const text = Buffer.concat(parts)
    .toString('utf8')
    .replace(/^HTTP\/1\.1 100 [\s\S]*?\r\n\r\n/, '');
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...headers] = text.slice(0, end).split('\r\n');
  const chunked = headers.some((header) => /^transfer-encoding: chunked/i.test(header));
  const rest = text.slice(end + 4);
  const body = chunked && !head ? unchunk(rest) : rest;
  // The recorder left its connections open.
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: comparable(headers),
    body: body.replace('"connection":"close",', ''),
  };
}

function requestOf(curl: string): { request: string; head: boolean } {
  const words = [...curl.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
  const headers = new Map([
    ['host', '127.0.0.1:7071'],
    ['user-agent', 'curl/7.88.1'],
    ['accept', '*/*'],
  ]);
  const repeated: string[] = [];
  let [method, body, target, head] = ['GET', '', '/', false];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-X') method = words.shift() ?? method;
    else if (word === '-I') [method, head] = ['HEAD', true];
    else if (word === '-m') words.shift();
    else if (word === '-d')
      [method, body] = [method === 'GET' && !curl.includes('-X') ? 'POST' : method, words.shift() ?? ''];
    else if (word === '-H') addHeader(headers, repeated, words.shift() ?? '');
    else target = word.replace(/^http:\/\/[^/]+/, '');
  }
  if (body !== '' && !headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
  const chunked = headers.has('transfer-encoding');
  if (body !== '' && !chunked) headers.set('content-length', String(Buffer.byteLength(body)));
  const lines = [
    ...[...headers].filter(([, value]) => value !== '-').map(([name, value]) => `${name}: ${value}`),
    ...repeated,
  ];
  const payload = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return {
    request: `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n${payload}`,
    head,
  };
}

function addHeader(headers: Map<string, string>, repeated: string[], header: string): void {
  const [, name = '', separator, value = ''] = /^([^:;]+)([:;])\s*(.*)$/.exec(header) ?? [];
  const key = name.toLowerCase();
  // To curl `Name:` takes a header away and `Name;` sends it empty.
  if (separator === ':' && value === '') headers.set(key, '-');
  else if (headers.has(key) && key !== 'host') repeated.push(`${key}: ${value}`);
  else headers.set(key, value);
}

function unchunk(text: string): string {
  let out = '';
  for (let rest = Buffer.from(text); ; ) {
    const end = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.subarray(0, end).toString(), 16);
    if (!(size > 0)) return out;
    out += rest.subarray(end + 2, end + 2 + size).toString('utf8');
    rest = rest.subarray(end + 2 + size + 2);
  }
}
