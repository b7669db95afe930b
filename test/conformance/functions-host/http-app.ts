import { Readable } from 'node:stream';
import {
  app,
  type HttpHandler,
  type HttpMethod,
  type HttpRequest,
  HttpResponse,
  type HttpResponseInit,
} from '@azure/functions';

/** The functions that the recorded requests were sent to, rebuilt from what they answered. */

const seen = (request: HttpRequest) => ({
  method: request.method,
  url: request.url,
  params: request.params,
  query: Object.fromEntries(request.query),
  queryAll: [...request.query],
  headers: Object.fromEntries(request.headers),
  user: request.user,
  bodyUsed: request.bodyUsed,
  hasBody: request.body !== null,
});

const show: HttpHandler = (request) => ({ jsonBody: seen(request) });
const says =
  (body: string): HttpHandler =>
  () => ({ body });
const own: HttpHandler = (request) => ({ headers: { 'x-m': request.method }, body: `method ${request.method}` });

app.http('any', { handler: show });
app.http('echo', { methods: ['GET', 'POST', 'PUT', 'DELETE'], handler: show });
app.http('get', { methods: ['GET'], handler: says('got') });
app.http('nomethods', { methods: [], handler: says('never') });
app.http('trace', { methods: ['TRACE'], handler: own });
for (const [name, method] of Object.entries({ head: 'HEAD', optionsown: 'OPTIONS', patch: 'PATCH', del: 'DELETE' })) {
  app.http(name, { methods: [method as HttpMethod], handler: own });
}
app.http('mixed', { route: 'Mixed/Case', handler: (request) => ({ body: `mixed ${request.url}` }) });
app.http('item', { route: 'item/{id}', handler: ({ params, url }) => ({ jsonBody: { id: params.id, url } }) });
app.http('itemLiteral', { route: 'item/literal', handler: says('literal') });
app.http('opt', { route: 'opt/{a}/{b?}', handler: ({ params, url }) => ({ jsonBody: { params, url } }) });
app.http('rest', { route: 'rest/{*path}', handler: ({ params, url }) => ({ jsonBody: { params, url } }) });
app.http('num', {
  route: 'num/{n:int}',
  handler: ({ params }) => ({ jsonBody: { params, type: typeof params.n } }),
});
app.http('adminonly', { route: 'adminonly', handler: says('never') });
app.http('admin2', { route: 'adm2', handler: says('named admin') });
app.http('splitGet', { route: 'split', methods: ['GET'], handler: says('GET function') });
app.http('splitPost', { route: 'split', methods: ['POST'], handler: says('POST function') });

// Registered as the notes of the recordings say: precedence goes by name alone.
const pairs = {
  pa: ['bParam', 'cLit'],
  pb: ['bParam2', 'aLit2'],
  pc: ['bParam3', 'zLit3'],
  pd: ['zParam4', 'aLit4'],
} as const;
for (const [prefix, [param, literal]] of Object.entries(pairs)) {
  app.http(param, { route: `${prefix}/{id}`, handler: says('param') });
  app.http(literal, { route: `${prefix}/lit`, handler: says('literal') });
}

app.http('text', {
  methods: ['POST'],
  handler: async (request) => {
    const text = await request.text();
    return { jsonBody: { text, codes: [...text].map((char) => char.charCodeAt(0)) } };
  },
});
app.http('json', { methods: ['POST'], handler: async (request) => ({ jsonBody: { got: await request.json() } }) });
app.http('jsoncaught', {
  methods: ['POST'],
  handler: async (request) => {
    try {
      return { jsonBody: { got: await request.json() } };
    } catch (error) {
      const { name, message } = error as Error;
      return { status: 400, jsonBody: { name, message } };
    }
  },
});
app.http('form', {
  methods: ['POST'],
  handler: async (request) => ({ jsonBody: Object.fromEntries(await formOf(request)) }),
});

async function formOf(request: HttpRequest): Promise<Iterable<readonly [string, unknown]>> {
  return new URLSearchParams(await request.text());
}

async function* parts(broken = false) {
  for (const part of [0, 1, 2]) {
    if (broken && part === 1) throw new Error('broken');
    yield Buffer.from(`part${part}\n`);
  }
}

const thrower = (thrown: unknown) => () => {
  throw thrown;
};

