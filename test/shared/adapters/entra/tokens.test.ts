import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTokenVerifier, type VerifyToken } from '../../../../shared/adapters/entra/tokens.ts';
import { instantOf } from '../../../../shared/domain/time.ts';
import type { Clock } from '../../../../shared/ports.ts';

const tenantId = '72f988bf-0000-4000-8000-0c0ffee00001';
const ada = 'a0000000-0000-4000-8000-000000000001';
const api = 'c0000000-0000-4000-8000-000000000001';
const portal = 'c0000000-0000-4000-8000-000000000003';
const robot = 'd0000000-0000-4000-8000-000000000004';
const robotClient = 'c0000000-0000-4000-8000-000000000004';

/** An issuer whose keys, mood and visitors are in the test's hands. */
let server: Server;
let issuer: string;
let keys: Map<string, CryptoKey>;
let published: object[];
let isDown = false;
let asked: string[];
let verify: VerifyToken;

const clock: Clock = { now: () => instantOf(Date.now()), sleepUntil: () => Promise.resolve() };
const v1 = { issuer: `https://sts.windows.net/${tenantId}/`, audience: 'api://curfew' };

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (isDown) return response.writeHead(503).end();
    const isDiscovery = request.url?.endsWith('/.well-known/openid-configuration');
    return response.end(JSON.stringify(isDiscovery ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${tenantId}/v2.0`;
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  [keys, published, asked, isDown] = [new Map(), [], [], false];
  await roll('first');
  verify = verifier();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => server.close());

const verifier = (more: object = { v1 }) => createTokenVerifier({ issuer, audience: api, tenantId, clock, ...more });

async function roll(kid: string): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  keys.set(kid, privateKey);
  published.push({ ...(await exportJWK(publicKey)), kid, use: 'sig' });
}

const person = () => ({
  iss: issuer,
  aud: api,
  ver: '2.0',
  tid: tenantId,
  oid: ada,
  sub: 'pairwise',
  azp: portal,
  scp: 'access_as_user',
});
const application = () => ({ ...person(), oid: robot, sub: robot, azp: robotClient, scp: undefined });
const older = { ...v1, iss: v1.issuer, aud: v1.audience, ver: '1.0', azp: undefined, appid: portal };

/** An Authorization header with a token of those claims; undefined ones are left out. */
async function bearer(claims: JWTPayload, kid = 'first', signer = kid): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const given = Object.entries({ iat: now, nbf: now, exp: now + 3600, ...claims });
  const token = new SignJWT(Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  const key = keys.get(signer);
  if (!key) throw new Error(`there is no key ${signer}`);
  return `Bearer ${await token.setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(key)}`;
}
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'taken',
    (error: { code?: string }) => error.code,
  );
const seconds = (count: number) => vi.setSystemTime(Date.now() + count * 1000);
const keyRequests = () => asked.filter((path) => path.endsWith('/keys')).length;

describe('a caller', () => {
  test('is a person, with the application that they signed in with', async () => {
    const token = { ...person(), oid: ada.toUpperCase(), azp: portal.toUpperCase(), roles: ['Access.Request'] };
    expect(await verify(await bearer(token))).toEqual({
      principalId: ada,
      clientId: portal,
      isPerson: true,
      roles: ['Access.Request'],
      authentication: [],
    });
  });

  test('is an application by its claim, or by Entra’s rule where the claim is not asked for', async () => {
    for (const idtyp of ['app', undefined]) {
      expect(await verify(await bearer({ ...application(), idtyp, amr: ['mfa'], acrs: ['c1'] }))).toEqual({
        principalId: robot,
        clientId: robotClient,
        isPerson: false,
        roles: [],
        authentication: [],
      });
    }
  });

  test.each<[string, JWTPayload, string[]]>([
    ['by password', { amr: ['pwd'] }, []],
    ['with a second factor', { amr: ['pwd', 'mfa'] }, ['mfa']],
    ['under authentication contexts', { amr: ['pwd', 'mfa'], acrs: ['c1', 'c25'] }, ['mfa', 'c1', 'c25']],
    [
      'in ways that Curfew doesn’t know',
      { amr: ['rsa', 7, 'MFA', 'mfa '], acrs: ['c', 'c0', 'c100', 'C1', 1, 'xc1'] },
      [],
    ],
    ['in ways that are no list', { amr: 'mfa', acrs: 'c1' }, []],
    ['in contexts alone that say mfa', { acrs: ['mfa'] }, []],
  ])('who signed in %s is shown so', async (_how, claims, expected) => {
    expect((await verify(await bearer({ ...person(), ...claims }))).authentication).toEqual(expected);
  });
});

describe('a token of version 1.0', () => {
  test('is taken where its issuer and audience are set', async () => {
    const token = await bearer({ ...person(), ...older, amr: ['pwd', 'mfa'] });
    expect(await verify(token)).toMatchObject({ principalId: ada, clientId: portal, authentication: ['mfa'] });
    expect(await codeOf(verifier({})(token))).toBe('CURFEW_UNAUTHENTICATED');
  });

  test.each<[string, () => JWTPayload]>([
    ['the issuer of the other version', () => ({ ...older, iss: issuer })],
    ['the audience of the other version', () => ({ ...older, aud: api })],
    ['two audiences', () => ({ ...older, aud: [v1.audience, api] })],
    ['the other version', () => ({ ...older, ver: '2.0', azp: portal })],
    ['no version', () => ({ ...older, ver: undefined })],
    ['another version', () => ({ ...older, ver: '3.0' })],
    ['azp in place of appid', () => ({ ...older, appid: undefined, azp: portal })],
    ['another tenant', () => ({ ...older, tid: ada })],
  ])('is refused with %s', async (_what, claims) => {
    expect(await codeOf(verify(await bearer({ ...person(), ...claims() })))).toBe('CURFEW_UNAUTHENTICATED');
  });
});

describe('a token is refused', () => {
  test.each<[string, () => JWTPayload]>([
    ['of v2.0 with the v1.0 issuer', () => ({ iss: v1.issuer })],
    ['of v2.0 with the v1.0 audience', () => ({ aud: v1.audience })],
    ['of v2.0 without a version', () => ({ ver: undefined })],
    ['without a client', () => ({ azp: undefined })],
    ['with a client that is no id', () => ({ azp: 'portal' })],
    ['of neither a person nor an application', () => ({ scp: undefined })],
    ['of a person who is said to be an application', () => ({ idtyp: 'app' })],
    ['of a person without a scope', () => ({ idtyp: 'user', scp: undefined })],
    ['of an application with a scope', () => ({ ...application(), idtyp: 'app', scp: 'access_as_user' })],
    ['of an application with an empty scope', () => ({ ...application(), idtyp: 'app', scp: '' })],
    ['of an application that speaks of another', () => ({ ...application(), idtyp: 'app', sub: ada })],
    ['of an application that is said to be a person', () => ({ ...application(), idtyp: 'user' })],
    ['of a device', () => ({ idtyp: 'device' })],
    ['without a subject', () => ({ sub: undefined })],
    ['of another tenant that signs with the same keys', () => ({ tid: robot, iss: issuer.replace(tenantId, robot) })],
  ])('%s', async (_what, claims) => {
    await verify(await bearer(person()));
    expect(await codeOf(verify(await bearer({ ...person(), ...claims() })))).toBe('CURFEW_UNAUTHENTICATED');
  });

  test('61 seconds after its end, and not yet after 59', async () => {
    const token = await bearer({ ...person(), exp: Math.floor(Date.now() / 1000) });
    seconds(59);
    await verify(token);
    seconds(2);
    expect(await codeOf(verify(token))).toBe('CURFEW_UNAUTHENTICATED');
  });
});

describe('keys', () => {
  test('that roll are found within seconds', async () => {
    await verify(await bearer(person()));
    await roll('second');
    seconds(3);
    await verify(await bearer(person(), 'second'));
    await verify(await bearer(person(), 'first'));
    expect(keyRequests()).toBe(2);
  });

  test('are not looked for at every junk', async () => {
    await verify(await bearer(person()));
    seconds(3);
    for (let count = 0; count < 20; count++) {
      expect(await codeOf(verify(await bearer(person(), `junk-${count}`, 'first')))).toBe('CURFEW_UNAUTHENTICATED');
    }
    expect(keyRequests()).toBe(2);
    await verify(await bearer(person()));
  });

  test('that are known still do while the issuer is down, and junk is not taken for good', async () => {
    await verify(await bearer(person()));
    isDown = true;
    seconds(3);
    const before = asked.length;
    for (let count = 0; count < 20; count++) {
      expect(await codeOf(verify(await bearer(person(), `junk-${count}`, 'first')))).toBe('CURFEW_ISSUER_UNAVAILABLE');
      await verify(await bearer(person()));
    }
    expect(asked.length - before).toBe(1);
  });

  test('that nobody can be asked for let nobody in, until the issuer is back', async () => {
    isDown = true;
    const token = await bearer(person());
    for (let count = 0; count < 20; count++) expect(await codeOf(verify(token))).toBe('CURFEW_ISSUER_UNAVAILABLE');
    expect(asked).toHaveLength(1);
    isDown = false;
    seconds(3);
    await verify(token);
  });
});
