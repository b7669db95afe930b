import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { type Answer, type Api, reader, sendRaw, startApi } from './api-support.ts';

let api: Api;
let events: Record<string, unknown>[];
beforeAll(async () => {
  api = await startApi();
});
beforeEach(async () => {
  events = await api.documents('events');
});
afterAll(() => api.close());

async function expectRefusal(answer: Answer, code: ErrorCode, status: number, path?: string): Promise<void> {
  expect([answer.body.code, answer.status]).toEqual([code, status]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ type: `urn:curfew:error:${code}`, status });
  expect(answer.body.title).toMatch(/\.$/);
  if (path !== undefined) expect(answer.body.path).toBe(path);
  expect(await api.documents('events')).toEqual(events);
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

const bodies: [what: string, body: unknown, code: ErrorCode, status: number, path?: string][] = [
  ['no body', '', 'CURFEW_BODY_INVALID', 400],
  ['malformed JSON', '{"target":', 'CURFEW_BODY_INVALID', 400],
  ['a list', [reader], 'CURFEW_BODY_INVALID', 400, '/'],
  ['a text', '"orders"', 'CURFEW_BODY_INVALID', 400, '/'],
  ['null', 'null', 'CURFEW_BODY_INVALID', 400, '/'],
  ['deep nesting', '['.repeat(30_000), 'CURFEW_BODY_INVALID', 400],
  ['70 kB', { ...reader, reason: 'x'.repeat(70_000) }, 'CURFEW_BODY_TOO_LARGE', 413],
  ['an unknown field', { ...reader, requester: 'bob@contoso.example' }, 'CURFEW_BODY_INVALID', 400, '/'],
  ['a forged prototype', `{"__proto__":{"dryRun":true},${JSON.stringify(reader).slice(1)}`, 'CURFEW_BODY_INVALID', 400],
  ['a forged constructor', { ...reader, constructor: { prototype: {} } }, 'CURFEW_BODY_INVALID', 400, '/'],
  ['no target', { ...reader, target: undefined }, 'CURFEW_BODY_INVALID', 400, '/target'],
  ['a target that is a number', { ...reader, target: 7 }, 'CURFEW_BODY_INVALID', 400, '/target'],
  ['a role that is a list', { ...reader, role: ['reader'] }, 'CURFEW_BODY_INVALID', 400, '/role'],
  ['an unknown target', { ...reader, target: 'payroll' }, 'CURFEW_NO_SUCH_ROLE', 422, '/target'],
  ['an unknown role', { ...reader, role: 'owner' }, 'CURFEW_NO_SUCH_ROLE', 422, '/role'],
  ['a role in upper case', { ...reader, role: 'READER' }, 'CURFEW_NO_SUCH_ROLE', 422, '/role'],
  ['a role of every object', { ...reader, role: 'constructor' }, 'CURFEW_NO_SUCH_ROLE', 422, '/role'],
  ['SQL in a target', { ...reader, target: 'orders]; DROP ROLE [x' }, 'CURFEW_NO_SUCH_ROLE', 422, '/target'],
  ['SQL in a role', { ...reader, role: "x]; DROP TABLE orders --'" }, 'CURFEW_NO_SUCH_ROLE', 422, '/role'],
  ['a line feed hidden in a role', { ...reader, role: 'reader\n' }, 'CURFEW_NO_SUCH_ROLE', 422, '/role'],
  ['a duration that is a number', { ...reader, duration: 3600 }, 'CURFEW_BODY_INVALID', 400, '/duration'],
  ...[
    '0s',
    'PT0S',
    '-1h',
    '1 fortnight',
    'P1Y',
    'P1M',
    '',
    '1.5h',
    '1e3s',
    'Infinity',
    '٣h',
    `${'9'.repeat(15)}h`,
    `${'9'.repeat(400)}h`,
  ].map((duration): (typeof bodies)[number] => [
    `the duration ${duration.slice(0, 20)}`,
    { ...reader, duration },
    'CURFEW_DURATION_INVALID',
    422,
    '/duration',
  ]),
  ['a duration over the maximum', { ...reader, duration: '8h1s' }, 'CURFEW_DURATION_TOO_LONG', 422, '/duration'],
  ['a duration of centuries', { ...reader, duration: 'P99999D' }, 'CURFEW_DURATION_TOO_LONG', 422, '/duration'],
  ['a start in the past', { ...reader, startsAt: inDays(-1) }, 'CURFEW_START_INVALID', 422, '/startsAt'],
  ['a start in 31 days', { ...reader, startsAt: inDays(31) }, 'CURFEW_START_INVALID', 422, '/startsAt'],
  ['the first year as a start', { ...reader, startsAt: '0000-01-01T00:00:00+23:59' }, 'CURFEW_START_INVALID', 422],
  ['the last year as a start', { ...reader, startsAt: '9999-12-31T23:59:59-23:59' }, 'CURFEW_START_INVALID', 422],
  ...['tomorrow', '2026-11-21', '2026-13-01T00:00:00Z', '2026-11-21T09:00:60Z', '2026-11-21T09:00:00'].map(
    (startsAt): (typeof bodies)[number] => [
      `the start ${startsAt}`,
      { ...reader, startsAt },
      'CURFEW_BODY_INVALID',
      400,
      '/startsAt',
    ],
  ),
  ['no reason', { ...reader, reason: undefined }, 'CURFEW_REASON_REQUIRED', 422, '/reason'],
  ['an empty reason', { ...reader, reason: ' \n\t ' }, 'CURFEW_REASON_REQUIRED', 422, '/reason'],
  [
    'a reason that nobody can see',
    { ...reader, reason: '\u3164\u00ad\u034f' },
    'CURFEW_REASON_REQUIRED',
    422,
    '/reason',
  ],
  ['a reason of 10,000 characters', { ...reader, reason: 'x'.repeat(10_000) }, 'CURFEW_BODY_INVALID', 400, '/reason'],
  ...['\u0000', '\u0007', '\r\n', '\u009b', '\u202e', '\u2066', '\u200b', '\u2028', '\ufeff', '\u{e0041}'].map(
    (character): (typeof bodies)[number] => [
      `U+${character.codePointAt(0)?.toString(16)} in the reason`,
      { ...reader, reason: `Case${character}4711` },
      'CURFEW_TEXT_UNSAFE',
      422,
      '/reason',
    ],
  ),
  [
    'half a character in the reason',
    '{"target":"orders","role":"reader","reason":"\\ud800"}',
    'CURFEW_TEXT_UNSAFE',
    422,
  ],
  ['U+202e in a target', { ...reader, target: '\u202eorders' }, 'CURFEW_TEXT_UNSAFE', 422, '/target'],
];

