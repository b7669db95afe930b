import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSampleCompany } from '../../local/laptop.ts';
import { samplePerson } from '../../local/people.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { type Api, outcome, reader, startApi, until } from './api-support.ts';
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

const headerNames = ['Content-Type', 'Date', 'From', 'Message-ID', 'MIME-Version', 'Subject', 'To'];

describe('a name in the directory', () => {
  test.each(hostile)('$displayName stays a name, in every mail and on every page', async ({ id, mail }) => {
    const token = await signToken(api, { oid: id, roles: ['Access.Request'] });
    const asked = await api.withToken(token, 'POST', '/requests', reader);
    expect(asked.status).toBe(202);
    const request = asked.body.id;
    const link = await api.linkOf('bob', request);
    const page = await api.openLink(link);
    const decided = await api.decide(link, { decision: 'approve' });
    expect([page.status, decided.status]).toEqual([200, 200]);
    // To both approvers, and to the requester when it was asked, decided and granted.
    const mails = await until(
      async () => api.rawMails().filter(({ raw }) => raw.includes(request)),
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
    api.withToken(token, 'POST', `/requests${query}`, { ...reader, ...more, for: name }, headers);
  const own = (method: string, path: string, body?: object) => api.withToken(token, method, path, body);

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
    const decided = await api.withToken(strong, 'POST', `/requests/${id}/decision`, { decision: 'approve' });
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
      const answer = await api.withToken(strong, 'POST', '/requests', { ...reader, for: name });
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
