import { request } from 'node:https';
import { readSampleCompany, terminalClientId } from './laptop.ts';

/** A sample person by the first part of the user principal name: `ada`. */
export function samplePerson(name: string) {
  const { people } = readSampleCompany();
  const found = people.find(({ userPrincipalName }) => userPrincipalName.split('@')[0] === name.toLowerCase());
  if (found) return found;
  throw new Error(
    `There is no ${name} in the sample company. There are ${people.map((each) => each.userPrincipalName.split('@')[0]).join(', ')}.`,
  );
}

/** How a person is to have signed in: by password alone where it is left out. */
export interface SignInMethods {
  /** `mfa` among them for a second factor. */
  readonly amr?: readonly string[];
  /** Authentication contexts such as `c1`. */
  readonly acrs?: readonly string[];
}

/** An access token for a sample person, by their password: on a laptop, in a terminal. */
export function tokenFor(name: string, authority: string, scope: string, methods: SignInMethods = {}): Promise<string> {
  const { userPrincipalName, password } = samplePerson(name);
  const { amr = ['pwd'], acrs = [] } = methods;
  return tokenOf(authority, {
    grant_type: 'password',
    client_id: terminalClientId,
    username: userPrincipalName,
    password,
    scope,
    amr: amr.join(' '),
    acrs: acrs.join(' '),
  });
}

/** An access token of a sample application, by its secret. */
export function applicationTokenFor(name: string, authority: string, scope: string): Promise<string> {
  const found = readSampleCompany().applications.find(({ displayName }) => displayName === name);
  if (!found?.secret) throw new Error(`There is no application ${name} with a secret in the sample company.`);
  const { clientId, secret } = found;
  return tokenOf(authority, { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope });
}

function tokenOf(authority: string, form: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${authority}/oauth2/v2.0/token`,
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => {
          const answer = JSON.parse(text) as { access_token?: string; error_description?: string };
          if (answer.access_token) resolve(answer.access_token);
          else reject(new Error(answer.error_description ?? 'The sign-in stand-in gave no token.'));
        });
      },
    );
    call.on('error', reject).end(new URLSearchParams(form).toString());
  });
}
