import { createHash, randomBytes } from 'node:crypto';
import { ClientSecretCredential, type TokenCredential } from '@azure/identity';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import { createSignIn, type SignInOptions } from '../../../shared/adapters/entra/sign-in.ts';
import type { Authentication } from '../../../shared/domain/policy.ts';
import type { SignIn, SignInMemory } from '../../../shared/ports.ts';
import { ada, api, company, portal, service, serviceSecret, start } from './start.ts';

const redirectUri = 'http://localhost:53111/api/sign-in/callback';
const entropy = { bytes: (count: number) => randomBytes(count) };
let entra: Entra;
let signIn: SignIn;

beforeAll(async () => {
  entra = await start();
  signIn = made();
});
afterAll(() => entra.close());
afterEach(() => vi.restoreAllMocks());

function made(changes: Partial<SignInOptions> = {}): SignIn {
  const options = { authorityHost: entra.url, disableInstanceDiscovery: true };
  const credential = new ClientSecretCredential(company.tenantId, service, serviceSecret, options);
  const { tenantId } = company;
  return createSignIn({ issuer: entra.issuer, clientId: api, tenantId, credential, entropy, ...changes });
}

interface Back {
  readonly callbackUrl: URL;
  readonly redirectUri: string;
  readonly memory: SignInMemory;
}

/** Ada chooses herself on the issuer's page and is sent back. */
async function goAndComeBack({ needs = [], isMfa = false }: { needs?: Authentication[]; isMfa?: boolean } = {}) {
  const { url, memory } = await signIn.begin({ redirectUri, needs });
  const parameters = { ...Object.fromEntries(new URL(url).searchParams), person: ada, ...(isMfa && { mfa: 'on' }) };
  const answer = await fetch(`${entra.authority}/oauth2/v2.0/authorize`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    headers: { origin: entra.url },
    redirect: 'manual',
  });
  return { callbackUrl: new URL(answer.headers.get('location') ?? ''), redirectUri, memory } satisfies Back;
}

/** Whom it lets in, or the code that it refuses with. Nothing foreign may be in the refusal. */
async function outcome(back: Back, by = signIn): Promise<unknown> {
  try {
    return await by.finish(back);
  } catch (error) {
    const { refusal } = error as { refusal: { code: string } };
    expect(Object.keys(refusal)).toEqual(['code']);
    return refusal.code;
  }
}

/** Between Curfew and the issuer: what the issuer answers at one place is changed on its way. */
function tamper(place: RegExp, change: (response: Response) => Response | Promise<Response>): void {
  const real = globalThis.fetch;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const response = await real(input, init);
    return place.test(String(input)) ? change(response) : response;
  });
}

const withIdToken = (idToken: (before: string) => string | Promise<string>) =>
  tamper(/\/token$/, async (response) => {
    const answer = (await response.json()) as { id_token: string };
    return Response.json({ ...answer, id_token: await idToken(answer.id_token) });
  });

const somebody = { principalId: ada, name: 'Ada Lindqvist (ada@contoso.example)' };

