import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importPKCS8, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appRoles } from '../../functions/callers.ts';
import { terminalClientId } from '../../local/laptop.ts';
import { applicationTokenFor, samplePerson } from '../../local/people.ts';
import { type Answer, type Api, reader, sendRaw, startApi, until } from './api-support.ts';

let api: Api;
/** The tenant's signing key and the claims of ada's own token: the strongest position a forger can start from. */
let genuine: { readonly kid: string; readonly pem: string; readonly claims: JWTPayload };
beforeAll(async () => {
  api = await startApi();
  const { keys } = JSON.parse(readFileSync(join(api.folder, 'entra.json'), 'utf8')) as {
    keys: { kid: string; pem: string }[];
  };
  const [key] = keys;
  if (!key) throw new Error('the stand-in has no key');
  genuine = { ...key, claims: partsOf(await api.tokenOf('ada')).payload };
});
afterAll(() => api.close());

function partsOf(token: string) {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return { header, payload: JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload, signature };
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

/** A token as the tenant would sign it, with other claims; those that are undefined are left out. */
async function signed(claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}, pem = genuine.pem) {
  const all = Object.fromEntries(
    Object.entries({ ...genuine.claims, ...claims }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(all)
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: genuine.kid, ...header })
    .sign(await importPKCS8(pem, 'RS256'));
}

function expectUnauthenticated({ status, headers, body, text }: Answer): void {
  expect([status, body.code, headers.get('www-authenticate')]).toEqual([401, 'CURFEW_UNAUTHENTICATED', 'Bearer']);
  // Whoever tries keys learns nothing of which part was wrong.
  expect(JSON.parse(text)).toEqual({
    type: 'urn:curfew:error:CURFEW_UNAUTHENTICATED',
    title: 'The call carries no valid token.',
    status: 401,
    code: 'CURFEW_UNAUTHENTICATED',
  });
}

const withToken = (authorization: string, path = '/requests') =>
  api.call(undefined, path, { headers: { authorization } });

