import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { readSampleCompany } from '../../local/laptop.ts';
import { samplePerson } from '../../local/people.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { type Answer, type Api, reader, sendRaw, startApi, until } from './api-support.ts';
import { signToken } from './support/sign-token.ts';

const portal = 'd0000000-0000-4000-8000-000000000004';
const analysts = 'b0000000-0000-4000-8000-000000000001';
const person = (number: number, name: string, displayName: string) => ({
  id: `e0000000-0000-4000-8000-0000000002${String(number).padStart(2, '0')}`,
  userPrincipalName: `${name}@contoso.example`,
  displayName,
  mail: `${name}@contoso.example`,
  jobTitle: null,
  managerId: null,
  accountEnabled: true,
  password: 'on-a-laptop',
  appRoles: [],
});

/** As people with the right to edit their own profile may call themselves. */
const hostileNames = [
  'Mal\r\nBcc: victim@evil.example\r\n\r\nhello',
  'Mal\nSubject: You are approved',
  '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>',
  '"Carla Reyes" <carla@contoso.example>',
  '=?utf-8?q?=0D=0ABcc:_victim@evil.example?=',
  '=?utf-8?b?4oCuZWxwbWF4ZS5saXZl?=',
  'Mal\u202eyrollaM\u0000\u2028\u200b',
  `Mal ${'x'.repeat(5000)}`,
];
const hostile = hostileNames.map((displayName, index) => person(index + 1, `mal${index + 1}`, displayName));
const kim = person(50, 'kim', 'Kim Sørensen');
const off = { ...person(51, 'olga', 'Olga Off'), accountEnabled: false };

function company() {
  const sample = readSampleCompany();
  const more = [...hostile, kim, off];
  const groups = sample.groups.map((group) =>
    group.id === analysts ? { ...group, members: [...group.members, ...more.map(({ id }) => id)] } : group,
  );
  return { ...sample, people: [...sample.people, ...more], groups };
}

let api: Api;
beforeAll(async () => {
  api = await startApi({ company: company(), control: true });
});
afterAll(() => api.close());

const withToken = (token: string, method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
  api.call(undefined, path, {
    method,
    headers: { 'content-type': 'application/json', ...more, authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
const outcome = ({ status, body }: Answer) => [status, body.code];

/** Every mail as it came over the wire. */
function rawMails(): { readonly to: readonly string[]; readonly raw: Buffer }[] {
  const store = new DatabaseSync(join(api.folder, 'mail.sqlite'), { readOnly: true });
  const rows = store.prepare('SELECT message, raw FROM messages').all() as { message: string; raw: Uint8Array }[];
  store.close();
  return rows.map(({ message, raw }) => ({ to: JSON.parse(message).to as string[], raw: Buffer.from(raw) }));
}

const headerNames = ['Content-Type', 'Date', 'From', 'Message-ID', 'MIME-Version', 'Subject', 'To'];

describe('a name in the directory', () => {
  test.each(hostile)('$displayName stays a name, in every mail and on every page', async ({ id, mail }) => {
    const token = await signToken(api, { oid: id, roles: ['Access.Request'] });
    const asked = await withToken(token, 'POST', '/requests', reader);
    expect(asked.status).toBe(202);
    const request = asked.body.id;
    const link = await api.linkOf('bob', request);
    const page = await api.openLink(link);
    const decided = await api.decide(link, { decision: 'approve' });
    expect([page.status, decided.status]).toEqual([200, 200]);
    // To both approvers, and to the requester when it was asked, decided and granted.
    const mails = await until(
      async () => rawMails().filter(({ raw }) => raw.includes(request)),
      (found) => found.length >= 5,
    );
    for (const { to, raw } of mails) {
      const { headers, subject = '', html = '', text = '', to: shownTo } = await PostalMime.parse(raw);
      expect(
        headers.map(({ originalKey }) => originalKey).toSorted((left = '', right = '') => left.localeCompare(right)),
      ).toEqual(headerNames);
      expect(to).toHaveLength(1);
      expect(shownTo?.map(({ address, name }) => [address, name])).toEqual([[to[0], '']]);
      expect(subject).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u200b\u2028]/u);
      // Not as an encoded word either, which a mail program would read as something else (RFC 2047, section 6.2).
      expect(subject).not.toMatch(/^\s*Bcc/);
      expect(subject.length).toBeLessThanOrEqual(120);
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}\u200b\u2028]|^(Bcc|Subject):/mu);
      expect(html).not.toMatch(/<script|<img/);
    }
    for (const { text } of [page, decided]) {
      expect(text).not.toMatch(/<script|<img|(?!\n)[\p{Cc}\p{Bidi_Control}\u200b\u2028]/u);
    }
    // Beside what they call themselves stands what they can't choose.
    expect(page.text).toContain(mail);
  });
});