describe('signing in through the unmodified openid-client', () => {
  it('sends people to the issuer with a challenge, and keeps what answers it', async () => {
    const { url, memory } = await signIn.begin({ redirectUri, loginHint: 'ada@contoso.example', needs: [] });
    const { origin, pathname, searchParams } = new URL(url);
    expect(`${origin}${pathname}`).toBe(`${entra.authority}/oauth2/v2.0/authorize`);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: api,
      redirect_uri: redirectUri,
      response_type: 'code',
      response_mode: 'query',
      scope: 'openid profile',
      state: memory.state,
      nonce: memory.nonce,
      code_challenge: createHash('sha256').update(memory.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      login_hint: 'ada@contoso.example',
    });
    const secrets = Object.values(memory);
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
    expect(url).not.toContain(memory.verifier);
  });

  it('tells who came back, without a second factor unless there was one', async () => {
    expect(await outcome(await goAndComeBack())).toEqual({ ...somebody, authentication: [] });
    const strong = await goAndComeBack({ needs: ['mfa', 'c1', 'c25'], isMfa: true });
    expect(await outcome(strong)).toEqual({ ...somebody, authentication: ['mfa', 'c1', 'c25'] });
    const weak = await goAndComeBack({ needs: ['mfa', 'c1'] });
    expect(await outcome(weak)).toEqual({ ...somebody, authentication: [] });
  });

  it('asks for what is needed as OpenID Connect has it, and for a fresh sign-in where one was too weak', async () => {
    const { url } = await signIn.begin({ redirectUri, needs: ['mfa', 'c1'], isAgain: true });
    const { searchParams } = new URL(url);
    expect(searchParams.get('prompt')).toBe('login');
    expect(JSON.parse(searchParams.get('claims') ?? '')).toEqual({
      id_token: { amr: { essential: true, values: ['mfa'] }, acrs: { essential: true, values: ['c1'] } },
    });
  });

  it('proves itself by a token of the service’s own identity, and by no secret', async () => {
    const back = await goAndComeBack();
    const bodies: URLSearchParams[] = [];
    const real = globalThis.fetch;
    vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
      if (/\/token$/.test(String(input))) bodies.push(new URLSearchParams(String(init?.body)));
      return real(input, init);
    });
    await signIn.finish(back);
    const [body] = bodies;
    expect(body?.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(body?.get('client_assertion')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(body?.has('client_secret')).toBe(false);
  });

  it('leads back after signing out at the issuer', async () => {
    const end = new URL((await signIn.endUrl('http://localhost:53111/api/signed-out')) ?? '');
    expect(end.pathname).toMatch(/\/logout$/);
    const answer = await fetch(end, { redirect: 'manual' });
    expect(answer.headers.get('location')).toBe('http://localhost:53111/api/signed-out');
  });

  it('finds the new keys at once when they are rolled between going and coming back', async () => {
    expect(await outcome(await goAndComeBack())).toMatchObject(somebody);
    const back = await goAndComeBack();
    await entra.rollKeys();
    expect(await outcome(back)).toMatchObject(somebody);
  });
});

describe('a sign-in comes to nothing', () => {
  const random = () => randomBytes(32).toString('base64url');

  it.each(['state', 'nonce', 'verifier'] as const)('with another %s', async (name) => {
    const { memory, ...back } = await goAndComeBack();
    expect(await outcome({ ...back, memory: { ...memory, [name]: random() } })).toBe('CURFEW_SIGN_IN_FAILED');
  });

  it('with a code that was redeemed before, by anybody', async () => {
    const back = await goAndComeBack();
    expect(await outcome(back)).toMatchObject(somebody);
    expect(await outcome(back)).toBe('CURFEW_SIGN_IN_FAILED');
  });

  it('with a code that was given for another client', async () => {
    const back = await goAndComeBack();
    expect(await outcome(back, made({ clientId: portal }))).toBe('CURFEW_SIGN_IN_FAILED');
  });

  it('with a refusal, junk, or a parameter given twice in place of the code', async () => {
    const { callbackUrl, ...back } = await goAndComeBack();
    const { state } = back.memory;
    for (const query of [
      `error=access_denied&error_description=no&state=${state}`,
      `state=${state}`,
      `code=junk&state=${state}`,
      `code=a&code=b&state=${state}`,
      `${callbackUrl.searchParams}&state=${state}`,
      `${callbackUrl.searchParams}&iss=https://evil.example`,
      '',
    ]) {
      const url = new URL(`?${query}`, callbackUrl);
      expect(await outcome({ ...back, callbackUrl: url }), query).toBe('CURFEW_SIGN_IN_FAILED');
    }
  });

  it('with a person of another tenant', async () => {
    const elsewhere = made({ tenantId: '72f988bf-0000-4000-8000-0c0ffee00002' });
    expect(await outcome(await goAndComeBack(), elsewhere)).toBe('CURFEW_SIGN_IN_FAILED');
  });

  it('with an ID token that was changed on its way, or that was signed otherwise', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claimsOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload;
    const bob = 'a0000000-0000-4000-8000-000000000002';
    const forgeries: ((token: string) => string | Promise<string>)[] = [
      (token) => {
        const [header, , signature] = token.split('.');
        return [header, part({ ...claimsOf(token), oid: bob }), signature].join('.');
      },
      (token) => [part({ alg: 'none' }), part({ ...claimsOf(token), oid: bob }), ''].join('.'),
      (token) =>
        new SignJWT({ ...claimsOf(token), oid: bob })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode(serviceSecret)),
      () => 'junk',
    ];
    for (const forge of forgeries) {
      const back = await goAndComeBack();
      withIdToken(forge);
      expect(await outcome(back)).toBe('CURFEW_SIGN_IN_FAILED');
      vi.restoreAllMocks();
    }
  });

  it.each([
    ['another audience', 'RS256', { aud: portal }],
    ['another issuer', 'RS256', { iss: 'https://evil.example' }],
    ['a time that is over', 'RS256', { exp: Math.floor(Date.now() / 1000) - 61 }],
    ['no nonce', 'RS256', { nonce: undefined }],
    ['no object id', 'RS256', { oid: undefined }],
    ['an object id that is none', 'RS256', { oid: 'ada' }],
    ['no tenant', 'RS256', { tid: undefined }],
    ['another algorithm', 'PS256', {}],
    ['nothing wrong, by which the others are judged', 'RS256', {}],
  ])('with an ID token that has %s, though a key of the issuer signed it', async (what, alg, claims) => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    const keys = { keys: [{ ...(await exportJWK(publicKey)), alg, kid: 'own' }] };
    const back = await goAndComeBack();
    const real = globalThis.fetch;
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      if (/\/keys$/.test(String(input))) return Response.json(keys);
      const response = await real(input, init);
      // It may offer what it likes.
      if (/openid-configuration$/.test(String(input))) {
        const id_token_signing_alg_values_supported = ['RS256', 'PS256'];
        return Response.json({ ...((await response.json()) as object), id_token_signing_alg_values_supported });
      }
      if (!/\/token$/.test(String(input))) return response;
      const answer = (await response.json()) as { id_token: string };
      const payload = JSON.parse(
        Buffer.from(answer.id_token.split('.')[1] ?? '', 'base64url').toString(),
      ) as JWTPayload;
      const id_token = await new SignJWT({ ...payload, ...claims })
        .setProtectedHeader({ alg, kid: 'own' })
        .sign(privateKey);
      return Response.json({ ...answer, id_token });
    });
    const found = await outcome(back, made());
    if (what.startsWith('nothing')) expect(found).toMatchObject(somebody);
    else expect(found).toBe('CURFEW_SIGN_IN_FAILED');
  });
});