describe('a token', () => {
  test('of the tenant is taken, however Bearer is written', async () => {
    const token = await api.tokenOf('ada');
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect((await withToken(`${scheme} ${token}`)).status).toBe(200);
    expect((await withToken(`Bearer ${await signed({})}`)).status).toBe(200);
  });

  /** What a v1.0 token has in other places than a v2.0 one. */
  const older = (): JWTPayload => ({
    ver: '1.0',
    iss: `${api.entra.authority}/`,
    aud: 'api://curfew',
    appid: terminalClientId,
    azp: undefined,
  });
  test('of version 1.0 is taken too, with everything in its place', async () => {
    expect((await withToken(`Bearer ${await signed(older())}`)).status).toBe(200);
  });

  const otherGuid = '00000000-0000-4000-8000-000000000009';
  const otherTenant = (): JWTPayload => ({
    tid: otherGuid,
    iss: String(genuine.claims.iss).replace(String(genuine.claims.tid), otherGuid),
  });
  const claims: [string, () => JWTPayload][] = [
    ['expired', () => ({ exp: now() - 61 })],
    ['without an end', () => ({ exp: undefined })],
    ['not valid yet', () => ({ nbf: now() + 120 })],
    ['for another audience', () => ({ aud: 'https://database.windows.net' })],
    ['for another application', () => ({ aud: terminalClientId })],
    ['without an audience', () => ({ aud: undefined })],
    ['of another issuer', () => ({ iss: `https://localhost:1/${String(genuine.claims.tid)}/v2.0` })],
    ['of the v1 issuer', () => ({ iss: String(genuine.claims.iss).replace('/v2.0', '/') })],
    ['of another tenant', () => ({ tid: otherGuid })],
    ['without a tenant', () => ({ tid: undefined })],
    ['without a person', () => ({ oid: undefined })],
    ['of somebody whose id is no id', () => ({ oid: "x' or true" })],
    ['with another scope', () => ({ scp: 'User.Read' })],
    ['with a scope that only begins alike', () => ({ scp: 'access_as_user_readonly' })],
    ['without a scope', () => ({ scp: undefined })],
    ['with roles that are no list', () => ({ roles: 'Access.Administer' }) as JWTPayload],
    ['without a client', () => ({ azp: undefined })],
    ['without a version', () => ({ ver: undefined })],
    ['of a version that its issuer does not have', () => ({ ver: '1.0', appid: terminalClientId })],
    ['of version 1.0 for the audience of version 2.0', () => ({ ...older(), aud: genuine.claims.aud })],
    ['of version 1.0 for another API', () => ({ ...older(), aud: 'api://curfew-test' })],
    ['of version 1.0 of another tenant', () => ({ ...older(), tid: otherGuid })],
    ['for two audiences', () => ({ aud: [String(genuine.claims.aud), 'api://elsewhere'] })],
    ['of another tenant whose issuer signs with the same keys', () => otherTenant()],
    ['of an application with a person’s scope', () => ({ idtyp: 'app', sub: genuine.claims.oid })],
    ['of an application that speaks of another', () => ({ idtyp: 'app', scp: undefined })],
    ['of a person who is said to be an application', () => ({ idtyp: 'app' })],
    ['of a device', () => ({ idtyp: 'device' })],
  ];
  test.each(claims)('%s is refused', async (_what, more) => {
    expectUnauthenticated(await withToken(`Bearer ${await signed(more())}`));
  });

  test('that is unsigned is refused', async () => {
    const { payload, signature } = partsOf(await api.tokenOf('ada'));
    for (const alg of ['none', 'None', 'NONE', '']) {
      for (const last of ['', 'AA', signature]) {
        expectUnauthenticated(await withToken(`Bearer ${encoded({ alg, typ: 'JWT' })}.${encoded(payload)}.${last}`));
      }
    }
  });

  test('that is signed by the public key as if it were a secret is refused', async () => {
    const key = createPublicKey(genuine.pem);
    for (const secret of [
      key.export({ type: 'spki', format: 'pem' }).toString(),
      key.export({ type: 'pkcs1', format: 'pem' }).toString(),
      JSON.stringify(key.export({ format: 'jwk' })),
    ]) {
      const token = await new SignJWT(genuine.claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: genuine.kid })
        .sign(Buffer.from(secret));
      expectUnauthenticated(await withToken(`Bearer ${token}`));
    }
  });

  test('that is signed by a key of the caller’s own is refused, also where it brings that key along', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const jwk = publicKey.export({ format: 'jwk' });
    const headers: Partial<JWTHeaderParameters>[] = [
      {},
      { kid: 'mine' },
      { jwk: { kty: 'RSA', n: String(jwk.n), e: String(jwk.e) } },
      { jku: `http://localhost:${api.ports.inbox}/keys` },
      { x5u: `http://localhost:${api.ports.inbox}/keys` },
    ];
    for (const header of headers) expectUnauthenticated(await withToken(`Bearer ${await signed({}, header, pem)}`));
  });

  test('that is altered is refused', async () => {
    const token = await api.tokenOf('ada');
    const { header, payload, signature } = partsOf(token);
    const admin = encoded({ ...payload, roles: ['Access.Administer'] });
    const altered = [
      `${header}.${admin}.${signature}`,
      `${header}.${encoded(payload)}.${signature.slice(0, -2)}`,
      `${header}.${encoded(payload)}.`,
      `${token}x`,
      `${token}.x`,
      `${token} x`,
      `${token},${token}`,
      `${encoded({ alg: 'RS256', kid: genuine.kid, crit: ['exp'], exp: 1 })}.${encoded(payload)}.${signature}`,
      `${encoded({ alg: 'RS256', kid: genuine.kid, b64: false, crit: ['b64'] })}.${encoded(payload)}.${signature}`,
      `${encoded({ alg: 'RS256', kid: 7 })}.${encoded(payload)}.${signature}`,
      `${encoded([])}.${encoded(payload)}.${signature}`,
      `${Buffer.from('{').toString('base64url')}.${encoded(payload)}.${signature}`,
      `a.b.c`,
      `A.A.A`,
      '..',
      'x'.repeat(20_000),
    ];
    for (const each of altered) expectUnauthenticated(await withToken(`Bearer ${each}`));
    for (const each of ['', 'Bearer', token, `Basic ${btoa('ada:ada-on-a-laptop')}`, `Bearer  ${token}`]) {
      expectUnauthenticated(await withToken(each));
    }
  });

  test('for something else is refused: an ID token, a refresh token, a token for the database', async () => {
    const { userPrincipalName, password } = samplePerson('ada');
    const response = await fetch(`${api.entra.authority}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: terminalClientId,
        username: userPrincipalName,
        password,
        scope: 'openid offline_access api://curfew/.default',
      }),
    });
    const { id_token = '', refresh_token = '' } = (await response.json()) as Record<string, string>;
    const database = await api.tokenOf('ada', 'https://database.windows.net/.default');
    for (const token of [id_token, refresh_token, database]) {
      expect(token.split('.')).toHaveLength(3);
      expectUnauthenticated(await withToken(`Bearer ${token}`));
    }
  });

  test('that Curfew’s own sign-in gets is for Curfew, and still no access token', async () => {
    const { userPrincipalName, password } = samplePerson('carla');
    const response = await fetch(`${api.entra.authority}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: api.settings.CURFEW_TOKEN_AUDIENCE ?? '',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await applicationTokenFor(
          'curfew-service',
          api.entra.authority,
          'api://AzureADTokenExchange/.default',
        ),
        username: userPrincipalName,
        password,
        scope: 'openid profile',
      }),
    });
    const { id_token = '' } = (await response.json()) as Record<string, string>;
    const { payload } = partsOf(id_token);
    expect(payload).toMatchObject({ aud: genuine.claims.aud, iss: genuine.claims.iss, ver: '2.0' });
    expect(payload.roles).toContain('Access.Administer');
    expectUnauthenticated(await withToken(`Bearer ${id_token}`));
    // Nor would it be with a client, or with what makes a token an application's.
    for (const more of [{ azp: terminalClientId }, { azp: terminalClientId, idtyp: 'app' }]) {
      expectUnauthenticated(await withToken(`Bearer ${await signed({ ...payload, scp: undefined, ...more })}`));
    }
  });

  test('sent twice, or beside a forged principal, counts for nothing', async () => {
    const bearer = `authorization: Bearer ${await api.tokenOf('ada')}`;
    const twice = await sendRaw(api.ports.api, ['GET /api/requests HTTP/1.1', bearer, bearer]);
    expect(twice.status).toBe(401);
    const principal = Buffer.from(
      JSON.stringify({ auth_typ: 'aad', claims: [{ typ: 'roles', val: 'Access.Administer' }] }),
    ).toString('base64');
    const forged = {
      'x-ms-client-principal': principal,
      'x-ms-client-principal-id': samplePerson('carla').id,
      'x-ms-client-principal-name': 'carla@contoso.example',
      'x-ms-token-aad-access-token': await api.tokenOf('carla'),
      'x-forwarded-user': 'carla@contoso.example',
    };
    expectUnauthenticated(await api.call(undefined, '/requests', { headers: forged }));
    const id = await api.asked('ada');
    expect((await api.call('eve', `/requests/${id}`, { headers: forged })).status).toBe(404);
  });

  test('is wanted on every route but health and the approval link', async () => {
    for (const path of ['/targets', '/requests', '/requests/x', '/requests/x/events']) {
      expectUnauthenticated(await api.call(undefined, path));
    }
    for (const path of ['/requests', '/requests?dryRun=true', '/requests/x/withdraw', '/requests/x/revoke']) {
      expectUnauthenticated(await api.post(undefined, path, reader));
    }
    expect((await api.call(undefined, '/health')).status).toBe(200);
  });
});

