import { ClientSecretCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import { createGraphDirectory } from '../../../shared/adapters/entra/directory.ts';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import type { Directory } from '../../../shared/ports.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { ada, analysts, bob, company, fionn, owners, service, serviceSecret, start, support } from './start.ts';

const id = (text: string) => text as PrincipalId;
const nobody = id('00000000-0000-0000-0000-000000000000');
const ticketPortal = id('d0000000-0000-4000-8000-000000000004');
const ticketPortalClient = id('c0000000-0000-4000-8000-000000000004');
let entra: Entra;
let directory: Directory;

beforeAll(async () => {
  const edited = structuredClone(company);
  edited.groups.find((group) => group.id === owners)?.members.push(ticketPortal);
  const eve = edited.people.find(({ userPrincipalName }) => userPrincipalName.startsWith('eve'));
  if (eve) eve.userPrincipalName = 'eve_partner.example#EXT#@contoso.example';
  entra = await start({ control: true, company: edited });
  const options = { authorityHost: entra.url, disableInstanceDiscovery: true };
  directory = createGraphDirectory({
    url: entra.graphUrl,
    credential: new ClientSecretCredential(company.tenantId, service, serviceSecret, options),
    clock: new VirtualClock().clock,
  });
});
afterAll(() => entra.close());

const change = async (path: string, body: object) => {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${entra.url}/control/${path}`, { method: 'PATCH', headers, body: JSON.stringify(body) });
};

describe('the Graph adapter against the stand-in', () => {
  it('finds people by id and by name, guests and apostrophes included', async () => {
    expect(await directory.person(ada)).toEqual({
      principalId: ada,
      name: 'Ada Lindqvist',
      userPrincipalName: 'ada@contoso.example',
      mail: 'ada@contoso.example',
    });
    expect((await directory.person('FIONN@contoso.example'))?.principalId).toBe(fionn);
    expect((await directory.person('eve_partner.example#EXT#@contoso.example'))?.name).toBe('Eve Marchetti');
    expect(await directory.person(nobody)).toBeUndefined();
    expect(await directory.person(ticketPortal)).toBeUndefined();
  });

  it('finds an application by its service principal, and not one that is switched off', async () => {
    expect(await directory.application(ticketPortal)).toEqual({
      principalId: ticketPortal,
      name: 'ticket-portal',
      userPrincipalName: 'ticket-portal',
      mail: '',
      clientId: ticketPortalClient,
    });
    for (const each of [nobody, id(ada), ticketPortalClient, id('x')])
      expect(await directory.application(each)).toBeUndefined();
    await change(`servicePrincipals/${ticketPortal}`, { accountEnabled: false });
    expect(await directory.application(ticketPortal)).toBeUndefined();
    await change(`servicePrincipals/${ticketPortal}`, { accountEnabled: true });
  });

  it('finds managers, and none who are switched off or not there', async () => {
    expect((await directory.manager(id(ada)))?.principalId).toBe(bob);
    await change(`people/${bob}`, { accountEnabled: false });
    expect(await directory.manager(id(ada))).toBeUndefined();
    await change(`people/${bob}`, { accountEnabled: true });
    await change(`people/${ada}`, { managerId: null });
    expect(await directory.manager(id(ada))).toBeUndefined();
    expect(await directory.manager(nobody)).toBeUndefined();
  });

  it('knows in which groups people and applications are', async () => {
    const groups = [analysts, owners, support].map(id);
    expect(await directory.memberGroups({ principalId: id(fionn) }, groups)).toEqual([analysts, support]);
    const application = { principalId: ticketPortal, clientId: ticketPortalClient };
    expect(await directory.memberGroups(application, groups)).toEqual([owners]);
    expect(await directory.memberGroups({ principalId: ticketPortal }, groups)).toEqual([]);
    const many = [...Array.from({ length: 25 }, () => nobody), id(owners)];
    expect(await directory.memberGroups(application, many)).toEqual([owners]);
  });

  it('lists the people in a group, and no applications', async () => {
    const people = await directory.groupMembers(id(owners));
    expect(people.map(({ name }) => name)).toEqual(['Bob Okafor', 'Carla Reyes']);
  });
});
