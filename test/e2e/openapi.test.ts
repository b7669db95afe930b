import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationName } from '../../functions/openapi/operations.ts';
import { applicationTokenFor, tokenFor } from '../../local/people.ts';
import { type Described, type DescribedOperation, operationsOf, problemsBy } from '../support/openapi.ts';
import { type Answer, type Api, startApi, until } from './api-support.ts';

let api: Api;
let document: Described;
let problemsOf: ReturnType<typeof problemsBy>;
beforeAll(async () => {
  api = await startApi();
  const { body } = await api.call(undefined, '/openapi.json');
  document = body as unknown as Described;
  problemsOf = problemsBy(document);
});
afterAll(() => api.close());

interface Sent {
  /** In the address. */
  readonly id?: string;
  readonly query?: string;
  /** The name of one of the operation's examples, which is sent as it stands but for `change`. */
  readonly example?: string;
  readonly change?: object;
  readonly body?: object | string;
  readonly headers?: Record<string, string>;
}

/** Sends what the document says is sent, and holds the answer against what it says is answered. */
async function send(who: string | undefined, name: OperationName, sent: Sent = {}): Promise<Answer> {
  const [path, method] = addressOf(name);
  const { id = '', query = '', change, headers } = sent;
  const body = sent.example === undefined ? sent.body : { ...exampleOf(name, sent.example), ...change };
  const address = path.replace(/\{\w+\}/, id) + query;
  const answer =
    method === 'post' ? await api.post(who, address, body, headers) : await api.call(who, address, { headers });
  return asDescribed(name, answer);
}

/** The answer, whose status, headers, media type and every property the document knows. */
function asDescribed(name: OperationName, answer: Answer): Answer {
  const { status, headers, text, body } = answer;
  const response = operationOf(name).responses[status];
  if (!response) throw new Error(`${name} is not described to answer ${status}: ${text}`);
  for (const header of Object.keys(response.headers ?? {}))
    expect([header, headers.has(header)]).toEqual([header, true]);
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  if (!response.content) expect([name, status, text]).toEqual([name, status, '']);
  else expect([name, status, Object.keys(response.content)]).toEqual([name, status, [type]]);
  const ref = response.content?.[type]?.schema.$ref;
  if (ref !== undefined) expect(problemsOf(ref, body), text).toEqual([]);
  if (type === 'application/problem+json') expect(response.description).toContain(`\`${body.code}\``);
  return answer;
}

function operationOf(name: OperationName): DescribedOperation {
  const found = operationsOf(document).find(({ operationId }) => operationId === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

function addressOf(name: OperationName): [path: string, method: string] {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { operationId }] of Object.entries(methods)) if (operationId === name) return [path, method];
  }
  throw new Error(`there is no ${name}`);
}

const replayed = new Set<string>();
function exampleOf(name: OperationName, example: string): object {
  const [content] = Object.values(operationOf(name).requestBody?.content ?? {});
  const found = content?.examples?.[example];
  if (!found) throw new Error(`${name} has no example ${example}`);
  replayed.add(`${name} ${example}`);
  return found.value;
}

const scope = 'api://curfew/.default';
const bearing = async (token: Promise<string>) => ({ authorization: `Bearer ${await token}` });

