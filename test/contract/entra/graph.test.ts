import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import {
  type Answer,
  ada,
  analysts,
  bob,
  company,
  fionn,
  owners,
  personToken,
  readAnswer,
  serviceToken,
  start,
  support,
} from './start.ts';

const nobody = '00000000-0000-4000-8000-000000000000';
let entra: Entra;
let token: string;

beforeAll(async () => {
  entra = await start();
  token = await serviceToken(entra, 'https://graph.microsoft.com/.default');
});
afterAll(() => entra.close());

async function graph(path: string, body?: unknown, bearer = token): Promise<Answer> {
  const url = path.startsWith('https:') ? path : entra.graphUrl + path;
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return readAnswer(await fetch(url, { ...post, headers: { authorization: `Bearer ${bearer}` } }));
}

const names = ({ body }: Answer) => (body.value as { displayName: string }[]).map(({ displayName }) => displayName);

describe('the directory', () => {
  it('finds a person by id and by name, with what Graph gives by default', async () => {
    const { status, body } = await graph(`/users/${ada}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      '@odata.context': expect.any(String),
      id: ada,
      displayName: 'Ada Lindqvist',
      jobTitle: 'Data analyst',
      mail: 'ada@contoso.example',
      userPrincipalName: 'ada@contoso.example',
    });
    expect((await graph('/users/ADA%40contoso.example')).body).toEqual(body);
  });

  it('gives what is selected, accountEnabled only then', async () => {
    const { body } = await graph(`/users/${ada}?$select=id,accountEnabled`);
    expect(body).toEqual({ '@odata.context': expect.any(String), id: ada, accountEnabled: true });
    expect(await graph(`/users/${ada}?$select=toString`)).toMatchObject({
      status: 400,
      body: { error: { code: 'BadRequest' } },
    });
  });

  it('finds a person by a filter on the name, quotes and all', async () => {
    expect(
      names(await graph(`/users?$filter=${encodeURIComponent("userPrincipalName eq 'bob@contoso.example'")}`)),
    ).toEqual(['Bob Okafor']);
    expect(
      names(await graph(`/users?$filter=${encodeURIComponent("userPrincipalName eq 'o''b@contoso.example'")}`)),
    ).toEqual([]);
    expect((await graph(`/users?$filter=${encodeURIComponent("displayName eq 'x' or 1 eq 1")}`)).status).toBe(501);
  });

  it('knows managers, and says 404 for who has none', async () => {
    expect((await graph(`/users/${ada}/manager`)).body.id).toBe(bob);
    expect((await graph('/users/carla@contoso.example/manager')).status).toBe(404);
  });

  it('follows groups through groups', async () => {
    expect(names(await graph(`/users/${fionn}/transitiveMemberOf/microsoft.graph.group`))).toEqual([
      'analysts',
      'support',
      'on-call',
    ]);
    expect(names(await graph(`/groups/${analysts}/transitiveMembers/microsoft.graph.user`))).toEqual([
      'Ada Lindqvist',
      "Fionn O'Brien",
    ]);
    const { body } = await graph(`/users/${fionn}/checkMemberGroups`, {
      groupIds: [analysts, owners, support, nobody],
    });
    expect(body.value).toEqual([analysts, support]);
  });

  it('gives pages that lead to the end', async () => {
    const found: string[] = [];
    let next: unknown = '/users?$top=2&$select=displayName';
    let pages = 0;
    while (typeof next === 'string') {
      const answer = await graph(next);
      found.push(...names(answer));
      next = answer.body['@odata.nextLink'];
      pages += 1;
    }
    expect(found).toEqual(company.people.map(({ displayName }) => displayName));
    expect(pages).toBe(3);
  });

  it('knows groups and service principals', async () => {
    expect((await graph(`/groups/${owners}`)).body.displayName).toBe('order-data-owners');
    expect((await graph('/servicePrincipals/d0000000-0000-4000-8000-000000000002')).body).toMatchObject({
      appId: 'c0000000-0000-4000-8000-000000000002',
      displayName: 'curfew-service',
      accountEnabled: true,
    });
  });

  it.each([
    `/users/${nobody}`,
    `/users/${nobody}/manager`,
    `/users/${owners}`,
    `/groups/${nobody}`,
    `/groups/${ada}/transitiveMembers/microsoft.graph.user`,
    `/servicePrincipals/${nobody}`,
  ])('answers 404 Request_ResourceNotFound to %s', async (path) => {
    expect(await graph(path)).toMatchObject({ status: 404, body: { error: { code: 'Request_ResourceNotFound' } } });
  });

  it.each([
    ['/nothing', 501],
    [`/users/${ada}/memberOf`, 501],
    [`/users/${ada}?$expand=manager`, 501],
    [`/groups`, 501],
    ['/users?$top=0', 400],
    ['/users?$skiptoken=x', 400],
  ])('refuses what it does not have: %s', async (path, status) => {
    expect(await graph(path)).toMatchObject({ status, body: { error: { code: expect.any(String) } } });
  });

  it('refuses a membership question that is malformed or too long', async () => {
    for (const body of [{}, { groupIds: [] }, { groupIds: ['x'] }, { groupIds: Array(21).fill(owners) }])
      expect((await graph(`/users/${ada}/checkMemberGroups`, body)).status).toBe(400);
  });

  it('answers 401 without a token for Graph', async () => {
    for (const bearer of ['', 'x', await personToken(entra, 'ada')])
      expect(await graph(`/users/${ada}`, undefined, bearer)).toMatchObject({
        status: 401,
        body: { error: { code: 'InvalidAuthenticationToken' } },
      });
    expect((await fetch(`${entra.graphUrl}/users`)).status).toBe(401);
  });
});
