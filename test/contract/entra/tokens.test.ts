import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import {
  ada,
  api,
  apiClient,
  askToken,
  company,
  personToken,
  portal,
  readAnswer,
  service,
  serviceSecret,
  serviceToken,
  start,
} from './start.ts';

const hour = 3_600_000;
const database = 'https://database.windows.net';
let clock = Date.now();
let entra: Entra;

beforeAll(async () => {
  entra = await start({ now: () => clock });
});
afterAll(() => entra.close());

const discovery = async () =>
  (await readAnswer(await fetch(`${entra.authority}/v2.0/.well-known/openid-configuration`))).body;

/** A client that has seen no key yet. */
const keySet = () => createRemoteJWKSet(new URL(`${entra.authority}/discovery/v2.0/keys`));

const accept = (token: string, keys = keySet()) =>
  jwtVerify(token, keys, { issuer: entra.issuer, audience: api, algorithms: ['RS256'], currentDate: new Date(clock) });

describe('discovery', () => {
  it('names the endpoints under the authority and the issuer that tokens carry', async () => {
    expect(await discovery()).toMatchObject({
      issuer: entra.issuer,
      token_endpoint: `${entra.authority}/oauth2/v2.0/token`,
      jwks_uri: `${entra.authority}/discovery/v2.0/keys`,
      code_challenge_methods_supported: ['S256'],
    });
  });

  it('answers instance discovery for its own host', async () => {
    const { body } = await readAnswer(await fetch(`${entra.url}/common/discovery/instance?api-version=1.1`));
    expect(body).toMatchObject({ metadata: [{ aliases: [new URL(entra.url).host] }] });
  });

  it('publishes public keys alone', async () => {
    const { body } = await readAnswer(await fetch(`${entra.authority}/discovery/v2.0/keys`));
    expect(body).toEqual({
      keys: [{ kty: 'RSA', use: 'sig', kid: expect.any(String), n: expect.any(String), e: 'AQAB' }],
    });
  });

  it('refuses another tenant, another path and another method', async () => {
    const other = await readAnswer(await fetch(`${entra.url}/${api}/v2.0/.well-known/openid-configuration`));
    expect(other).toMatchObject({ status: 400, body: { error: 'invalid_tenant', error_codes: [90002] } });
    for (const path of ['/', '/nothing', `/${company.tenantId}/oauth2/token`, '/control/people/x', '/%zz'])
      expect((await fetch(entra.url + path)).status).toBeGreaterThanOrEqual(400);
    expect((await fetch(`${entra.authority}/oauth2/v2.0/token`)).status).toBe(405);
  });
});