describe('every example can be sent, and every answer is as it was described', () => {
  test('from the preview to the early end, and the extension between', async () => {
    await send('ada', 'listTargets');
    const preview = await send('ada', 'submitRequest', { example: 'reading', query: '?dryRun=true' });
    expect([preview.status, preview.body.dryRun]).toEqual([200, true]);

    const asked = await send('ada', 'submitRequest', { example: 'reading', headers: { 'idempotency-key': 'one' } });
    expect([asked.status, asked.body.state]).toEqual([202, 'waiting-for-approval']);
    const { id } = asked.body;
    const again = { 'if-none-match': asked.headers.get('etag') ?? '' };
    expect((await send('ada', 'getRequest', { id, headers: again })).status).toBe(304);

    const decided = await send('bob', 'decideRequest', { id, example: 'approve' });
    expect([decided.status, decided.body.state]).toEqual([200, 'granted']);
    const late = await send('carla', 'decideRequest', { id, example: 'deny' });
    expect([late.status, late.body.code]).toEqual([409, 'CURFEW_ALREADY_DECIDED']);

    const wouldBe = await send('ada', 'extendRequest', { id, example: 'longer', query: '?dryRun=true' });
    expect(wouldBe.status).toBe(200);
    const extension = await send('ada', 'extendRequest', { id, example: 'longer' });
    const less = await send('bob', 'decideRequest', { id: extension.body.id, example: 'approveLess' });
    expect([less.status, less.body.duration]).toEqual([200, 'PT30M']);
    await api.untilState(extension.body.id, 'extended');
    await send('ada', 'getRequest', { id: extension.body.id });

    const ended = await send('ada', 'revokeRequest', { id, example: 'done' });
    expect([ended.status, ended.body.state]).toEqual([200, 'revoked']);
    expect((await send('ada', 'revokeRequest', { id })).body.code).toBe('CURFEW_REQUEST_ENDED');
    expect((await send('ada', 'getRequest', { id })).body.state).toBe('revoked');
    expect((await send('carla', 'getEvents', { id })).body.chain).toBe('intact');
    expect((await send('ada', 'listRequests', { query: '?requester=me&limit=1' })).body.requests).toHaveLength(1);

    const denied = (await send('ada', 'submitRequest', { example: 'reading' })).body.id;
    expect((await send('bob', 'decideRequest', { id: denied, example: 'deny' })).body.state).toBe('denied');
    const withdrawn = await send('ada', 'withdrawRequest', { id: denied });
    expect([withdrawn.status, withdrawn.body.request?.state]).toEqual([409, 'denied']);

    const start = { startsAt: new Date(Date.now() + 86_400_000).toISOString() };
    const headers = await bearing(tokenFor('ada', api.entra.authority, scope, { amr: ['pwd', 'mfa'] }));
    const planned = await send('ada', 'submitRequest', { example: 'planned', change: start, headers });
    expect(planned.status).toBe(202);
    expect((await send('ada', 'withdrawRequest', { id: planned.body.id })).body.state).toBe('withdrawn');

    const glass = await send('carla', 'submitRequest', { example: 'emergency' });
    await until(
      () => send('carla', 'getRequest', { id: glass.body.id }),
      ({ body }) => body.state === 'granted',
    );
    const early = await send('bob', 'reviewRequest', { id: glass.body.id, example: 'reviewed' });
    expect(early.body.code).toBe('CURFEW_NOT_DUE');
    await send('carla', 'revokeRequest', { id: glass.body.id });
    expect((await send('bob', 'reviewRequest', { id: glass.body.id, example: 'reviewed' })).status).toBe(200);
    await send('carla', 'getEvents', { id: glass.body.id });
    await send('carla', 'listRequests');

    const portal = await bearing(applicationTokenFor('ticket-portal', api.entra.authority, scope));
    const forAda = await send(undefined, 'submitRequest', { example: 'forSomebody', headers: portal });
    expect(forAda.status).toBe(202);
    const link = await api.linkOf('bob', forAda.body.id);
    expect(asDescribed('getApproval', await api.openLink(link)).status).toBe(200);
    const { csrf: _, ...form } = exampleOf('postApproval', 'approve') as Record<string, string>;
    expect(asDescribed('postApproval', await api.decide(link, form)).status).toBe(200);
    expect(asDescribed('postApproval', await api.decide(link, form)).status).toBe(409);
    await send(undefined, 'getRequest', { id: forAda.body.id, headers: portal });
    await send(undefined, 'revokeRequest', { id: forAda.body.id, headers: portal });

    const every = operationsOf(document).flatMap(({ operationId, requestBody }) =>
      Object.values(requestBody?.content ?? {}).flatMap(({ examples = {} }) =>
        Object.keys(examples).map((example) => `${operationId} ${example}`),
      ),
    );
    expect(replayed).toEqual(new Set(every));
  }, 60_000);

  test('the example of a refusal is what is really answered', async () => {
    const { status, body } = await send('ada', 'submitRequest', { example: 'reading', change: { duration: '9h' } });
    expect(status).toBe(422);
    const described = operationOf('submitRequest').responses[422]?.content?.['application/problem+json']?.examples;
    expect(described?.tooLong?.value).toEqual(body);
  });

  test.each<[status: number, name: OperationName, who: string | undefined, sent: Sent]>([
    [401, 'listTargets', undefined, {}],
    [403, 'decideRequest', 'ada', { id: 'req-00000000000000000000000000', body: {} }],
    [404, 'getRequest', 'ada', { id: 'req-00000000000000000000000000' }],
    [404, 'getEvents', 'ada', { id: 'mine' }],
    [400, 'listRequests', 'ada', { query: '?state=gone' }],
    [400, 'submitRequest', 'ada', { query: '?dryrun=true', body: {} }],
    [400, 'submitRequest', 'ada', { body: { target: 'orders' } }],
    [413, 'submitRequest', 'ada', { body: 'x'.repeat(70_000) }],
    [422, 'submitRequest', 'ada', { body: { target: 'orders', role: 'reader', reason: '\u202e' } }],
    [422, 'submitRequest', 'eve', { body: { target: 'orders', role: 'reader' } }],
    [403, 'submitRequest', 'ada', { body: { target: 'orders', role: 'reader', for: 'bob@contoso.example' } }],
    [200, 'health', undefined, {}],
    [200, 'openApi', undefined, {}],
    [404, 'getApproval', undefined, { id: 'x'.repeat(43) }],
    [404, 'postApproval', undefined, { id: 'x'.repeat(43) }],
    [400, 'finishSignIn', undefined, { query: '?state=x&code=y' }],
    [401, 'signOut', undefined, {}],
    [200, 'signedOut', undefined, {}],
  ])('%i from %s', async (status, name, who, sent) => {
    expect((await send(who, name, sent)).status).toBe(status);
  });

  test('a link is followed to the sign-in', async () => {
    const id = await api.asked('ada');
    const { pathname } = new URL(await api.linkOf('bob', id));
    const answer = await send(undefined, 'getApproval', { id: pathname.split('/').at(-1) });
    expect(answer.status).toBe(302);
  });
});

test('the document is for everybody, and names this address', async () => {
  const { status, headers } = await api.call(undefined, '/openapi.json');
  expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(document.servers).toEqual([{ url: api.base }]);
});