describe('asking with', () => {
  test.each(bodies)(
    '%s is refused, in a dry run alike, and leaves nothing',
    async (_what, body, code, status, path) => {
      await expectRefusal(await api.post('ada', '/requests', body), code, status, path);
      await expectRefusal(await api.post('ada', '/requests?dryRun=true', body), code, status, path);
    },
  );

  test('what the policy refuses comes with a remedy', async () => {
    for (const more of [{ target: 'x' }, { duration: '9h' }, { startsAt: inDays(40) }, { reason: '' }]) {
      expect((await api.ask('ada', more)).body.remedy).toMatch(/\.$/);
    }
  });

  test('a chunked body, which does not arrive, is refused with a hint', async () => {
    const text = JSON.stringify(reader);
    const { status, text: answer } = await sendRaw(
      api.ports.api,
      [
        'POST /api/requests HTTP/1.1',
        `authorization: Bearer ${await api.tokenOf('ada')}`,
        'transfer-encoding: chunked',
      ],
      `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    );
    expect(status).toBe(400);
    expect(answer).toContain('CURFEW_BODY_INVALID');
    expect(answer).toContain('chunked');
    expect(await api.documents('events')).toEqual(events);
  });

  test('an Idempotency-Key of another form is refused', async () => {
    for (const key of ['', 'x'.repeat(256), 'two words']) {
      await expectRefusal(await api.ask('ada', {}, { 'idempotency-key': key }), 'CURFEW_PARAMETER_INVALID', 400);
    }
    // Clients of good manners don't even send this one.
    const body = JSON.stringify(reader);
    const authorization = `authorization: Bearer ${await api.tokenOf('ada')}`;
    const lines = [
      'POST /api/requests HTTP/1.1',
      authorization,
      'idempotency-key: clé',
      `content-length: ${body.length}`,
    ];
    expect((await sendRaw(api.ports.api, lines, body)).text).toContain('CURFEW_PARAMETER_INVALID');
    expect(await api.documents('events')).toEqual(events);
  });

  test('garbage in the query is refused', async () => {
    for (const query of [
      'dryRun=maybe',
      'dryRun=',
      'DRYRUN=true',
      'dryRun=true&dryRun=true',
      'dry_run=true',
      'constructor=1',
    ]) {
      await expectRefusal(await api.post('ada', `/requests?${query}`, reader), 'CURFEW_PARAMETER_INVALID', 400);
    }
  });
});

describe('looking with', () => {
  test.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=many',
    'limit=',
    'limit=5&limit=6',
    'state=',
    'state=open',
    "state=granted' OR true --",
    'requester=ada@contoso.example',
    'requester=everyone',
    `target=${'x'.repeat(101)}`,
    `after=${'x'.repeat(101)}`,
    'order=asc',
    'constructor=1',
  ])('the query %s is refused', async (query) => {
    await expectRefusal(await api.call('ada', `/requests?${query}`), 'CURFEW_PARAMETER_INVALID', 400);
  });

  test('a query that looks like SQL finds nothing, and nothing of others', async () => {
    for (const query of ["target=x' OR true --", "target=' OR '1'='1", "after=' OR true --"]) {
      const { status, body } = await api.call('eve', `/requests?${encodeURI(query)}`);
      expect([status, body.requests]).toEqual([200, []]);
    }
  });

  test('an id of another form, or with tricks in it, names no request', async () => {
    const { id } = (await api.ask('ada')).body;
    events = await api.documents('events');
    const paths = [
      id.toUpperCase(),
      `${id}%20`,
      `${id}%0a`,
      `..%2frequests%2f${id}`,
      `%2e%2e%2f${id}`,
      `${id}%2fevents`,
      `${id};x=1`,
      "req-' OR true --",
      `req-${'u'.repeat(26)}`,
      `req-${'0'.repeat(27)}`,
      `req-${'0'.repeat(5_000)}`,
      '__proto__',
      '*',
    ];
    for (const path of paths) {
      await expectRefusal(await api.call('carla', `/requests/${path}`), 'CURFEW_REQUEST_NOT_FOUND', 404);
    }
    expect((await sendRaw(api.ports.api, [`GET /api/requests/${id}%00 HTTP/1.1`])).status).toBe(400);
  });

  test('what is unknown to the host is an empty 404', async () => {
    for (const [method, path] of [
      ['PUT', '/requests'],
      ['DELETE', '/requests'],
      ['PATCH', '/requests/x'],
      ['HEAD', '/requests'],
      ['OPTIONS', '/requests'],
      ['GET', '/requests/a/b/c'],
      ['GET', '/'],
    ] as const) {
      const { status, text, headers } = await api.call('ada', path, { method });
      expect([status, text, headers.get('access-control-allow-origin')]).toEqual([404, '', null]);
    }
  });

  test('the durable functions’ own management is closed', async () => {
    const id = await api.asked('ada');
    for (const path of [
      `instances/${id}`,
      `instances/${id}/raiseEvent/command`,
      `instances/${id}/terminate`,
      'orchestrators/accessRequest',
    ]) {
      const url = `http://localhost:${api.ports.api}/runtime/webhooks/durabletask/${path}`;
      for (const method of ['GET', 'POST']) expect((await fetch(url, { method })).status).toBe(401);
    }
  });
});

describe('ending with', () => {
  test.each([
    ['malformed JSON', '{', 'CURFEW_BODY_INVALID', 400],
    ['an unknown field', { as: 'administrator' }, 'CURFEW_BODY_INVALID', 400],
    ['a reason that is a number', { reason: 1 }, 'CURFEW_BODY_INVALID', 400],
    ['text that reorders', { reason: '\u202e' }, 'CURFEW_TEXT_UNSAFE', 422],
    ['70 kB', { reason: 'x'.repeat(70_000) }, 'CURFEW_BODY_TOO_LARGE', 413],
  ] as const)('%s is refused', async (_what, body, code, status) => {
    const id = await api.asked('ada');
    events = await api.documents('events');
    await expectRefusal(await api.post('ada', `/requests/${id}/revoke`, body), code, status);
  });

  test('a query is refused: nobody is to believe that it was a dry run', async () => {
    const id = await api.asked('ada');
    events = await api.documents('events');
    for (const action of ['withdraw', 'revoke']) {
      const answer = await api.post('ada', `/requests/${id}/${action}?dryRun=true`);
      await expectRefusal(answer, 'CURFEW_PARAMETER_INVALID', 400);
    }
  });
});