describe('access tokens', () => {
  it("for Curfew's API in a person's name carry what Entra's v2.0 tokens do", async () => {
    const token = await personToken(entra, 'carla');
    const { payload, protectedHeader } = await accept(token);
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) });
    expect(payload).toMatchObject({
      aud: api,
      iss: entra.issuer,
      tid: company.tenantId,
      azp: portal,
      name: 'Carla Reyes',
      preferred_username: 'carla@contoso.example',
      roles: ['Access.Request', 'Access.Approve', 'Access.Administer', 'Access.Audit'],
      scp: 'access_as_user',
      ver: '2.0',
      amr: ['pwd'],
    });
    expect(payload.sub).not.toBe(payload.oid);
    expect(Number(payload.exp) - Number(payload.iat)).toBe(3600);
  });

  it('leave roles out where a person has none', async () => {
    const withoutRoles = structuredClone(company);
    for (const person of withoutRoles.people) person.appRoles = [];
    const other = await start({ company: withoutRoles });
    const claims = decodeJwt(await personToken(other, 'ada'));
    await other.close();
    expect(claims).not.toHaveProperty('roles');
  });

  it("carry an application's roles and no scope", async () => {
    const withRole = structuredClone(company);
    const [, curfew] = withRole.applications;
    curfew?.appRoles.push('Requests.OnBehalf');
    const other = await start({ company: withRole });
    const claims = decodeJwt(await serviceToken(other, 'api://curfew/.default'));
    await other.close();
    expect(claims).toMatchObject({ aud: api, azp: service, idtyp: 'app', roles: ['Requests.OnBehalf'], ver: '2.0' });
    expect(claims).not.toHaveProperty('scp');
  });

  it('are for the client id where the API is named by it', async () => {
    expect(decodeJwt(await personToken(entra, 'ada', `${api}/.default`)).aud).toBe(api);
  });

  it('give the same person another subject for another audience', async () => {
    const [one, two] = [await personToken(entra, 'ada'), await personToken(entra, 'ada', `${database}/.default`)];
    expect(decodeJwt(one).sub).not.toBe(decodeJwt(two).sub);
    expect(decodeJwt(two)).toMatchObject({ oid: ada, appid: portal, scp: 'user_impersonation', ver: '1.0' });
  });

  it('of version 1 name the API by its URI, the client by appid and the person by upn', async () => {
    const older = structuredClone(company);
    for (const application of older.applications) application.accessTokenVersion = 1;
    const other = await start({ company: older });
    const person = await personToken(other, 'ada');
    const application = await serviceToken(other, 'api://curfew/.default');
    const common = { ver: '1.0', iss: `${other.authority}/`, aud: 'api://curfew' };
    expect(decodeJwt(person)).toMatchObject({
      ...common,
      appid: portal,
      appidacr: '0',
      upn: 'ada@contoso.example',
      unique_name: 'ada@contoso.example',
      scp: 'access_as_user',
      roles: ['Access.Request'],
    });
    expect(decodeJwt(application)).toMatchObject({ ...common, appid: service, appidacr: '1', idtyp: 'app' });
    expect((await other.verify(person, 'api://curfew')).objectId).toBe(ada);
    await other.close();
  });

  it('say how the person signed in, as the tester has it', async () => {
    const form = { grant_type: 'password', client_id: portal, username: 'ada@contoso.example', scope: 'openid' };
    const strong = { password: 'ada-on-a-laptop', scope: 'openid offline_access api://curfew/.default' };
    const { body } = await askToken(entra, { ...form, ...strong, amr: 'pwd mfa', acrs: 'c1 c2' });
    const renewal = { grant_type: 'refresh_token', client_id: portal, refresh_token: String(body.refresh_token) };
    const renewed = await askToken(entra, renewal);
    for (const token of [body.access_token, body.id_token, renewed.body.access_token])
      expect(decodeJwt(String(token))).toMatchObject({ amr: ['pwd', 'mfa'], acrs: ['c1', 'c2'] });
    expect(decodeJwt(await personToken(entra, 'ada'))).not.toHaveProperty('acrs');
  });

  it('are good under the old key and the new after the keys roll, until the old one is withdrawn', async () => {
    const before = await personToken(entra, 'ada');
    const keys = keySet();
    await accept(before, keys);
    await entra.rollKeys();
    const after = await personToken(entra, 'ada');
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
    await accept(before);
    await accept(after);
    expect((await entra.verify(before, api)).objectId).toBe(ada);
    clock += 25 * hour;
    await expect(accept(before)).rejects.toThrow(errors.JWKSNoMatchingKey);
  });
});

describe('verify', () => {
  it('takes an audience with or without its last slash, by name, or one of several', async () => {
    const token = await serviceToken(entra, `${database}//.default`);
    for (const audience of [database, `${database}/`, ['https://cosmos.azure.com', database]])
      expect((await entra.verify(token, audience)).name).toBe('curfew-service');
    expect((await entra.verify(await personToken(entra, 'ada'), 'api://curfew')).kind).toBe('person');
  });

  it('refuses a token for another audience', async () => {
    await expect(entra.verify(await personToken(entra, 'ada'), database)).rejects.toThrow();
  });

  it('refuses an expired token', async () => {
    const token = await personToken(entra, 'ada');
    clock += hour - 1000;
    await entra.verify(token, api);
    clock += 1000;
    await expect(entra.verify(token, api)).rejects.toThrow(errors.JWTExpired);
  });

  it('refuses an altered token, an unsigned one, one signed by a stranger and one with a shared secret', async () => {
    const token = await personToken(entra, 'ada');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { kid } = decodeProtectedHeader(token);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = decodeJwt(token);
    const { privateKey } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      false,
      ['sign', 'verify'],
    );
    const bad = [
      [header, encode({ ...claims, oid: 'a0000000-0000-4000-8000-000000000003' }), signature].join('.'),
      [encode({ alg: 'none', typ: 'JWT', kid }), payload, ''].join('.'),
      await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: String(kid) }).sign(privateKey),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: String(kid) })
        .sign(new TextEncoder().encode('a secret of thirty-two characters')),
      'not a token',
      '',
    ];
    await entra.verify(token, api);
    for (const each of bad) await expect(entra.verify(each, api)).rejects.toThrow();
  });

  it('refuses an ID token and a refresh token, whatever their audience', async () => {
    const scope = 'openid offline_access api://curfew/access_as_user';
    const form = { grant_type: 'password', username: 'ada@contoso.example', password: 'ada-on-a-laptop', scope };
    const { body } = await askToken(entra, { ...form, ...(await apiClient(entra)) });
    expect(decodeJwt(String(body.id_token)).aud).toBe(api);
    await expect(entra.verify(String(body.id_token), api)).rejects.toThrow();
    await expect(entra.verify(String(body.refresh_token), entra.authority)).rejects.toThrow();
  });
});

