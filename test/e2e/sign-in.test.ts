import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser, csrfIn, formsOf, isSignIn, type Page } from '../../local/browser.ts';
import { samplePerson } from '../../local/people.ts';
import { tokenHashOf } from '../../shared/approval-token.ts';
import { type Api, sendRaw, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const sessionCookie = '__Host-curfew';
const flowCookie = '__Host-curfew-sign-in';
const ownOrigin = () => new URL(api.base).origin;
const jarOf = (browser: Browser) => browser.cookies.get(ownOrigin()) ?? new Map<string, string>();
const stateOf = async (id: string) => (await api.shown(id)).state;

/** A request of Ada's, and Bob's link to it. */
async function asked(): Promise<{ id: string; link: string }> {
  const id = await api.asked('ada');
  return { id, link: await api.linkOf('bob', id) };
}

/** A browser in which somebody stands on the page that a link led to. */
async function arrive(who: string, link: string): Promise<{ browser: Browser; page: Page }> {
  const browser = new Browser();
  return { browser, page: await browser.openAs(who, link) };
}

const post = (browser: Browser, address: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  browser.send(address, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { origin: ownOrigin(), ...headers },
  });

function expectRefused(page: Page, status: number, code: string): void {
  expect([page.status, page.text.includes(code)]).toEqual([status, true]);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.text).not.toContain('Refund case 4711');
  expect(page.text).not.toContain('name="decision"');
}

