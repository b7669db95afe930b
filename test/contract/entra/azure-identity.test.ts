import {
  ClientSecretCredential,
  DefaultAzureCredential,
  EnvironmentCredential,
  type TokenCredential,
  UsernamePasswordCredential,
} from '@azure/identity';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Entra } from '../../../local/entra/index.ts';
import { ada, api, company, portal, service, serviceSecret, start } from './start.ts';

const servicePrincipal = 'd0000000-0000-4000-8000-000000000002';
let entra: Entra;

beforeAll(async () => {
  entra = await start();
});
afterAll(() => entra.close());
afterEach(() => vi.unstubAllEnvs());

const options = () => ({ authorityHost: entra.url, disableInstanceDiscovery: true });
const bySecret = (secret = serviceSecret) => new ClientSecretCredential(company.tenantId, service, secret, options());

async function tokenOf(credential: TokenCredential, scope: string): Promise<string> {
  return (await credential.getToken(scope))?.token ?? '';
}

describe('the unmodified @azure/identity against the stand-in', () => {
  it.each([
    ['https://database.windows.net/.default', 'https://database.windows.net'],
    ['https://database.windows.net//.default', 'https://database.windows.net/'],
    ['https://cosmos.azure.com/.default', 'https://cosmos.azure.com'],
    ['https://cosmos.azure.com//.default', 'https://cosmos.azure.com/'],
    ['https://localhost:8081/.default', 'https://localhost:8081'],
    ['https://graph.microsoft.com/.default', 'https://graph.microsoft.com'],
    ['https://management.azure.com/.default', 'https://management.azure.com'],
    ['api://curfew/.default', api],
    ['api://AzureADTokenExchange/.default', 'api://AzureADTokenExchange'],
  ])('gets an application token for %s', async (scope, audience) => {
    const token = await tokenOf(bySecret(), scope);
    expect(decodeJwt(token)).toMatchObject({
      aud: audience,
      oid: servicePrincipal,
      sub: servicePrincipal,
      idtyp: 'app',
    });
    expect(await entra.verify(token, audience)).toEqual({
      objectId: servicePrincipal,
      clientId: service,
      name: 'curfew-service',
      kind: 'application',
    });
  });

  it('gets one through EnvironmentCredential and through DefaultAzureCredential', async () => {
    vi.stubEnv('AZURE_TENANT_ID', company.tenantId);
    vi.stubEnv('AZURE_CLIENT_ID', service);
    vi.stubEnv('AZURE_CLIENT_SECRET', serviceSecret);
    for (const credential of [new EnvironmentCredential(options()), new DefaultAzureCredential(options())]) {
      const token = await tokenOf(credential, 'https://database.windows.net/.default');
      expect((await entra.verify(token, 'https://database.windows.net/')).objectId).toBe(servicePrincipal);
    }
  });

  it('finds the authority by AZURE_AUTHORITY_HOST, with nothing but the environment', async () => {
    vi.stubEnv('AZURE_AUTHORITY_HOST', entra.url);
    vi.stubEnv('AZURE_TENANT_ID', company.tenantId);
    vi.stubEnv('AZURE_CLIENT_ID', service);
    vi.stubEnv('AZURE_CLIENT_SECRET', serviceSecret);
    const credential = new DefaultAzureCredential({ disableInstanceDiscovery: true });
    const token = await tokenOf(credential, 'https://graph.microsoft.com/.default');
    expect(decodeJwt(token).appid).toBe(service);
  });

  it('is refused with a wrong secret', async () => {
    const refusal = bySecret('wrong').getToken('https://database.windows.net/.default');
    await expect(refusal).rejects.toThrow('AADSTS7000215');
  });

  it('gets a person token by user name and password', async () => {
    const credential = new UsernamePasswordCredential(
      company.tenantId,
      portal,
      'ada@contoso.example',
      'ada-on-a-laptop',
      options(),
    );
    const token = await tokenOf(credential, 'https://database.windows.net/.default');
    expect(await entra.verify(token, 'https://database.windows.net')).toEqual({
      objectId: ada,
      clientId: portal,
      name: 'ada@contoso.example',
      kind: 'person',
    });
  });
});
