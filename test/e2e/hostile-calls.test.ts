import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { samplePerson } from '../../local/people.ts';
import { type Api, outcome, reader, sendRaw, startApi } from './api-support.ts';
import { signToken } from './support/sign-token.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('a method', () => {
  test.each(routes)('that $name does not have is an empty 404', async ({ path }) => {
    const known = routes.filter((route) => route.path === path).map(({ method }) => method as string);
    const address = path.replace('{id}', `req-${'0'.repeat(26)}`).replace('{token}', 'A'.repeat(43));
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']) {
      if (known.includes(method)) continue;
      const { status, text, headers } = await api.call('carla', `/${address}`, {
        method,
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      });
      expect([method, status, text]).toEqual([method, 404, '']);
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('that stands in a header or in the query is nobody’s', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      const { status } = await api.call('ada', `/requests/${id}/withdraw`, { headers: { [name]: 'POST' } });
      expect(status).toBe(404);
      const read = await api.call('ada', `/requests/${id}`, { headers: { [name]: 'DELETE' } });
      expect(read.body.state).toBe('waiting-for-approval');
      const { browser, csrf } = await api.signInAs('bob', link);
      const form = new URLSearchParams({ csrf, decision: 'approve', _method: 'POST' });
      const opened = await browser.send(`${link}?${form}`, { headers: { [name]: 'POST' } });
      expect(opened.status).toBe(200);
    }
    expect((await api.shown(id)).state).toBe('waiting-for-approval');
  });
});

describe('an address', () => {
  test('that only looks like a request’s changes nothing, and shows nothing', async () => {
    const id = await api.asked('ada');
    const letters = id.replaceAll(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    for (const other of [
      id.toUpperCase(),
      `${id}%00`,
      `${id}%20`,
      `${id};a=b`,
      `${id}.json`,
      `%2e%2e%2frequests%2f${id}`,
      `..%5c${id}`,
      `${id}%2f`,
      encodeURIComponent(letters),
      `${id.slice(0, -1)}%EF%BF%BD`,
      'x'.repeat(7000),
      'req-é',
    ]) {
      for (const action of ['', '/events'])
        expect((await api.call('ada', `/requests/${other}${action}`)).status).not.toBe(200);
      for (const action of ['/withdraw', '/revoke', '/decision', '/extension']) {
        const { status } = await api.post('ada', `/requests/${other}${action}`);
        expect([400, 403, 404, 414]).toContain(status);
      }
    }
    expect((await api.shown(id)).state).toBe('waiting-for-approval');
  });

  test('that is spelt otherwise, as the host allows, is under the same guard', async () => {
    const id = await api.asked('ada');
    for (const path of [`/requests/${id}/`, `/REQUESTS/${id}`, `/./requests/${id}`, `/x/../requests/${id}`]) {
      const raw = (bearer: string[]) => sendRaw(api.ports.api, [`GET /api${path} HTTP/1.1`, ...bearer]);
      expect([401, 404]).toContain((await raw([])).status);
      expect((await raw([`authorization: Bearer ${await api.tokenOf('eve')}`])).status).toBe(404);
    }
  });

  test.each([
    'after=..%2f..%2f',
    'after=%00',
    'after=__proto__',
    'after=%F0%9F%92%A9',
    'after=%7B%22%24gt%22%3A%22%22%7D',
    'target=%00',
    'target=__proto__',
    'target=orders%2F..',
    'target=%EF%BD%8Frders',
    'target=ORDERS',
  ])('with %s shows nobody anything of others', async (query) => {
    await api.asked('ada');
    const { status, body } = await api.call('eve', `/requests?${query}`);
    expect([200, 400]).toContain(status);
    expect(body.requests ?? []).toEqual([]);
    if (query.startsWith('target')) expect((await api.call('carla', `/requests?${query}`)).body.requests).toEqual([]);
  });

  test('with a cursor out of somebody else’s list begins there in one’s own', async () => {
    await api.asked('ada');
    await api.asked('fionn');
    const { next = '' } = (await api.call('carla', '/requests?limit=1')).body;
    expect(next).not.toBe('');
    const { requests } = (await api.call('ada', `/requests?after=${encodeURIComponent(next)}`)).body;
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.filter(({ requester }) => requester.principalId !== ada())).toEqual([]);
  });
  const ada = () => samplePerson('ada').id;

  test.each([
    'dryRun=TRUE',
    'dryRun=True',
    'dryRun=1',
    'dryRun',
    'dryRun=true&dryRun=false',
    'dryRun=false&DryRun=true',
    'dryRun=true%00',
  ])('with ?%s is neither a dry run nor a request', async (query) => {
    const before = (await api.documents('events')).length;
    expect(outcome(await api.post('ada', `/requests?${query}`, reader))).toEqual([400, 'CURFEW_PARAMETER_INVALID']);
    expect((await api.documents('events')).length).toBe(before);
  });

  test('is never made from what a caller says Curfew’s host is', async () => {
    const body = JSON.stringify(reader);
    const bearer = `authorization: Bearer ${await api.tokenOf('ada')}`;
    const forged = [
      'x-forwarded-host: evil.example',
      'x-forwarded-proto: https',
      'x-original-host: evil.example',
      'x-original-url: /api/requests/evil',
      'forwarded: host=evil.example',
    ];
    // Two Host lines are no request, and neither is an absolute address that names another host.
    const absolute = ['POST http://evil.example/api/requests HTTP/1.1', bearer, `content-length: ${body.length}`];
    expect((await sendRaw(api.ports.api, absolute, body)).status).toBe(400);
    const head = ['POST /api/requests HTTP/1.1', bearer, ...forged, `content-length: ${body.length}`];
    const { status, text } = await sendRaw(api.ports.api, head, body);
    expect(status).toBe(202);
    expect(text).not.toContain('evil');
    const id = /location: \/api\/requests\/(\S+)/i.exec(text)?.[1] ?? '';
    const link = await api.linkOf('bob', id);
    expect(link.startsWith(`${api.base}/approvals/`)).toBe(true);
    const { pathname } = new URL(link);
    const opened = await sendRaw(api.ports.api, [`GET ${pathname} HTTP/1.1`, ...forged]);
    expect(opened.status).toBe(302);
    expect(opened.text).not.toContain('evil');
    for (const { raw } of api.rawMails()) if (raw.includes(id)) expect(raw.includes('evil')).toBe(false);
  });
});