describe('who may see and do what', () => {
  test('another’s request is not found, word for word as one that does not exist', async () => {
    const id = await api.asked('ada');
    const unknown = `req-${'0'.repeat(26)}`;
    for (const name of ['eve', 'fionn']) {
      for (const [method, action] of [
        ['GET', ''],
        ['GET', '/events'],
        ['POST', '/withdraw'],
        ['POST', '/revoke'],
      ] as const) {
        const answer = await api.call(name, `/requests/${id}${action}`, { method });
        expect([answer.status, answer.body.code]).toEqual([404, 'CURFEW_REQUEST_NOT_FOUND']);
        expect(answer.text).toBe((await api.call(name, `/requests/${unknown}${action}`, { method })).text);
      }
      expect((await api.call(name, '/requests')).body.requests.map((each) => each.id)).not.toContain(id);
    }
    expect(await api.shown(id)).toMatchObject({ state: 'waiting-for-approval' });
  });

  test('its approvers and the administrator see it', async () => {
    const id = await api.asked('ada');
    for (const name of ['ada', 'bob', 'carla']) {
      expect((await api.shown(id, name)).id).toBe(id);
      expect((await api.call(name, `/requests/${id}/events`)).body.chain).toBe('intact');
      expect((await api.call(name, '/requests')).body.requests.map((each) => each.id)).toContain(id);
    }
  });

  test('an approver who asks for the list of another person sees what both have a part in, and no more', async () => {
    await api.asked('ada');
    const { principalId } = (await api.call('bob', '/requests')).body.requests[0]?.requester ?? {};
    const seen = await api.call('fionn', `/requests?requester=${principalId}`);
    expect([seen.status, seen.body.requests]).toEqual([200, []]);
  });

  test('who may ask for nothing is told the same of roles that exist and of roles that don’t', async () => {
    const [real, unreal] = [await api.ask('eve'), await api.ask('eve', { target: 'nothing-like-it' })];
    expect([real.status, real.body.code]).toEqual([422, 'CURFEW_NO_SUCH_ROLE']);
    expect(real.text).toBe(unreal.text);
  });

  test('an application without a role asks for nothing, sees nothing and decides nothing', async () => {
    const token = await api.applicationTokenOf('curfew-service');
    const headers = { authorization: `Bearer ${token}` };
    const id = await api.asked('ada');
    for (const path of [
      '/requests',
      `/requests/${id}/decision`,
      `/requests/${id}/extension`,
      `/requests/${id}/review`,
    ]) {
      const answer = await api.post(undefined, path, reader, headers);
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'CURFEW_FORBIDDEN']);
    }
    expect((await api.call(undefined, '/targets', { headers })).body.targets).toEqual([]);
    expect((await api.call(undefined, '/requests', { headers })).body.requests).toEqual([]);
    expect((await api.post(undefined, `/requests/${id}/revoke`, undefined, headers)).status).toBe(404);
  });

  test('an application with every role may end access, and still decides nothing', async () => {
    const id = await api.asked('ada');
    const { payload } = partsOf(await api.applicationTokenOf('curfew-service'));
    const everything = { ...payload, scp: undefined, roles: [...appRoles] };
    const headers = { authorization: `Bearer ${await signed(everything)}` };
    const decided = await api.post(undefined, `/requests/${id}/decision`, { decision: 'approve' }, headers);
    expect([decided.status, decided.body.code]).toEqual([403, 'CURFEW_NOT_A_PERSON']);
    expect((await api.approve('bob', id)).status).toBe(200);
    const ended = await api.post(undefined, `/requests/${id}/revoke`, undefined, headers);
    expect([ended.status, ended.body.endedEarly?.as]).toEqual([200, 'administrator']);
  });

  test('somebody whom the directory does not know may do nothing', async () => {
    const headers = { authorization: `Bearer ${await signed({ oid: 'a0000000-0000-4000-8000-0000000000ff' })}` };
    const answer = await api.post(undefined, '/requests', reader, headers);
    expect([answer.status, answer.body.code]).toEqual([403, 'CURFEW_PRINCIPAL_UNKNOWN']);
  });
});

describe('keys', () => {
  test('that roll are accepted within seconds, and the old ones as long as they are published', async () => {
    const old = await api.tokenOf('ada');
    await api.entra.rollKeys();
    const fresh = await api.tokenOf('ada', 'api://curfew/access_as_user');
    expect(partsOf(fresh).header).not.toBe(partsOf(old).header);
    await until(
      async () => (await withToken(`Bearer ${fresh}`)).status,
      (status) => status === 200,
      4_000,
    );
    expect((await withToken(`Bearer ${old}`)).status).toBe(200);
  });
});