const returns: Record<string, () => unknown> = {
  nothing: () => undefined,
  null: () => null,
  emptyObject: () => ({}),
  json: () => ({ jsonBody: { a: 1, d: new Date(0) } }),
  jsonNull: () => ({ jsonBody: null }),
  jsonFalse: () => ({ jsonBody: false }),
  jsonString: () => ({ jsonBody: 'text' }),
  jsonUndefined: () => ({ jsonBody: undefined }),
  bareString: () => 'text',
  bareNumber: () => 42,
  bareObjectUnknownKeys: () => ({ hello: 'world' }),
  string: () => ({ body: 'text' }),
  emptyString: () => ({ body: '' }),
  uint8: () => ({ body: new Uint8Array([104, 105]) }),
  urlsearch: () => ({ body: new URLSearchParams({ a: '1', b: 'x y' }) }),
  blob: () => ({ body: new Blob(['blob'], { type: 'text/plain' }) }),
  bodyObject: () => ({ body: { a: 1 } }),
  bodyNumber: () => ({ body: 42 }),
  bothBodies: () => ({ body: 'text', jsonBody: { a: 1 } }),
  s204: () => ({ status: 204 }),
  s204body: () => ({ status: 204, body: 'x' }),
  s204json: () => ({ status: 204, jsonBody: { a: 1 } }),
  s304body: () => ({ status: 304, body: 'x' }),
  s201: () => ({ status: 201, headers: { Location: '/x' } }),
  s404: () => ({ status: 404, body: 'own 404' }),
  s500: () => ({ status: 500, jsonBody: { err: 'own 500' } }),
  s418: () => ({ status: 418 }),
  s99: () => ({ status: 99 }),
  s600: () => ({ status: 600 }),
  s1000: () => ({ status: 1000 }),
  s100: () => ({ status: 100 }),
  sString: () => ({ status: '201' }),
  sBad: () => ({ status: 'abc' }),
  headers: () => ({ body: 'a,b', headers: { 'Content-Type': 'text/csv', 'X-One': '1', 'X-Upper-Case': 'Kept?' } }),
  headerArray: () => ({ body: 'x', headers: { 'x-multi': ['a', 'b'] } }),
  headerPairs: () => ({
    body: 'x',
    headers: [
      ['x-pair', '1'],
      ['x-pair', '2'],
    ],
  }),
  headersObj: () => {
    const headers = new Headers({ 'x-app': '1' });
    headers.append('x-app', '2');
    headers.append('set-cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    return { body: 'x', headers };
  },
  headerNumber: () => ({ body: 'x', headers: { 'x-num': 5, 'x-null': null, 'x-undef': undefined } }),
  headerBad: () => ({ body: 'x', headers: { 'x-bad': 'a\nb' } }),
  headerUnicode: () => ({ body: 'x', headers: { 'x-u': 'naïve' } }),
  headerWide: () => ({ body: 'x', headers: { 'x-u': '日本' } }),
  contentLength: () => ({ body: 'longer than one', headers: { 'Content-Length': '1' } }),
  server: () => ({ body: 'x', headers: { Server: 'mine', Connection: 'close' } }),
  cookies: () => ({
    body: 'x',
    cookies: [
      { name: 'a', value: '1' },
      {
        ...{
          name: 'b',
          value: 'x y;z',
          domain: 'example.org',
          path: '/p',
          secure: true,
          httpOnly: true,
          sameSite: 'Strict',
          maxAge: 60,
        },
        expires: new Date(Date.UTC(2030, 0, 1)),
      },
      { name: 'c', value: '', sameSite: 'None' },
    ],
  }),
  stream: () => ({ body: Readable.from(parts()) }),
  webstream: () => ({ body: Readable.toWeb(Readable.from(parts())) }),
  streamError: () => ({ body: Readable.from(parts(true)) }),
  httpresponse: () => new HttpResponse({ status: 203, body: 'obj', headers: { 'x-a': '1' } }),
  fetchResponse: () => new Response('fetch response', { status: 202, headers: { 'x-a': '1' } }),
  throwError: thrower(new Error('thrown')),
  throwString: thrower('thrown'),
  throwStatus: thrower(Object.assign(new Error('thrown'), { status: 404 })),
  throwUndefined: thrower(undefined),
  reject: () => Promise.reject(new Error('rejected')),
  throwLater: async () => {
    await Promise.resolve();
    throw new Error('later');
  },
};

app.http('ret', {
  route: 'ret/{kind}',
  methods: ['GET', 'HEAD'],
  handler: (request) => {
    const kind = returns[request.params.kind ?? ''];
    if (!kind) throw new Error('no such kind');
    return kind() as HttpResponseInit;
  },
});
