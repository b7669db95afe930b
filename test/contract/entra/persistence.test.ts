import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entra, type EntraOptions, openVerifier } from '../../../local/entra/index.ts';
import {
  ada,
  analysts,
  api,
  askToken,
  company,
  fionn,
  owners,
  personToken,
  portal,
  readAnswer,
  service,
  serviceToken,
  start,
  support,
} from './start.ts';

let folder: string;
let entra: Entra;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'curfew-entra-'));
  entra = await open();
});
afterEach(async () => {
  await entra.close();
  rmSync(folder, { recursive: true });
});

const open = (options: Partial<EntraOptions> = {}) =>
  start({ keysPath: join(folder, 'entra.json'), control: true, ...options });

/** Closes it and starts it again on the same port, so that its tokens keep their issuer. */
async function restart(): Promise<void> {
  const port = Number(new URL(entra.url).port);
  await entra.close();
  entra = await open({ port });
}

const change = (method: string, path: string, body: unknown, headers = { 'content-type': 'application/json' }) =>
  fetch(`${entra.url}/control/${path}`, { method, body: JSON.stringify(body), headers });

async function groupsOf(person: string): Promise<unknown> {
  const token = await serviceToken(entra, 'https://graph.microsoft.com/.default');
  const url = `${entra.graphUrl}/users/${person}/checkMemberGroups`;
  const body = JSON.stringify({ groupIds: [analysts, owners, support] });
  const headers = { authorization: `Bearer ${token}` };
  return (await readAnswer(await fetch(url, { method: 'POST', body, headers }))).body.value;
}

describe('the control surface', () => {
  it('disables a person, who then gets no token by password or renewal, and enables them again', async () => {
    const form = { client_id: portal, scope: 'api://curfew/.default offline_access', username: 'ada@contoso.example' };
    const ask = () => askToken(entra, { ...form, grant_type: 'password', password: 'ada-on-a-laptop' });
    const renewal = { grant_type: 'refresh_token', refresh_token: String((await ask()).body.refresh_token) };
    expect((await change('PATCH', `people/${ada}`, { accountEnabled: false })).status).toBe(204);
    expect((await ask()).body).toMatchObject({ error: 'invalid_grant', error_codes: [50057] });
    expect((await askToken(entra, { ...renewal, client_id: portal })).body.error_codes).toEqual([50057]);
    await change('PATCH', `people/${ada}`, { accountEnabled: true });
    expect((await ask()).status).toBe(200);
  });

  it('changes the members of a group, groups included, and a circle of groups ends', async () => {
    expect(await groupsOf(fionn)).toEqual([analysts, support]);
    await change('PUT', `groups/${support}/members`, { members: [analysts] });
    expect(await groupsOf(fionn)).toEqual([]);
    expect(await groupsOf(ada)).toEqual([analysts, support]);
    await change('PUT', `groups/${owners}/members`, { members: [fionn] });
    expect(await groupsOf(fionn)).toEqual([owners]);
  });

  it('gives a person another manager, or none', async () => {
    const managerOf = async (person: string) => {
      const headers = { authorization: `Bearer ${await serviceToken(entra, 'https://graph.microsoft.com/.default')}` };
      return readAnswer(await fetch(`${entra.graphUrl}/users/${person}/manager`, { headers }));
    };
    await change('PATCH', `people/${ada}`, { managerId: fionn.toUpperCase() });
    expect((await managerOf(ada)).body.id).toBe(fionn);
    await change('PATCH', `people/${ada}`, { managerId: null });
    expect((await managerOf(ada)).status).toBe(404);
  });

  it('disables an application, which then gets no token', async () => {
    const { servicePrincipalId = '' } = company.applications.find(({ clientId }) => clientId === service) ?? {};
    await change('PATCH', `servicePrincipals/${servicePrincipalId}`, { accountEnabled: false });
    expect(await serviceToken(entra, 'https://graph.microsoft.com/.default')).toBe('undefined');
  });

  it.each([
    ['PATCH', `people/${owners}`, { accountEnabled: false }, 404],
    ['PATCH', `people/${ada}`, { accountEnabled: 'no' }, 400],
    ['PATCH', `people/${ada}`, { password: 'x' }, 400],
    ['PATCH', `people/${ada}`, { managerId: owners }, 404],
    ['PATCH', `servicePrincipals/${ada}`, { accountEnabled: false }, 404],
    ['PUT', `groups/${owners}/members`, { members: ['d0000000-0000-4000-8000-00000000ffff'] }, 404],
    ['PUT', `groups/${ada}/members`, { members: [] }, 404],
    ['POST', 'nothing', {}, 404],
  ])('refuses %s %s %o', async (method, path, body, status) => {
    expect((await change(method, path, body)).status).toBe(status);
  });

  it('takes nothing that a form on another page could send, and is not there unless asked for', async () => {
    const form = await change('PATCH', `people/${ada}`, { accountEnabled: false }, { 'content-type': 'text/plain' });
    expect(form.status).toBe(415);
    await entra.close();
    entra = await open({ control: false });
    expect((await change('PATCH', `people/${ada}`, { accountEnabled: false })).status).toBe(404);
  });
});

describe('a restart', () => {
  it('keeps keys, so that tokens stay good, and edits', async () => {
    const first = await personToken(entra, 'ada');
    await entra.rollKeys();
    const second = await personToken(entra, 'ada');
    await change('PUT', `groups/${support}/members`, { members: [] });
    await restart();
    for (const token of [first, second]) expect((await entra.verify(token, api)).objectId).toBe(ada);
    expect(await groupsOf(fionn)).toEqual([]);
  });

  it('forgets both where there is no file', async () => {
    const memory = await start({ control: true });
    const token = await personToken(memory, 'ada');
    const port = Number(new URL(memory.url).port);
    await memory.close();
    const again = await start({ port });
    await expect(again.verify(token, api)).rejects.toThrow();
    await again.close();
  });

  it('keeps the file for its owner alone, and does not overwrite one it cannot read', async () => {
    const path = join(folder, 'entra.json');
    expect(statSync(path).mode & 0o077).toBe(0);
    await entra.close();
    writeFileSync(path, '{"keys": "gone"}');
    await expect(open()).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe('{"keys": "gone"}');
    entra = await start();
  });
});

describe('a verifier in another process', () => {
  it('checks what the stand-in on that port signed, by its state file', async () => {
    const port = Number(new URL(entra.url).port);
    const verifier = await openVerifier({ port, company, keysPath: join(folder, 'entra.json') });
    const token = await personToken(entra, 'ada');
    expect(await verifier.verify(token, api)).toEqual(await entra.verify(token, api));
    const stranger = await openVerifier({ port: port + 1, company, keysPath: join(folder, 'entra.json') });
    await expect(stranger.verify(token, api)).rejects.toThrow();
  });
});
