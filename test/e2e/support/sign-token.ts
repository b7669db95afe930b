import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import type { AppRole } from '../../../functions/callers.ts';
import { terminalClientId } from '../../../local/laptop.ts';
import type { Api } from '../api-support.ts';

/** Of whom a token speaks: a person, or an application where it says so. */
export interface Bearer {
  readonly oid: string;
  readonly roles: readonly AppRole[];
  readonly isApplication?: boolean;
  /** In the place of what the tenant would write. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** An access token for Curfew as the laptop's tenant signs it, whatever the directory knows of its bearer. */
export async function signToken({ folder, entra, settings }: Api, bearer: Bearer): Promise<string> {
  const { keys } = JSON.parse(readFileSync(join(folder, 'entra.json'), 'utf8')) as {
    keys: { kid: string; pem: string }[];
  };
  const [key = { kid: '', pem: '' }] = keys;
  const { oid, roles, isApplication = false, claims } = bearer;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    ver: '2.0',
    iss: entra.issuer,
    aud: settings.CURFEW_TOKEN_AUDIENCE,
    tid: settings.CURFEW_TENANT_ID,
    oid,
    sub: isApplication ? oid : `subject of ${oid}`,
    azp: terminalClientId,
    ...(!isApplication && { scp: 'access_as_user' }),
    roles,
    iat: now,
    exp: now + 3600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid })
    .sign(await importPKCS8(key.pem, 'RS256'));
}
