import { createHash, randomBytes } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import { ada, api, apiClient, askToken, company, portal, service, serviceSecret, start } from './start.ts';

const callback = 'http://localhost:53111/callback';
const scope = 'openid api://curfew/access_as_user';
let clock = Date.now();
let entra: Entra;

beforeAll(async () => {
  const edited = structuredClone(company);
  const [, , third] = edited.applications;
  third?.redirectUris.push('https://curfew.example/callback');
  const eve = edited.people.find((person) => person.userPrincipalName.startsWith('eve'));
  if (eve) Object.assign(eve, { accountEnabled: false, displayName: '<b>"Eve" & co</b>' });
  entra = await start({ company: edited, now: () => clock });
});
afterAll(() => entra.close());

const verifier = randomBytes(32).toString('base64url');
const request = {
  client_id: portal,
  redirect_uri: callback,
  response_type: 'code',
  scope,
  state: 'a state & more',
  nonce: 'a-nonce',
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
};

const authorizeUrl = () => `${entra.authority}/oauth2/v2.0/authorize`;
const show = (changes: Record<string, string> = {}) =>
  fetch(`${authorizeUrl()}?${new URLSearchParams({ ...request, ...changes })}`, { redirect: 'manual' });

/** What a browser sends when a person's button is pressed on the page. */
const choose = (person: string, changes: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  fetch(authorizeUrl(), {
    method: 'POST',
    body: new URLSearchParams({ ...request, ...changes, person }),
    headers: { origin: entra.url, ...headers },
    redirect: 'manual',
  });

const answerOf = (response: Response) => new URL(response.headers.get('location') ?? 'none:').searchParams;

async function signIn(changes: Record<string, string> = {}): Promise<string> {
  return answerOf(await choose(ada, changes)).get('code') ?? '';
}

const redeem = (code: string, changes: Record<string, string> = {}) =>
  askToken(entra, {
    grant_type: 'authorization_code',
    client_id: portal,
    redirect_uri: callback,
    code_verifier: verifier,
    code,
    ...changes,
  });

describe('signing in with a code', () => {
  it('goes from the page by one button to the client, with the code and the state', async () => {
    const page = await show();
    const text = await page.text();
    expect(page.status).toBe(200);
    expect(text).toContain('stand-in for Microsoft Entra ID');
    const hidden = [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
    const sent = Object.fromEntries(hidden.map(([, name, value]) => [name, value?.replaceAll('&amp;', '&')]));
    expect(sent).toEqual(request);
    const response = await choose(ada, sent);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/^http:\/\/localhost:53111\/callback\?/);
    expect(answerOf(response).get('state')).toBe('a state & more');
  });

  it('ends in an access token and an ID token with the nonce', async () => {
    const { status, body } = await redeem(await signIn());
    expect(status).toBe(200);
    const keys = createRemoteJWKSet(new URL(`${entra.authority}/discovery/v2.0/keys`));
    const options = { issuer: entra.issuer, algorithms: ['RS256'], currentDate: new Date(clock) };
    const { payload } = await jwtVerify(String(body.id_token), keys, { ...options, audience: portal });
    expect(payload).toMatchObject({
      nonce: 'a-nonce',
      oid: ada,
      preferred_username: 'ada@contoso.example',
      ver: '2.0',
    });
    await jwtVerify(String(body.access_token), keys, { ...options, audience: api });
  });

  it('may ask for less at redemption than was shown, not for more', async () => {
    expect((await redeem(await signIn(), { scope: 'api://curfew/access_as_user' })).body).not.toHaveProperty(
      'id_token',
    );
    const wider = await redeem(await signIn(), { scope: `${scope} offline_access` });
    expect(wider.body).toMatchObject({ error: 'invalid_scope', error_codes: [70011] });
  });

  it.each([
    ['a wrong verifier', { code_verifier: 'x'.repeat(43) }, 501481],
    ['the challenge in place of the verifier', { code_verifier: request.code_challenge }, 501481],
    ['a verifier that is too short', { code_verifier: 'x' }, 501481],
    ['no verifier', { code_verifier: '' }, 900144],
    ['another redirect URI', { redirect_uri: 'http://localhost:53112/callback' }, 500112],
    ['another client', { client_id: service, client_secret: serviceSecret }, 70000],
    ['a made-up code', { code: 'made-up' }, 70000],
  ])('is refused with %s', async (_what, changes, number) => {
    const { status, body } = await redeem(await signIn(), changes);
    expect(status).toBe(400);
    expect(body.error_codes).toEqual([number]);
  });

  it('spends a code once, even where the first try was wrong', async () => {
    const code = await signIn();
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).body).toMatchObject({ error: 'invalid_grant', error_codes: [54005] });
    const guessed = await signIn();
    await redeem(guessed, { code_verifier: 'x'.repeat(43) });
    expect((await redeem(guessed)).body.error_codes).toEqual([54005]);
  });

  it('lets one of many simultaneous redemptions win', async () => {
    const code = await signIn();
    const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('lets a code lapse after five minutes', async () => {
    const [early, late] = [await signIn(), await signIn()];
    clock += 5 * 60_000 - 1;
    expect((await redeem(early)).status).toBe(200);
    clock += 1;
    expect((await redeem(late)).body.error_codes).toEqual([70008]);
  });
});

describe('how somebody signed in', () => {
  const wanted = JSON.stringify({
    id_token: { acrs: { essential: true, value: 'c1' } },
    access_token: { acrs: { values: ['c1', 'c2'] }, xms_cc: { values: ['cp1'] } },
  });
  const tokensOf = async (changes: Record<string, string>) => {
    const { body } = await redeem(await signIn(changes));
    return [body.id_token, body.access_token].map((token) => decodeJwt(String(token)));
  };

  it('is by password alone unless the box is ticked, and then no context is satisfied', async () => {
    expect(await (await show({ claims: wanted })).text()).toContain('<input type="checkbox" name="mfa"');
    for (const claims of await tokensOf({ claims: wanted })) {
      expect(claims.amr).toEqual(['pwd']);
      expect(claims).not.toHaveProperty('acrs');
    }
  });

  it('is with a second factor where it is ticked, and then the contexts that were asked for are satisfied', async () => {
    for (const claims of await tokensOf({ claims: wanted, mfa: 'yes' }))
      expect(claims).toMatchObject({ amr: ['pwd', 'mfa'], acrs: ['c1', 'c2'] });
    for (const claims of await tokensOf({ mfa: 'yes' })) expect(claims).not.toHaveProperty('acrs');
  });

  it.each(['x', '[]', '{"id_token":{"acrs":"c1"}}'])('is not asked for by claims like %s', async (claims) => {
    expect(answerOf(await show({ claims })).get('error')).toBe('invalid_request');
  });
});

describe('a client with federated identities', () => {
  const redirect_uri = 'http://localhost:7071/api/sign-in/callback';
  const codeOf = () => signIn({ client_id: api, redirect_uri, scope: 'openid' });

  it('redeems a code with a token of such an identity', async () => {
    const { status, body } = await redeem(await codeOf(), { ...(await apiClient(entra)), redirect_uri });
    expect(status).toBe(200);
    expect(decodeJwt(String(body.id_token))).toMatchObject({ aud: api, oid: ada, amr: ['pwd'] });
    expect(decodeJwt(String(body.access_token)).appidacr).toBe('2');
  });

  it('redeems none without', async () => {
    const { status, body } = await redeem(await codeOf(), { client_id: api, redirect_uri });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  it('proves nothing by a token that is for something else, of somebody else, altered or expired', async () => {
    const proof = await apiClient(entra);
    const tokenOf = async (form: Record<string, string>) => {
      const exchange = { scope: 'api://AzureADTokenExchange/.default' };
      return String((await askToken(entra, { ...exchange, ...form })).body.access_token);
    };
    const own = { grant_type: 'client_credentials', client_id: service, client_secret: serviceSecret };
    const other = 'c0000000-0000-4000-8000-000000000004';
    const wrong: [string, number][] = [
      [await tokenOf({ ...own, scope: 'api://curfew/.default' }), 700027],
      [await tokenOf({ ...own, client_id: other, client_secret: 'portal-secret-on-a-laptop' }), 700213],
      [
        await tokenOf({
          grant_type: 'password',
          client_id: portal,
          username: 'ada@contoso.example',
          password: 'ada-on-a-laptop',
        }),
        700027,
      ],
      [`${proof.client_assertion}x`, 700027],
      ['x', 700027],
    ];
    for (const [client_assertion, number] of wrong) {
      const answer = await redeem(await codeOf(), { ...proof, redirect_uri, client_assertion });
      expect([answer.status, answer.body.error, answer.body.error_codes]).toEqual([401, 'invalid_client', [number]]);
    }
    clock += 3_600_000;
    const late = await redeem(await codeOf(), { ...proof, redirect_uri });
    expect(late.body.error_codes).toEqual([700024]);
  });

  it.each([
    [
      'another type of assertion',
      { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' },
    ],
    ['a secret beside it', { client_secret: 'x' }],
  ])('is refused with %s', async (_what, changes) => {
    const answer = await redeem(await codeOf(), { ...(await apiClient(entra)), redirect_uri, ...changes });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('the sign-in page', () => {
  it('shows everybody escaped, and a disabled person without a way in', async () => {
    const text = await (await show()).text();
    expect(text).toContain('Ada Lindqvist');
    expect(text).toContain('Fionn O&#39;Brien');
    expect(text).toMatch(/ disabled><strong>&lt;b&gt;&quot;Eve&quot; &amp; co&lt;\/b&gt;/);
    const posted = await choose('a0000000-0000-4000-8000-000000000005');
    expect(posted.status).toBe(400);
    expect(await posted.text()).toContain('AADSTS50057');
  });

  it('has no script, and a policy that lets the form go to itself and to the client alone', async () => {
    const page = await show({ state: '"><script>alert(1)</script>' });
    expect(await page.text()).not.toContain('<script');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://localhost:53111;");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it('puts the person who is hinted at first', async () => {
    const text = await (await show({ login_hint: 'Carla@contoso.example' })).text();
    expect(text.indexOf('Carla Reyes')).toBeLessThan(text.indexOf('Ada Lindqvist'));
  });

  it('takes no choice from a form on another page', async () => {
    for (const origin of ['https://elsewhere.example', 'null'])
      expect((await choose(ada, {}, { origin })).status).toBe(400);
  });

  it.each([['http://localhost/callback'], ['http://localhost:1/callback'], ['https://curfew.example/callback']])(
    'answers to the registered %s',
    async (uri) => {
      expect((await show({ redirect_uri: uri })).status).toBe(200);
    },
  );

  it.each([
    ['http://localhost:53111/callback/'],
    ['http://localhost:53111/Callback'],
    ['http://localhost:53111/callback?x=1'],
    ['http://localhost:53111/x/../callback'],
    ['http://localhost:99999/callback'],
    ['http://127.0.0.1:53111/callback'],
    ['https://localhost:53111/callback'],
    ['http://localhost:53111@elsewhere.example/callback'],
    ['http://localhost.elsewhere.example/callback'],
    ['https://curfew.example:8443/callback'],
    ['https://elsewhere.example/callback'],
    ['javascript:alert(1)'],
  ])('sends nothing to the foreign %s, and says so itself', async (uri) => {
    for (const response of [await show({ redirect_uri: uri }), await choose(ada, { redirect_uri: uri })]) {
      expect(response.status).toBe(400);
      expect(response.headers.has('location')).toBe(false);
      expect(await response.text()).toContain('AADSTS50011');
    }
  });

  it('refuses a client that is unknown or has no redirect URI', async () => {
    expect(await (await show({ client_id: ada })).text()).toContain('AADSTS700016');
    expect(await (await show({ client_id: service })).text()).toContain('AADSTS50011');
  });

  it.each([
    ['no challenge', { code_challenge: '' }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['the implicit flow', { response_type: 'id_token' }, 'unsupported_response_type'],
    ['a fragment', { response_mode: 'fragment' }, 'invalid_request'],
    ['no scope', { scope: '' }, 'invalid_request'],
    ['an unknown resource', { scope: 'api://other/x' }, 'invalid_resource'],
    ['silence', { prompt: 'none' }, 'login_required'],
  ])('sends the client away with an error where it asks for %s', async (_what, changes, error) => {
    const answer = answerOf(await show(changes));
    expect(answer.get('error')).toBe(error);
    expect(answer.get('state')).toBe('a state & more');
    expect(answer.has('code')).toBe(false);
  });
});

describe('signing out', () => {
  const logout = (to: string) =>
    fetch(`${entra.authority}/oauth2/v2.0/logout?${new URLSearchParams({ post_logout_redirect_uri: to })}`, {
      redirect: 'manual',
    });

  it('goes back to a registered address and nowhere else', async () => {
    expect((await logout(callback)).headers.get('location')).toBe(callback);
    const elsewhere = await logout('https://elsewhere.example/');
    expect(elsewhere.status).toBe(200);
    expect(elsewhere.headers.has('location')).toBe(false);
  });
});