describe('while the issuer is down', () => {
  const unavailable = { code: 'CURFEW_ISSUER_UNAVAILABLE' };

  it('nobody is sent there, and it is asked again the next time', async () => {
    const fresh = made();
    const down = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed'));
    await expect(fresh.begin({ redirectUri, needs: [] })).rejects.toMatchObject(unavailable);
    down.mockRestore();
    await expect(fresh.begin({ redirectUri, needs: [] })).resolves.toHaveProperty('url');
  });

  it('its discovery document names itself, or is none', async () => {
    tamper(/openid-configuration/, async (response) =>
      Response.json({ ...((await response.json()) as object), issuer: 'https://evil.example' }),
    );
    await expect(made().begin({ redirectUri, needs: [] })).rejects.toMatchObject(unavailable);
  });

  it.each([
    ['the token endpoint', /\/token$/],
    ['the keys', /\/keys$/],
  ])('nobody comes in: %s', async (_, place) => {
    for (const answer of [
      () => Promise.reject(new TypeError('fetch failed')),
      () => Promise.reject(new DOMException('too late', 'TimeoutError')),
      () => new Response('<html>', { status: 502 }),
      () => Response.json({ error: 'slow_down' }, { status: 429 }),
    ]) {
      const back = await goAndComeBack();
      tamper(place, answer);
      expect(await outcome(back)).toBe('CURFEW_ISSUER_UNAVAILABLE');
      vi.restoreAllMocks();
    }
  });

  it('nor while the service can’t get a token of its own', async () => {
    const credential: TokenCredential = { getToken: () => Promise.reject(new Error('the identity endpoint is away')) };
    expect(await outcome(await goAndComeBack(), made({ credential }))).toBe('CURFEW_ISSUER_UNAVAILABLE');
    const silent: TokenCredential = { getToken: async () => null };
    expect(await outcome(await goAndComeBack(), made({ credential: silent }))).toBe('CURFEW_ISSUER_UNAVAILABLE');
  });
});
