import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FunctionsHost, startFunctionsHost } from '../../../local/functions-host/index.ts';

let host: FunctionsHost;

beforeAll(async () => {
  const app = new URL('../../conformance/functions-host/http-app.ts', import.meta.url);
  host = await startFunctionsHost({ app, port: 0, statePath: ':memory:' });
});

afterAll(() => host.close());

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** Sends bytes as they are and resolves to all that comes back until the host closes. `end` closes the sending half. */
async function send(request: string, { end = false } = {}): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
  if (end) socket.end(request);
  else socket.write(request);
  const parts: Buffer[] = [];
  for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
  const answer = Buffer.concat(parts).toString('utf8');
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n') };
}

const get = (target: string, headers: readonly string[] = [], hostHeader = 'curfew.example') =>
  send(
    `GET ${target} HTTP/1.1\r\nHost: ${hostHeader}\r\n${headers.map((each) => `${each}\r\n`).join('')}Connection: close\r\n\r\n`,
  );

describe('an absolute target', () => {
  it.each([
    ['curfew.example', 200],
    ['curfew.example:80', 200],
    ['other.example', 400],
  ])('with the Host header %s: %i', async (header, status) => {
    expect((await get('http://curfew.example/api/get', [], header)).status).toBe(status);
  });
});

describe('methods', () => {
  const method = (name: string, target = '/api/get') =>
    send(`${name} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

  it.each([
    ['FOO', 404],
    ['get', 200],
    ['gEt', 200],
    ['post', 404],
  ])('%s: %i', async (name, status) => {
    const { status: answered, head } = await method(name);
    expect(answered).toBe(status);
    expect(head).toContain('Server: Kestrel');
  });

  it('CONNECT: 404', async () => {
    expect((await method('CONNECT', 'x:80')).status).toBe(404);
  });

  it('a lower-case method has its body, however it comes', async () => {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    socket.write('post /api/text HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabcde');
    setTimeout(() => socket.write('fghij'), 20);
    const parts: Buffer[] = [];
    for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
    expect(Buffer.concat(parts).toString()).toContain('"text":"abcdefghij"');
  });

  it('what is no HTTP: 400', async () => {
    expect((await send('NOT HTTP\r\n\r\n')).status).toBe(400);
  });
});

describe('headers', () => {
  it.each([
    [30_000, 200],
    [33_000, 431],
    [40_000, 431],
    [70_000, 431],
  ])('one of %i bytes: %i', async (size, status) => {
    expect((await get('/api/get', [`X-Big: ${'v'.repeat(size)}`])).status).toBe(status);
  });
});

describe('query', () => {
  it.each([
    ['dryRun=true&dryRun=true', { dryRun: 'true,true' }],
    ['A=1&a=2', { a: '1,2' }],
    ['dryRun=true', { dryRun: 'true' }],
  ])('%s', async (query, expected) => {
    const response = await fetch(`${host.url}/api/any?${query}`);
    expect(await response.json()).toMatchObject({ query: expected });
  });
});

describe('a body shorter than its Content-Length', () => {
  const short = 'POST /api/text HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc';
  const failed = { status: 500, body: '' };

  it('fails with an empty 500 where the client closes its half', async () => {
    expect(await send(short, { end: true })).toMatchObject(failed);
  });

  it('fails with an empty 500 after more than five seconds of silence', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const answer = send(short);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0), { interval: 0 });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await answer).toMatchObject(failed);
  });
});

describe('Expect: 100-continue', () => {
  const head =
    'POST /api/text HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n';

  it('is answered at once where the body is there', async () => {
    const { status, head: answered } = await send(`${head}abc`);
    expect([status, answered]).toEqual([200, expect.not.stringContaining('100 Continue')]);
  });

  it('is answered at once where a chunked body is there', async () => {
    const chunked = head.replace('Content-Length: 3', 'Transfer-Encoding: chunked');
    const { status, head: answered } = await send(`${chunked}3\r\nabc\r\n0\r\n\r\n`);
    expect([status, answered]).toEqual([200, expect.not.stringContaining('100 Continue')]);
  });

  it('is answered with 100 where the body is not', async () => {
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    socket.write(head);
    const parts: string[] = [];
    for await (const part of socket as AsyncIterable<Buffer>) {
      if (parts.push(part.toString()) === 1) socket.write('abc');
    }
    expect(parts[0]).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(parts.slice(1).join('')).toMatch(/^HTTP\/1.1 200 [\s\S]*"text":"abc"/);
  });

  it('is not answered with 100 where nobody reads the body', async () => {
    expect((await send(head.replace('/api/text', '/api/zzz'))).status).toBe(404);
  });
});

describe('what the host serves by itself', () => {
  it('answers a ping', async () => {
    const response = await fetch(`${host.url}/admin/host/ping`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('shows a home page, unless that is disabled', async () => {
    const response = await fetch(host.url);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html']);
    vi.stubEnv('AzureWebJobsDisableHomepage', 'true');
    expect((await fetch(host.url)).status).toBe(204);
  });
});