describe('a body', () => {
  const size = 64 * 1024;
  const padded = (bytes: number) => JSON.stringify(reader).padEnd(bytes);

  test('of exactly 64 KiB is read, and of one byte more is not', async () => {
    expect((await api.post('ada', '/requests?dryRun=true', padded(size))).status).toBe(200);
    expect(outcome(await api.post('ada', '/requests?dryRun=true', padded(size + 1)))).toEqual([
      413,
      'CURFEW_BODY_TOO_LARGE',
    ]);
    // Bytes count, not characters.
    const wide = JSON.stringify({ ...reader, reason: 'é'.repeat(size / 2) });
    expect(wide.length).toBeLessThan(size);
    expect(outcome(await api.post('ada', '/requests?dryRun=true', wide))).toEqual([413, 'CURFEW_BODY_TOO_LARGE']);
  });

  test('is read as JSON whatever it is said to be', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'image/png',
    ]) {
      const { status } = await api.post('ada', '/requests?dryRun=true', reader, { 'content-type': type });
      expect([type, status]).toEqual([type, 200]);
    }
    for (const text of [
      `\ufeff${JSON.stringify(reader)}`,
      'target=orders&role=reader',
      '<target>orders</target>',
      'NaN',
    ]) {
      expect(outcome(await api.post('ada', '/requests', text))).toEqual([400, 'CURFEW_BODY_INVALID']);
    }
  });

  test('with a key twice means the last one, and the answer says what was understood', async () => {
    const twice = '{"target":"orders","role":"reader","reason":"a","role":"writer","duration":"1h"}';
    const { status, body } = await api.post('ada', '/requests?dryRun=true', twice);
    expect([status, body.role]).toEqual([200, 'writer']);
  });

  test('of deep nesting is refused like any other', async () => {
    const deep = `${'['.repeat(32_000)}${']'.repeat(32_000)}`;
    const objects = `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`;
    for (const text of [deep, objects, `{"reason":${deep}}`]) {
      expect(outcome(await api.post('ada', '/requests', text))).toEqual([400, 'CURFEW_BODY_INVALID']);
    }
  });

  test('that forges a prototype or has numbers for words is refused on every route that reads one', async () => {
    const id = await api.asked('ada');
    const before = await api.documents('events');
    const wrong = [
      '{"__proto__":{"decision":"approve","comment":"x","duration":"1h","reason":"x"}}',
      '{"constructor":{"prototype":{"decision":"approve"}},"decision":"approve","comment":"x","duration":"1h"}',
      '{"decision":1,"comment":7,"duration":60,"reason":7}',
      '{"decision":["approve"],"comment":["x"],"duration":["1h"],"reason":{"toString":"x"}}',
      '{"decision":true,"comment":null,"duration":null,"reason":null}',
      '[]',
      '7',
    ];
    const broken = await api.withToken(await breaker(), 'POST', '/requests', {
      ...reader,
      role: 'writer',
      breakGlass: true,
    });
    expect(broken.status).toBe(202);
    for (const text of wrong) {
      for (const [name, path] of [
        ['bob', `/requests/${id}/decision`],
        ['bob', `/requests/${broken.body.id}/review`],
        ['ada', `/requests/${id}/extension`],
        ['ada', `/requests/${id}/revoke`],
      ] as const) {
        expect([path, text, ...outcome(await api.post(name, path, text))]).toEqual([
          path,
          text,
          400,
          'CURFEW_BODY_INVALID',
        ]);
      }
    }
    const own = (events: readonly Record<string, unknown>[]) => events.filter(({ requestId }) => requestId === id);
    expect(own(await api.documents('events'))).toEqual(own(before));
    expect(({} as Record<string, unknown>).decision).toBeUndefined();
  });
  const breaker = () => signToken(api, { oid: samplePerson('carla').id, roles: ['Access.Request'] });
});

describe('a token', () => {
  test('that another client of the tenant got for Curfew is as good as any: what counts is whom it is for', async () => {
    const claims = { azp: 'c0000000-0000-4000-8000-00000000abcd' };
    const token = await signToken(api, { oid: samplePerson('ada').id, roles: ['Access.Request'], claims });
    expect((await api.withToken(token, 'GET', '/targets')).status).toBe(200);
  });

  test('gives no role by another name of it', async () => {
    const names = [
      'access.administer',
      'Access.Administer ',
      'Access.*',
      '*',
      'Access.Administer,Access.Audit',
      '__proto__',
    ];
    const id = await api.asked('ada');
    const token = await signToken(api, {
      oid: samplePerson('eve').id,
      roles: [],
      claims: { roles: names, wids: names, groups: names },
    });
    expect(outcome(await api.withToken(token, 'GET', `/requests/${id}`))).toEqual([404, 'CURFEW_REQUEST_NOT_FOUND']);
    expect(outcome(await api.withToken(token, 'POST', '/requests', reader))).toEqual([403, 'CURFEW_FORBIDDEN']);
  });
});
