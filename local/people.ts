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

/** An access token for a sample person, by their password: on a laptop, in a terminal. */
export function tokenFor(name: string, authority: string, scope: string): Promise<string> {
  const { userPrincipalName, password } = samplePerson(name);
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: terminalClientId,
    username: userPrincipalName,
    password,
    scope,
  });
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
    call.on('error', reject).end(form.toString());
  });
}