describe('an approval link', () => {
  test('leads to the sign-in, then to the page, then to a decision', async () => {
    const { id, link } = await asked();
    const browser = new Browser();
    const signIn = await browser.open(link);
    expect(isSignIn(signIn)).toBe(true);
    expect(Object.fromEntries(signIn.url.searchParams)).toMatchObject({
      login_hint: 'bob@contoso.example',
      scope: 'openid profile',
      response_mode: 'query',
      code_challenge_method: 'S256',
      redirect_uri: `${api.base}/sign-in/callback`,
    });
    expect(await stateOf(id)).toBe('waiting-for-approval');
    const page = await browser.choose('bob', signIn);
    expect([page.url.href, page.status]).toEqual([link, 200]);
    expect(page.text).toContain('Signed in as Bob Okafor (bob@contoso.example)');
    const decided = await browser.submit(page, { decision: 'approve' });
    expect([decided.status, await stateOf(id)]).toEqual([200, 'granted']);
  });

  test('shows nothing and decides nothing to somebody else who has signed in', async () => {
    const { id, link } = await asked();
    const { browser, page } = await arrive('carla', link);
    expectRefused(page, 403, 'CURFEW_SIGNED_IN_AS_ANOTHER');
    expect(page.text).toContain('Carla Reyes (carla@contoso.example)');
    const told = await post(browser, link, { csrf: csrfIn(page) ?? '', decision: 'approve' });
    expectRefused(told, 403, 'CURFEW_SIGNED_IN_AS_ANOTHER');
    expect(await stateOf(id)).toBe('waiting-for-approval');

    const out = await browser.submit(page, {});
    expect([out.url.pathname, out.status]).toEqual(['/api/signed-out', 200]);
    expect((await browser.openAs('bob', link)).status).toBe(200);
  });

  test('takes no decision from a browser that has not signed in', async () => {
    const { id, link } = await asked();
    expectRefused(await post(new Browser(), link, { decision: 'approve' }), 401, 'CURFEW_SIGN_IN_REQUIRED');
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('is looked at by scanners and fetched ahead, and nothing comes of it', async () => {
    const { id, link } = await asked();
    const before = await api.documents('sessions');
    for (const headers of [{}, { 'sec-purpose': 'prefetch' }]) {
      const { status, text } = await new Browser().send(link, { headers });
      expect([status, text]).toEqual([302, '']);
    }
    expect((await fetch(link, { method: 'HEAD', redirect: 'manual' })).status).toBe(404);
    expect(await api.documents('sessions')).toEqual(before);
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });
});

describe('a form', () => {
  test.each([
    ['without a token', {}, {}, 'CURFEW_CSRF_MISMATCH'],
    ['with a made-up token', { csrf: 'A'.repeat(43) }, {}, 'CURFEW_CSRF_MISMATCH'],
    ['with a token of another length', { csrf: 'A' }, {}, 'CURFEW_CSRF_MISMATCH'],
    ['with a token that is not ASCII', { csrf: 'ä'.repeat(43) }, {}, 'CURFEW_CSRF_MISMATCH'],
    ['from another site', undefined, { origin: 'https://evil.example' }, 'CURFEW_ORIGIN_MISMATCH'],
    ['from another port', undefined, { origin: 'http://localhost:1' }, 'CURFEW_ORIGIN_MISMATCH'],
    ['from nowhere', undefined, { origin: 'null' }, 'CURFEW_ORIGIN_MISMATCH'],
    [
      'from nowhere that says it is ours',
      undefined,
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      'CURFEW_ORIGIN_MISMATCH',
    ],
  ])('%s is refused', async (_, csrf, headers, code) => {
    const { id, link } = await asked();
    const { browser, page } = await arrive('bob', link);
    const form = { csrf: csrfIn(page) ?? '', ...csrf, decision: 'approve' };
    if (csrf && !('csrf' in csrf)) Reflect.deleteProperty(form, 'csrf');
    expectRefused(await post(browser, link, form, headers as Record<string, string>), 403, code);
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('without an Origin is taken only where the browser says that it is the same one', async () => {
    const { id, link } = await asked();
    const { browser, page } = await arrive('bob', link);
    const body = new URLSearchParams({ csrf: csrfIn(page) ?? '', decision: 'deny' });
    for (const site of [undefined, 'cross-site', 'same-site', 'none']) {
      const headers = site === undefined ? new Headers() : new Headers({ 'sec-fetch-site': site });
      expectRefused(await browser.send(link, { method: 'POST', body, headers }), 403, 'CURFEW_ORIGIN_MISMATCH');
    }
    expect(await stateOf(id)).toBe('waiting-for-approval');
    const taken = await browser.send(link, { method: 'POST', body, headers: { 'sec-fetch-site': 'same-origin' } });
    expect([taken.status, await stateOf(id)]).toEqual([200, 'denied']);
  });

  test('of one session is refused in another, also of the same person', async () => {
    const { id, link } = await asked();
    const [one, other] = [await arrive('bob', link), await arrive('bob', link)];
    const form = { csrf: csrfIn(one.page) ?? '', decision: 'approve' };
    expectRefused(await post(other.browser, link, form), 403, 'CURFEW_CSRF_MISMATCH');
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });
});

describe('a session', () => {
  test('is known by a cookie that no script and no other host can touch, and the store has only its hash', async () => {
    const { link } = await asked();
    const browser = new Browser();
    const signIn = await browser.open(link);
    const back = await browser.send(formsOf(signIn)[0]?.action ?? '', {
      method: 'POST',
      headers: { origin: signIn.url.origin },
      body: new URLSearchParams({ ...formsOf(signIn)[0]?.fields, person: samplePerson('bob').id }),
    });
    const callback = await browser.send(back.headers.get('location') ?? '');
    const [session = '', flow = ''] = callback.headers.getSetCookie();
    expect(session).toMatch(/^__Host-curfew=[\w-]{43}; max-age=3600; path=\/; secure; samesite=lax; httponly$/);
    expect(flow).toBe(`${flowCookie}=; max-age=0; path=/; secure; samesite=lax; httponly`);
    expect([...jarOf(browser).keys()]).toEqual([sessionCookie]);
    const token = jarOf(browser).get(sessionCookie) ?? '';
    const [kept] = (await api.documents('sessions')).filter(({ id }) => id === tokenHashOf(token));
    expect(kept).toMatchObject({ name: 'Bob Okafor (bob@contoso.example)', ttl: 3600, authentication: [] });
    expect(JSON.stringify(kept)).not.toContain(token);
  });

  test('ends with the sign-out: the cookie, kept and sent again, is worth nothing', async () => {
    const { id, link } = await asked();
    const { browser, page } = await arrive('bob', link);
    const [kept, csrf = ''] = [jarOf(browser).get(sessionCookie), csrfIn(page)];
    const out = await post(browser, `${api.base}/sign-out`, { csrf });
    expect(out.headers.getSetCookie()).toEqual([
      `${sessionCookie}=; max-age=0; path=/; secure; samesite=lax; httponly`,
    ]);
    expect(out.headers.get('refresh')).toContain(`0; url=${api.entra.authority}/oauth2/v2.0/logout?`);
    expect(jarOf(browser).size).toBe(0);
    const headers = { cookie: `${sessionCookie}=${kept}` };
    expect((await new Browser().send(link, { headers })).status).toBe(302);
    expectRefused(
      await post(new Browser(), link, { csrf, decision: 'approve' }, headers),
      401,
      'CURFEW_SIGN_IN_REQUIRED',
    );
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('is not ended by another site’s form, nor by a link', async () => {
    const { link } = await asked();
    const { browser, page } = await arrive('bob', link);
    const csrf = csrfIn(page) ?? '';
    const address = `${api.base}/sign-out`;
    expectRefused(await post(browser, address, {}), 403, 'CURFEW_CSRF_MISMATCH');
    expectRefused(
      await post(browser, address, { csrf }, { origin: 'https://evil.example' }),
      403,
      'CURFEW_ORIGIN_MISMATCH',
    );
    expect((await browser.send(address)).status).toBe(404);
    expect((await browser.open(link)).status).toBe(200);
  });

  test('runs out, on the service’s own clock', async () => {
    const { id, link } = await asked();
    const { browser, page } = await arrive('bob', link);
    const hash = tokenHashOf(jarOf(browser).get(sessionCookie) ?? '');
    const item = api.database.container('sessions').item(hash, hash);
    await item.patch([{ op: 'set', path: '/expiresAt', value: new Date().toISOString() }]);
    const form = { csrf: csrfIn(page) ?? '', decision: 'approve' };
    expectRefused(await post(browser, link, form), 401, 'CURFEW_SIGN_IN_REQUIRED');
    expect(isSignIn(await browser.open(link))).toBe(true);
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('is another one after each sign-in, and the one before is gone', async () => {
    const { link } = await asked();
    const { browser } = await arrive('bob', link);
    const planted = jarOf(browser).get(sessionCookie) ?? '';
    const other = new Browser();
    const signIn = await other.open(link);
    // As if somebody had set their own session in this browser before its owner signs in.
    jarOf(other).set(sessionCookie, planted);
    expect((await other.choose('bob', signIn)).status).toBe(200);
    expect(jarOf(other).get(sessionCookie)).not.toBe(planted);
    expect(isSignIn(await browser.open(link))).toBe(true);
  });

  test('is none where two cookies claim to be it, or where the cookie is of another form', async () => {
    const { link } = await asked();
    const { browser } = await arrive('bob', link);
    const good = `${sessionCookie}=${jarOf(browser).get(sessionCookie)}`;
    const other = `${sessionCookie}=${'A'.repeat(43)}`;
    const [address, { port }] = [new URL(link).pathname, new URL(link)];
    const statusWith = async (...cookies: string[]) =>
      (await sendRaw(Number(port), [`GET ${address} HTTP/1.1`, ...cookies.map((each) => `cookie: ${each}`)])).status;
    expect(await statusWith(`a=b; ${good};c=d`)).toBe(200);
    for (const cookies of [[`${good}; ${other}`], [`${other}; ${good}`], [good, other], [`${good}x`], [`x${good}`]]) {
      expect(await statusWith(...cookies)).toBe(302);
    }
  });
});

describe('a sign-in', () => {
  const callback = (query = '') => `${api.base}/sign-in/callback${query}`;

  /** A sign-in under way, up to what the issuer sends the browser back with. */
  async function comeBack(
    link: string,
    change: (flow: Record<string, unknown>) => Record<string, unknown> = (same) => same,
  ) {
    const browser = new Browser();
    const signIn = await browser.open(link);
    const jar = jarOf(browser);
    const flow = JSON.parse(Buffer.from(jar.get(flowCookie) ?? '', 'base64url').toString()) as Record<string, unknown>;
    jar.set(flowCookie, Buffer.from(JSON.stringify(change(flow))).toString('base64url'));
    const form = formsOf(signIn)[0];
    const back = await browser.send(form?.action ?? '', {
      method: 'POST',
      headers: { origin: signIn.url.origin },
      body: new URLSearchParams({ ...form?.fields, person: samplePerson('bob').id }),
    });
    return { browser, back: new URL(back.headers.get('location') ?? '') };
  }

  test.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/api/approvals/../../evil',
    `/api/approvals/${'A'.repeat(43)}/..`,
    `/api/approvals/${'A'.repeat(43)}?next=https://evil.example`,
    `/api/approvals/${'A'.repeat(43)}\n`,
    `//evil.example/api/approvals/${'A'.repeat(43)}`,
    `@evil.example/api/approvals/${'A'.repeat(43)}`,
    '/api/approvals/%2e%2e%2f%2e%2e%2fevil',
    'javascript:alert(1)',
    '/api/sign-out',
    '',
  ])('never leads to %j, whatever its cookie says', async (returnTo) => {
    const { link } = await asked();
    const { browser, back } = await comeBack(link, (flow) => ({ ...flow, returnTo }));
    const page = await browser.send(back);
    expectRefused(page, 400, 'CURFEW_SIGN_IN_FAILED');
    expect(page.headers.get('location')).toBeNull();
    expect(page.text).not.toContain('evil');
    expect(jarOf(browser).has(sessionCookie)).toBe(false);
  });

  test('comes to nothing without its cookie, with another state, with nothing or with junk', async () => {
    const { link } = await asked();
    const { browser, back } = await comeBack(link);
    const other = new URL(back);
    other.searchParams.set('state', 'A'.repeat(43));
    for (const [visitor, address] of [
      [new Browser(), back],
      [browser, other],
      [browser, callback()],
      [browser, callback(`?code=x&state=${'%00'.repeat(5)}`)],
    ] as const) {
      const page = await visitor.send(address);
      expectRefused(page, 400, 'CURFEW_SIGN_IN_FAILED');
      // Whoever was sent here by somebody else must not lose the sign-in that is under way.
      expect(page.headers.getSetCookie()).toEqual([]);
    }
    expect((await browser.open(back)).status).toBe(200);
  });

  test('comes to nothing with a forged verifier or nonce, a code that was used, or a refusal of the issuer’s', async () => {
    const { link } = await asked();
    const forged = [
      await comeBack(link, (flow) => ({ ...flow, verifier: 'A'.repeat(43) })),
      await comeBack(link, (flow) => ({ ...flow, nonce: 'A'.repeat(43) })),
      await comeBack(link, (flow) => ({ ...flow, more: 1 })),
    ];
    const refused = await comeBack(link);
    refused.back.searchParams.delete('code');
    refused.back.searchParams.set('error', 'access_denied');
    refused.back.searchParams.set('error_description', '<script>alert(1)</script>');
    const used = await comeBack(link);
    const flow = jarOf(used.browser).get(flowCookie) ?? '';
    expect((await used.browser.send(used.back)).status).toBe(302);
    jarOf(used.browser).clear();
    jarOf(used.browser).set(flowCookie, flow);
    for (const { browser, back } of [...forged, refused, used]) {
      const page = await browser.send(back);
      expectRefused(page, 400, 'CURFEW_SIGN_IN_FAILED');
      expect(page.text).not.toContain('alert');
      expect(jarOf(browser).has(sessionCookie)).toBe(false);
    }
  });

  test('that failed offers the page that was asked for once more', async () => {
    const { link } = await asked();
    const { browser, back } = await comeBack(link, (flow) => ({ ...flow, verifier: 'A'.repeat(43) }));
    const page = await browser.send(back);
    expect(page.text).toContain(`href="${new URL(link).pathname}"`);
    expect(jarOf(browser).has(flowCookie)).toBe(false);
  });

  test('that lacks what was needed says so, instead of asking for ever', async () => {
    const { link } = await asked();
    const { browser, back } = await comeBack(link, (flow) => ({ ...flow, needs: ['mfa', 'c1'] }));
    expectRefused(await browser.send(back), 403, 'CURFEW_AUTHENTICATION_INSUFFICIENT');
    expect(jarOf(browser).has(sessionCookie)).toBe(false);
  });

  test('in a second tab wins over the first, which ends in a plain page', async () => {
    const [one, two] = [await asked(), await asked()];
    const browser = new Browser();
    const first = await browser.open(one.link);
    const second = await browser.open(two.link);
    const overtaken = await browser.choose('bob', first);
    expectRefused(overtaken, 400, 'CURFEW_SIGN_IN_FAILED');
    const page = await browser.choose('bob', second);
    expect([page.url.href, page.status]).toEqual([two.link, 200]);
    expect((await browser.open(one.link)).status).toBe(200);
  });

  test('comes back to the public address, whatever Host the browser named', async () => {
    const { link } = await asked();
    const { port, pathname } = new URL(link);
    const { promise, resolve } = Promise.withResolvers<string>();
    request({ port, host: '127.0.0.1', path: pathname, headers: { host: 'evil.example' } }, (answer) => {
      answer.resume();
      resolve(answer.headers.location ?? '');
    }).end();
    expect(new URL(await promise).searchParams.get('redirect_uri')).toBe(callback());
  });
});