describe('the token endpoint refuses', () => {
  const secret = { grant_type: 'client_credentials', client_id: service, client_secret: serviceSecret };
  const password = { grant_type: 'password', client_id: portal, username: 'ada@contoso.example' };
  const right = { ...password, password: 'ada-on-a-laptop', scope: 'api://curfew/.default' };
  const scope = `${database}/.default`;

  it.each([
    ['an unknown client', { ...secret, client_id: ada, scope }, 400, 'unauthorized_client', 700016],
    ['a wrong secret', { ...secret, client_secret: 'x', scope }, 401, 'invalid_client', 7000215],
    ['no secret where one is due', { ...secret, client_secret: '', scope }, 401, 'invalid_client', 7000218],
    [
      'client credentials without a secret to have',
      { ...secret, client_id: portal, client_secret: '', scope },
      401,
      'invalid_client',
      7000218,
    ],
    [
      'a client that has nothing but federated identities, without an assertion',
      { ...right, client_id: api },
      401,
      'invalid_client',
      7000218,
    ],
    ['a secret from such a client', { ...right, client_id: api, client_secret: 'x' }, 401, 'invalid_client', 7000215],
    ['a secret from a public client', { ...right, client_secret: 'x' }, 401, 'invalid_client', 700025],
    [
      'a single permission for an application',
      { ...secret, scope: 'api://curfew/access_as_user' },
      400,
      'invalid_scope',
      1002012,
    ],
    ['an unknown resource', { ...secret, scope: 'https://database.example/.default' }, 400, 'invalid_resource', 500011],
    ['an unknown API', { ...secret, scope: 'api://other/.default' }, 400, 'invalid_resource', 500011],
    ['a path in a resource', { ...secret, scope: `${database}/x/.default` }, 400, 'invalid_resource', 500011],
    ['two resources at once', { ...right, scope: `${scope} api://curfew/.default` }, 400, 'invalid_scope', 28000],
    ['an unknown permission', { ...right, scope: 'api://curfew/everything' }, 400, 'invalid_scope', 70011],
    ['a wrong password', { ...right, password: 'x' }, 400, 'invalid_grant', 50126],
    ['an unknown person', { ...right, username: 'x@contoso.example' }, 400, 'invalid_grant', 50126],
    ['an unknown grant', { ...right, grant_type: 'device_code' }, 400, 'unsupported_grant_type', 70003],
    ['a missing parameter', password, 400, 'invalid_request', 900144],
    [
      'a made-up refresh token',
      { grant_type: 'refresh_token', client_id: portal, refresh_token: 'x' },
      400,
      'invalid_grant',
      70000,
    ],
  ])('%s', async (_what, form, status, error, number) => {
    expect(await askToken(entra, form)).toMatchObject({
      status,
      body: { error, error_codes: [number], error_description: expect.stringContaining(`AADSTS${number}:`) },
    });
  });

  it('a parameter given twice, and a body that is not a form', async () => {
    const url = `${entra.authority}/oauth2/v2.0/token`;
    const twice = new URLSearchParams([...Object.entries({ ...secret, scope }), ['client_id', portal]]);
    expect((await fetch(url, { method: 'POST', body: twice })).status).toBe(400);
    expect((await fetch(url, { method: 'POST', body: JSON.stringify(secret) })).status).toBe(400);
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(70_000) })).status).toBe(413);
  });
});

describe('the token endpoint', () => {
  it('takes the secret as HTTP Basic too', async () => {
    const form = { grant_type: 'client_credentials', scope: `${database}/.default` };
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect((await askToken(entra, form, basic(`${service}:${serviceSecret}`))).status).toBe(200);
    expect((await askToken(entra, form, basic(`${service}:wrong`))).status).toBe(401);
    expect((await askToken(entra, form, { authorization: 'Bearer x' })).status).toBe(401);
  });

  it('renews a person by refresh token, for the client that it was given to', async () => {
    const scope = 'openid offline_access api://curfew/access_as_user';
    const form = { grant_type: 'password', username: 'ada@contoso.example', password: 'ada-on-a-laptop', scope };
    const first = await askToken(entra, { ...form, client_id: portal });
    const renew = { grant_type: 'refresh_token', refresh_token: String(first.body.refresh_token) };
    const { body } = await askToken(entra, { ...renew, client_id: portal });
    expect((await accept(String(body.access_token))).payload.oid).toBe(ada);
    expect(body).toHaveProperty('refresh_token');
    expect((await askToken(entra, { ...renew, ...(await apiClient(entra)) })).body.error_codes).toEqual([70000]);
    clock += 24 * hour;
    expect((await askToken(entra, { ...renew, client_id: portal })).body.error_codes).toEqual([70008]);
  });
});
