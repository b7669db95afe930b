import type { Company } from '../local/entra/index.ts';
import { readSampleCompany, terminalClientId } from '../local/laptop.ts';
import type { System } from './system.ts';

const analysts = 'b0000000-0000-4000-8000-000000000001';
const nameOf = (number: number) => `analyst${String(number).padStart(4, '0')}@contoso.example`;
const passwordOf = (number: number) => `analyst-${number}-on-a-laptop`;

/** The sample company with that many analysts more. */
export function companyOf(people: number): Company {
  const sample = readSampleCompany();
  const more = Array.from({ length: people }, (_, number) => ({
    id: `e0000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    userPrincipalName: nameOf(number),
    displayName: `Analyst ${number}`,
    mail: nameOf(number),
    jobTitle: 'Data analyst',
    managerId: null,
    accountEnabled: true,
    password: passwordOf(number),
    appRoles: ['Access.Request'],
  }));
  return {
    ...sample,
    people: [...sample.people, ...more],
    groups: sample.groups.map((group) =>
      group.id === analysts ? { ...group, members: [...group.members, ...more.map(({ id }) => id)] } : group,
    ),
  };
}

export interface Analyst {
  readonly userPrincipalName: string;
  readonly token: string;
}

/** They sign in by their passwords, as in a terminal. */
export async function signIn({ authority }: Pick<System, 'authority'>, number: number): Promise<Analyst> {
  const userPrincipalName = nameOf(number);
  const response = await fetch(`${authority}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: terminalClientId,
      username: userPrincipalName,
      password: passwordOf(number),
      scope: 'api://curfew/.default',
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`${userPrincipalName} could not sign in.`);
  return { userPrincipalName, token };
}
