import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { routes } from '../../functions/routes.ts';
import { read } from './bicep.ts';

interface Registration {
  readonly api: { readonly oauth2PermissionScopes: readonly { readonly id: string; readonly value: string }[] };
  readonly appRoles: readonly { readonly id: string; readonly value: string }[];
}

interface Call {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

function runScript(env: Record<string, string>, ...options: string[]): string {
  const shell = { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', ...env } } as const;
  const { status, stdout, stderr } = spawnSync('sh', ['infra/app-registration.sh', ...options], shell);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const callOf = (text: string): Call => {
  const [, method = '', url = '', body = ''] = /^(\w+) (\S+)\n([\s\S]*)$/.exec(text) ?? [];
  return { method, url: url.replace('https://graph.microsoft.com/v1.0', ''), body: JSON.parse(body) };
};
const callsIn = (text: string) => text.split(/^(?=(?:PATCH|POST) )/m).map(callOf);

/** What the script would do. PATH has no `az`: a dry run asks nobody. */
const dryRun = (env: Record<string, string>) => callsIn(runScript(env, '--dry-run'));

/** What it does, where each question is answered with `x` and the roles that are held already with `held`. */
function wetRun(env: Record<string, string>, held: string): Call[] {
  const folder = mkdtempSync(join(tmpdir(), 'registration-'));
  const az = `#!/bin/sh
case "$*" in
  *account*) echo "$CURFEW_TENANT_ID" ;;
  *'appRoleAssignedTo?'*) echo "${held}" ;;
  *"--method GET"*) echo x ;;
  *) shift 3; echo "$2 $4" >> "${folder}/calls"; shift 8; echo "$1" >> "${folder}/calls" ;;
esac
`;
  try {
    writeFileSync(join(folder, 'az'), az, { mode: 0o700 });
    writeFileSync(join(folder, 'azd'), '#!/bin/sh\n', { mode: 0o700 });
    runScript({ ...env, PATH: `${folder}:/usr/bin:/bin` });
    return callsIn(readFileSync(join(folder, 'calls'), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const before = { AZURE_ENV_NAME: 'test' };
const after = {
  ...before,
  CURFEW_TENANT_ID: '72f988bf-0000-4000-8000-0c0ffee00001',
  CURFEW_SERVICE_PRINCIPAL_ID: 'd0000000-0000-4000-8000-000000000002',
  CURFEW_PUBLIC_URL: 'https://curfew.contoso.example',
};
const application = "/applications(uniqueName='curfew-test')";

describe('a dry run of the app registration', () => {
  test('before provisioning makes the registration and its principal, by a name of its own', () => {
    expect(dryRun(before).map(({ method, url }) => `${method} ${url}`)).toEqual([
      `PATCH ${application}`,
      `PATCH ${application}`,
      "PATCH /servicePrincipals(appId='<client-id>')",
    ]);
  });

  test('afterwards adds where the sign-in leads back to, and trust in the service’s identity in the place of a secret', () => {
    const calls = dryRun(after);
    expect(calls.slice(0, 3)).toEqual(dryRun(before));
    expect(calls[3]).toMatchObject({
      url: application,
      body: {
        web: {
          redirectUris: [
            'https://curfew.contoso.example/api/sign-in/callback',
            'https://curfew.contoso.example/api/signed-out',
          ],
        },
      },
    });
    expect(calls[4]).toMatchObject({
      url: "/applications/<object-id>/federatedIdentityCredentials(name='service')",
      body: {
        issuer: `https://login.microsoftonline.com/${after.CURFEW_TENANT_ID}/v2.0`,
        subject: after.CURFEW_SERVICE_PRINCIPAL_ID,
        audiences: ['api://AzureADTokenExchange'],
      },
    });
    expect(JSON.stringify(calls)).not.toMatch(/passwordCredential|keyCredential|addPassword/);
  });

  test('gives the identity three roles of Microsoft Graph, all of them to read, and the first to ask theirs', () => {
    const given = dryRun(after).filter(({ method }) => method === 'POST');
    expect(given.map(({ body }) => body)).toMatchObject([
      { appRoleId: '<User.Read.All>', principalId: after.CURFEW_SERVICE_PRINCIPAL_ID },
      { appRoleId: '<GroupMember.Read.All>', principalId: after.CURFEW_SERVICE_PRINCIPAL_ID },
      { appRoleId: '<Application.Read.All>', principalId: after.CURFEW_SERVICE_PRINCIPAL_ID },
      { appRoleId: '<Access.Request>', principalId: '<me>' },
    ]);
  });

  test('says what a real one does, which gives nobody what they have', () => {
    const said = JSON.parse(JSON.stringify(dryRun(after)).replaceAll(/<[\w.-]+>/g, 'x')) as Call[];
    expect(wetRun(after, '')).toEqual(said);
    expect(wetRun(after, 'held')).toEqual(said.filter(({ method }) => method !== 'POST'));
  });

  test('leads back to routes that there are', () => {
    const paths = routes.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['sign-in/callback', 'signed-out']));
  });
});

test('the registration has the roles and the scope that the service asks for, each under an id of its own', () => {
  const { api, appRoles } = JSON.parse(read('infra/app-registration.json')) as Registration;
  expect(appRoles.map(({ value }) => value)).toEqual([
    'Access.Request',
    'Access.RequestForOthers',
    'Access.Approve',
    'Access.Revoke',
    'Access.Audit',
    'Access.Administer',
  ]);
  const asked = routes.flatMap(({ needs }) => (Array.isArray(needs) ? (needs as readonly string[]) : []));
  expect(asked.filter((role) => !appRoles.some(({ value }) => value === role))).toEqual([]);
  expect(api.oauth2PermissionScopes.map(({ value }) => value)).toEqual(['access_as_user']);
  const ids = [...appRoles, ...api.oauth2PermissionScopes].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
