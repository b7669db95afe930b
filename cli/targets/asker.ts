import type { TokenCredential } from '@azure/identity';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import type { PrincipalId } from '../../shared/domain/ids.ts';
import { oneLine } from '../../shared/domain/text.ts';
import type { Directory } from '../../shared/ports.ts';
import type { Identity } from '../../shared/providers/provider.ts';

const text = z.string().optional();
const claims = z.object({
  oid: z.string(),
  appid: text,
  azp: text,
  upn: text,
  unique_name: text,
  preferred_username: text,
});

/**
 * By what stands in the token that databases are given, which is only told, so that nobody checks it here. Undefined where there is
 * no token: the targets then show by themselves what comes of that.
 */
export async function whoAsks(credential: TokenCredential, directory: Directory): Promise<Identity | undefined> {
  try {
    const token = await credential.getToken('https://database.windows.net/.default');
    const { oid, upn, unique_name, preferred_username, appid, azp } = claims.parse(decodeJwt(token?.token ?? ''));
    const person = upn ?? unique_name ?? preferred_username;
    if (person !== undefined) return { objectId: oid, name: person };
    const found = await directory.application(oid as PrincipalId).catch(() => undefined);
    return { objectId: oid, name: found?.name, clientId: appid ?? azp };
  } catch {
    return undefined;
  }
}

export function describeAsker(asker: Identity | undefined): string {
  if (!asker)
    return 'Asked as nobody: there is no token for databases here. Sign in (az login), or set AZURE_CLIENT_ID.';
  const { objectId, name = 'an application', clientId } = asker;
  const id = clientId === undefined ? `object id ${objectId}` : `client id ${clientId}`;
  return `Asked as ${oneLine(`${name} (${id})`, 300)}. What follows is about this identity; about the service, if it is the service's own.`;
}
