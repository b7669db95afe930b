import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGraphDirectory } from '../../../../shared/adapters/entra/directory.ts';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { instantOf } from '../../../../shared/domain/time.ts';
import type { Directory } from '../../../../shared/ports.ts';

const ada = 'a0000000-0000-4000-8000-000000000001' as PrincipalId;
const robot = 'd0000000-0000-4000-8000-000000000004' as PrincipalId;
const user = {
  id: ada,
  displayName: 'Ada Lindqvist',
  userPrincipalName: 'ada@contoso.example',
  mail: null,
  accountEnabled: true,
};
const unavailable = expect.objectContaining({ code: 'CURFEW_DIRECTORY_UNAVAILABLE' });

interface Scripted {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Graph as the test writes it: one answer a call, the last one for all further calls. */
let server: Server;
let script: Scripted[];
let asked: string[];
let directory: Directory;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const { status = 200, headers = {}, body = {} } = (script.length > 1 ? script.shift() : script[0]) ?? {};
    response.writeHead(status, headers).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  [script, asked] = [[], []];
  directory = createGraphDirectory({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1.0`,
    credential: { getToken: () => Promise.resolve({ token: 'token', expiresOnTimestamp: 0 }) },
    clock: {
      now: () => instantOf(Date.parse('2026-11-21T09:00:00Z')),
      sleepUntil: async (instant) => void asked.push(`waited until ${instant}`),
    },
  });
});
afterAll(() => server.close());

describe('a person', () => {
  test.each([
    '',
    'me',
    '$count',
    'ada',
    '../groups/x',
    'ada@contoso.example/manager',
    'ada@contoso.example?$select=id',
    '/@contoso.example',
    "x('ada@contoso.example')",
    'ada\\..@contoso.example',
    'ada@contoso.example\n',
    'ada@b@contoso.example',
    `${ada}/manager`,
  ])('is nobody where the name is %j, and Graph is not asked', async (name) => {
    expect(await directory.person(name)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('who has a guest’s name is asked for by all of it', async () => {
    const userPrincipalName = 'eve_partner.example#EXT#@contoso.example';
    script = [{ body: { ...user, userPrincipalName } }];
    expect(await directory.person(userPrincipalName)).toMatchObject({ userPrincipalName });
    expect(asked[0]).toMatch(/^GET \/v1\.0\/users\/eve_partner\.example%23EXT%23%40contoso\.example\?\$select=/);
  });

  test('is taken whatever the case of ASCII letters in the name or the id', async () => {
    script = [{ body: { ...user, id: ada.toUpperCase(), userPrincipalName: 'Ada@Contoso.example' } }];
    expect((await directory.person('aDA@contoso.example'))?.principalId).toBe(ada);
    expect((await directory.person(ada.toUpperCase()))?.principalId).toBe(ada);
  });

  test.each([
    ['bob@contoso.example', 'ada@contoso.example'],
    // The Kelvin sign, whose lower case is k.
    ['\u212aarl@contoso.example', 'karl@contoso.example'],
  ])('whom Graph gives under the name %s is not %s', async (userPrincipalName, name) => {
    script = [{ body: { ...user, userPrincipalName } }];
    expect(await directory.person(name)).toBeUndefined();
  });

  test('whom Graph gives under another id is nobody', async () => {
    script = [{ body: { ...user, id: robot } }];
    expect(await directory.person(ada)).toBeUndefined();
  });

  test('whose account may be on or off is no answer', async () => {
    const { accountEnabled: _, ...unsure } = user;
    script = [{ body: unsure }];
    await expect(directory.person(ada)).rejects.toEqual(unavailable);
  });
});

test('an application under another id is nobody', async () => {
  script = [{ body: { id: ada, appId: robot, displayName: 'x', accountEnabled: true } }];
  expect(await directory.application(robot)).toBeUndefined();
});

test('a manager who is a contact without an account is nobody', async () => {
  script = [{ body: { '@odata.type': '#microsoft.graph.orgContact', id: robot, displayName: 'Nobody' } }];
  expect(await directory.manager(ada)).toBeUndefined();
});

test('a next page on another host is not followed', async () => {
  script = [{ body: { value: [user], '@odata.nextLink': 'https://graph.example/v1.0/groups' } }];
  await expect(directory.groupMembers(robot)).rejects.toEqual(unavailable);
  expect(asked).toHaveLength(1);
});

describe('Graph that is busy', () => {
  test.each([429, 503])('with %i and a short pause is asked once more, after the pause', async (status) => {
    script = [{ status, headers: { 'retry-after': '2' } }, { body: user }];
    expect((await directory.person(ada))?.principalId).toBe(ada);
    expect(asked).toEqual([asked[0], 'waited until 2026-11-21T09:00:02.000Z', asked[0]]);
  });

  test('after that too is out of reach', async () => {
    script = [{ status: 429, headers: { 'retry-after': '0' } }];
    await expect(directory.memberGroups({ principalId: ada }, [robot])).rejects.toEqual(unavailable);
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(2);
  });

  test('for longer says until when', async () => {
    script = [{ status: 429, headers: { 'retry-after': '120' } }];
    await expect(directory.person(ada)).rejects.toMatchObject({ refusal: { retryAfter: 120 } });
    expect(asked).toHaveLength(1);
  });

  test.each<[string, Scripted]>([
    ['asks for more patience', { status: 429, headers: { 'retry-after': '3' } }],
    ['names a date', { status: 503, headers: { 'retry-after': 'Sat, 21 Nov 2026 09:00:01 GMT' } }],
    ['says nothing of when', { status: 503 }],
    ['fails', { status: 500, headers: { 'retry-after': '0' } }],
    ['refuses', { status: 403 }],
    ['sends elsewhere', { status: 302, headers: { location: 'https://graph.example/' } }],
    ['answers with something else', { body: [] }],
  ])('or %s is out of reach at once', async (_what, answer) => {
    script = [answer];
    await expect(directory.person(ada)).rejects.toEqual(unavailable);
    expect(asked).toHaveLength(1);
  });
});