describe('an application that asks for a person', () => {
  let token: string;
  beforeAll(async () => {
    token = await api.applicationTokenOf('ticket-portal');
  });
  const askFor = (name: unknown, more: object = {}, query = '', headers: Record<string, string> = {}) =>
    withToken(token, 'POST', `/requests${query}`, { ...reader, ...more, for: name }, headers);
  const own = (method: string, path: string, body?: object) => withToken(token, method, path, body);

  const ada = samplePerson('ada').id;
  test.each(['ada@contoso.example', 'ADA@Contoso.EXAMPLE', ada, ada.toUpperCase()])(
    'may name them %s',
    async (name) => {
      const { status, body } = await askFor(name, {}, '?dryRun=true');
      expect([status, body.requester.principalId]).toEqual([200, ada]);
    },
  );

  test.each([
    'ａda@contoso.example',
    'ada＠contoso.example',
    'аda@contoso.example',
    'a\u0301da@contoso.example',
    'ada\u0307@contoso.example',
    'ada@contoso.example.',
    'ada@contoso。example',
    'ada@conto\u017fo.example',
    '\u212aim@contoso.example',
    'k\u0131m@contoso.example',
    'k\u0130m@contoso.example',
    'ki\u0307m@contoso.example',
    'KİM@CONTOSO.EXAMPLE',
    'ada@contoso.example\u00ad',
    ' ada@contoso.example',
    'ada@contoso.example ',
    'ada@contoso.example\n',
    'ada@contoso.example\t',
    'ada%40contoso.example',
    'ada@contoso.example%00',
    'ada@contoso.example?$select=id',
    'ada@contoso.example/manager',
    'ada@contoso.example,bob@contoso.example',
    'ada+x@contoso.example',
    '../users/ada@contoso.example',
    '<ada@contoso.example>',
    'Ada Lindqvist <ada@contoso.example>',
    'Ada Lindqvist',
    'ada',
    'me',
    '$count',
    '__proto__',
    '',
    `{${ada}}`,
    `${ada} `,
    ada.replaceAll('-', ''),
    ada.replace('a', 'а'),
    portal,
    analysts,
    'c0000000-0000-4000-8000-000000000004',
    'ticket-portal',
    'nobody@contoso.example',
    off.userPrincipalName,
    off.id,
  ])('may not name them %j', async (name) => {
    const expected = [403, 'CURFEW_PRINCIPAL_UNKNOWN'];
    expect(outcome(await askFor(name))).toEqual(expected);
    expect(outcome(await askFor(name, {}, '?dryRun=true'))).toEqual(expected);
  });

  test.each([
    ['ada@contoso.example\u200b', 422, 'CURFEW_TEXT_UNSAFE'],
    ['\u202eada@contoso.example', 422, 'CURFEW_TEXT_UNSAFE'],
    ['ada@contoso.example\u0000', 422, 'CURFEW_TEXT_UNSAFE'],
    ['ada@contoso.example\r', 422, 'CURFEW_TEXT_UNSAFE'],
    [7, 400, 'CURFEW_BODY_INVALID'],
    [null, 400, 'CURFEW_BODY_INVALID'],
    [['ada@contoso.example'], 400, 'CURFEW_BODY_INVALID'],
    [{ principalId: ada }, 400, 'CURFEW_BODY_INVALID'],
    [`${'a'.repeat(200)}@contoso.example`, 400, 'CURFEW_BODY_INVALID'],
  ] as const)('may not name them %j at all', async (name, status, code: ErrorCode) => {
    const answer = await askFor(name);
    expect([...outcome(answer), answer.body.path]).toEqual([status, code, '/for']);
  });

  test('stands beside the person in the record, and both may see it, take it back and end it', async () => {
    const ends = {
      withdraw: async (id: string) => id,
      revoke: async (id: string) => {
        await api.approve('bob', id);
        return (await api.untilState(id, 'granted')).id;
      },
    };
    for (const [action, prepare] of Object.entries(ends)) {
      for (const by of ['the application', 'the person']) {
        const { id } = (await askFor('ada@contoso.example')).body;
        await prepare(id);
        const shown = [await own('GET', `/requests/${id}`), await api.call('ada', `/requests/${id}`)];
        for (const { body } of shown) {
          expect(body).toMatchObject({ requester: { principalId: ada }, submittedBy: { name: 'ticket-portal' } });
        }
        const ended =
          by === 'the person'
            ? await api.post('ada', `/requests/${id}/${action}`)
            : await own('POST', `/requests/${id}/${action}`);
        expect([by, action, ended.status]).toEqual([by, action, 200]);
        const { events, chain } = (await own('GET', `/requests/${id}/events`)).body;
        expect(chain).toBe('intact');
        expect(events[0]?.event).toMatchObject({
          type: 'access-requested',
          requester: { principalId: ada },
          submittedBy: { principalId: portal },
        });
        const told = JSON.stringify(events.find(({ event }) => /withdrawn|revocation-began/.test(event.type)));
        expect(told).toContain(by === 'the person' ? 'ada@contoso.example' : 'ticket-portal');
      }
    }
  });

  test('makes them the requester, who decides nothing, and decides nothing itself', async () => {
    const { groups } = readSampleCompany();
    const members = groups.find(({ id }) => id === analysts)?.members ?? [];
    await api.control('PUT', `groups/${analysts}/members`, { members: [...members, samplePerson('bob').id] });
    const { id } = (await askFor('bob@contoso.example')).body;
    expect(outcome(await api.post('bob', `/requests/${id}/decision`, { decision: 'approve' }))).toEqual([
      403,
      'CURFEW_SELF_APPROVAL',
    ]);
    const strong = await signToken(api, { oid: portal, roles: ['Access.Approve'], isApplication: true });
    const decided = await withToken(strong, 'POST', `/requests/${id}/decision`, { decision: 'approve' });
    expect(outcome(decided)).toEqual([403, 'CURFEW_NOT_A_PERSON']);
    await api.control('PUT', `groups/${analysts}/members`, { members: [...members, kim.id, off.id] });
  });

  test('sees and ends none of the requests that the person made without it', async () => {
    const id = await api.asked('ada');
    for (const [method, path] of [
      ['GET', `/requests/${id}`],
      ['GET', `/requests/${id}/events`],
      ['POST', `/requests/${id}/withdraw`],
      ['POST', `/requests/${id}/revoke`],
    ] as const) {
      expect(outcome(await own(method, path))).toEqual([404, 'CURFEW_REQUEST_NOT_FOUND']);
    }
  });

  test('asks neither for itself with that role alone, nor by breaking a glass', async () => {
    const itself = await own('POST', '/requests', reader);
    expect([...outcome(itself), itself.body.path]).toEqual([403, 'CURFEW_FORBIDDEN', '/for']);
    const broken = await askFor('carla@contoso.example', { role: 'writer', breakGlass: true });
    expect([...outcome(broken), broken.body.path]).toEqual([403, 'CURFEW_BREAK_GLASS_REFUSED', '/for']);
  });

  test('is no person: a person with its role asks for nobody else, and not for themselves by naming themselves', async () => {
    const oid = samplePerson('carla').id;
    const strong = await signToken(api, { oid, roles: ['Access.Request', 'Access.RequestForOthers'] });
    for (const name of ['ada@contoso.example', 'carla@contoso.example']) {
      const answer = await withToken(strong, 'POST', '/requests', { ...reader, for: name });
      expect([...outcome(answer), answer.body.path]).toEqual([403, 'CURFEW_FORBIDDEN', '/for']);
    }
  });

  test('has keys of its own: one that the person has used before is another request', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const [theirs, its, again] = [
      await api.ask('ada', {}, headers),
      await askFor('ada@contoso.example', {}, '', headers),
      await askFor('ada@contoso.example', {}, '', headers),
    ];
    expect([theirs.status, its.status]).toEqual([202, 202]);
    expect(its.body.id).not.toBe(theirs.body.id);
    expect(again.body.id).toBe(its.body.id);
    const other = await askFor('fionn@contoso.example', {}, '', headers);
    expect(outcome(other)).toEqual([422, 'CURFEW_IDEMPOTENCY_MISMATCH']);
  });
});

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
    // Two Host lines are no request; an absolute address counts for more than one (RFC 9112, section 3.2.2).
    const head = [
      'POST http://evil.example/api/requests HTTP/1.1',
      bearer,
      ...forged,
      `content-length: ${body.length}`,
    ];
    const { status, text } = await sendRaw(api.ports.api, head, body);
    expect(status).toBe(202);
    expect(text).not.toContain('evil');
    const id = /location: \/api\/requests\/(\S+)/i.exec(text)?.[1] ?? '';
    const link = await api.linkOf('bob', id);
    expect(link.startsWith(`${api.base}/approvals/`)).toBe(true);
    const { pathname } = new URL(link);
    const opened = await sendRaw(api.ports.api, [`GET http://evil.example${pathname} HTTP/1.1`, ...forged]);
    expect(opened.status).toBe(302);
    expect(opened.text).not.toContain('evil');
    for (const { raw } of rawMails()) if (raw.includes(id)) expect(raw.includes('evil')).toBe(false);
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
    const broken = await withToken(await breaker(), 'POST', '/requests', {
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
    expect((await withToken(token, 'GET', '/targets')).status).toBe(200);
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
    expect(outcome(await withToken(token, 'GET', `/requests/${id}`))).toEqual([404, 'CURFEW_REQUEST_NOT_FOUND']);
    expect(outcome(await withToken(token, 'POST', '/requests', reader))).toEqual([403, 'CURFEW_FORBIDDEN']);
  });
});
