import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { type Entra, type EntraOptions, readCompany, startEntra } from '../../../local/entra/index.ts';

export const company = readCompany(
  readFileSync(new URL('../../../local/sample/company.json', import.meta.url), 'utf8'),
);

export const ada = 'a0000000-0000-4000-8000-000000000001';
export const bob = 'a0000000-0000-4000-8000-000000000002';
export const fionn = 'a0000000-0000-4000-8000-000000000004';
export const analysts = 'b0000000-0000-4000-8000-000000000001';
export const owners = 'b0000000-0000-4000-8000-000000000002';
export const support = 'b0000000-0000-4000-8000-000000000003';
export const api = 'c0000000-0000-4000-8000-000000000001';
export const service = 'c0000000-0000-4000-8000-000000000002';
export const portal = 'c0000000-0000-4000-8000-000000000003';
export const serviceSecret = 'service-secret-on-a-laptop';

let pair: Promise<{ key: string; cert: string }> | undefined;

/** A certificate for localhost, trusted by every client of this process: call before the first connection. */
function trustedCertificate(): Promise<{ key: string; cert: string }> {
  pair ??= generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  }).then((made) => {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), made.cert]);
    return { key: made.private, cert: made.cert };
  });
  return pair;
}

export async function start(options: Partial<EntraOptions> = {}): Promise<Entra> {
  return startEntra({ port: 0, tls: await trustedCertificate(), company, ...options });
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

/** POST /token with a form; the answer, whatever it is. */
export async function askToken(entra: Entra, form: Record<string, string>, headers = {}): Promise<Answer> {
  const url = `${entra.authority}/oauth2/v2.0/token`;
  return readAnswer(await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers }));
}

/** A person's access token by password, as the laptop's terminal command gets it. */
export async function personToken(entra: Entra, name: string, scope = 'api://curfew/access_as_user'): Promise<string> {
  const form = { grant_type: 'password', client_id: portal, username: `${name}@contoso.example`, scope };
  const { body } = await askToken(entra, { ...form, password: `${name}-on-a-laptop` });
  return String(body.access_token);
}

/** The API as a client: it has no secret, and proves itself by a token of the service. */
export async function apiClient(entra: Entra): Promise<Record<string, string>> {
  return {
    client_id: api,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await serviceToken(entra, 'api://AzureADTokenExchange/.default'),
  };
}

/** The service's own access token, by its secret. */
export async function serviceToken(entra: Entra, scope: string): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: service, client_secret: serviceSecret, scope };
  return String((await askToken(entra, form)).body.access_token);
}
