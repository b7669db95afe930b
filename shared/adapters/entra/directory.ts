import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Person } from '../../domain/policy.ts';
import { foldCase } from '../../domain/text.ts';
import { plus } from '../../domain/time.ts';
import type { Clock, Directory } from '../../ports.ts';

const id = z.string().transform((text) => text.toLowerCase() as PrincipalId);
const user = z.object({
  id,
  displayName: z.string(),
  userPrincipalName: z.string(),
  mail: z.string().nullish(),
  accountEnabled: z.boolean(),
});
const userSelect = '$select=id,displayName,userPrincipalName,mail,accountEnabled';
const servicePrincipal = z.object({ id, appId: id, displayName: z.string(), accountEnabled: z.boolean() });
const servicePrincipalSelect = '$select=id,appId,displayName,accountEnabled';
/** A contact has no account, so nobody can sign in as this manager. */
const manager = user.or(z.object({ '@odata.type': z.literal('#microsoft.graph.orgContact') }));

const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** Of a user principal name, a guest's `…#EXT#@…` too; nothing that Graph could read as another path, key or query. */
const principalName = /^[\p{L}\p{N}.'!#^~_+&=%-]+@[\p{L}\p{N}.-]+$/u;
/** Graph takes 20 groups a call. */
const groupsPerCall = 20;
/** Graph may ask for this much patience, once; for more it is for whoever called to come back. Seconds. */
const longestPause = 2;

export interface GraphOptions {
  /** The base, with the version: https://graph.microsoft.com/v1.0. */
  readonly url: string;
  readonly credential: TokenCredential;
  readonly clock: Clock;
}

/** People, applications and groups from Microsoft Graph, as it has them at this moment. */
export function createGraphDirectory({ url, credential, clock }: GraphOptions): Directory {
  const send = async (path: string, body?: object) => {
    const token = await credential.getToken('https://graph.microsoft.com/.default');
    return fetch(path.startsWith(`${url}/`) ? path : `${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token?.token}`, 'content-type': 'application/json' },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(4_000),
      redirect: 'error',
    });
  };
  const call = async (path: string, body?: object): Promise<unknown> => {
    try {
      let response = await send(path, body);
      const pause = pauseOf(response);
      if (pause !== undefined && pause <= longestPause) {
        await response.body?.cancel();
        await clock.sleepUntil(plus(clock.now(), pause * 1000));
        response = await send(path, body);
      }
      if (response.status === 404) return undefined;
      if (!response.ok) {
        const cause = new Error(`Graph answered ${response.status}`);
        throw new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE', { cause, retryAfter: pauseOf(response) });
      }
      return await response.json();
    } catch (error) {
      if (error instanceof CurfewError) throw error;
      throw new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE', { cause: error });
    }
  };
  const read = <Shape extends z.ZodType>(shape: Shape, answer: unknown): z.output<Shape> => {
    const parsed = shape.safeParse(answer);
    if (!parsed.success) throw new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE', { cause: parsed.error });
    return parsed.data;
  };
  /** Undefined for what isn't there. */
  const find = async <Shape extends z.ZodType>(shape: Shape, path: string): Promise<z.output<Shape> | undefined> => {
    const answer = await call(path);
    return answer === undefined ? undefined : read(shape, answer);
  };
  return {
    async person(idOrName) {
      if (!guid.test(idOrName) && !principalName.test(idOrName)) return undefined;
      const found = await find(user, `/users/${encodeURIComponent(idOrName)}?${userSelect}`);
      // Whoever was not asked for is nobody, whatever Graph made of the name.
      const answered = guid.test(idOrName) ? found?.id : found?.userPrincipalName;
      return found?.accountEnabled && foldCase(answered ?? '') === foldCase(idOrName) ? personOf(found) : undefined;
    },
    async application(principalId) {
      if (!guid.test(principalId)) return undefined;
      const found = await find(servicePrincipal, `/servicePrincipals/${principalId}?${servicePrincipalSelect}`);
      if (!found?.accountEnabled || found.id !== principalId.toLowerCase()) return undefined;
      const { displayName: name, appId: clientId } = found;
      return { principalId: found.id, name, userPrincipalName: name, mail: '', clientId };
    },
    async manager(principalId) {
      const found = await find(manager, `/users/${encodeURIComponent(principalId)}/manager?${userSelect}`);
      return found && 'accountEnabled' in found && found.accountEnabled ? personOf(found) : undefined;
    },
    async memberGroups({ principalId, clientId }, groups) {
      const collection = clientId === undefined ? 'users' : 'servicePrincipals';
      const path = `/${collection}/${encodeURIComponent(principalId)}/checkMemberGroups`;
      const found: string[] = [];
      for (let start = 0; start < groups.length; start += groupsPerCall) {
        const groupIds = groups.slice(start, start + groupsPerCall);
        const answer = await call(path, { groupIds });
        if (answer === undefined) return [];
        found.push(...read(z.object({ value: z.array(id) }), answer).value);
      }
      return groups.filter((group) => found.includes(group));
    },
    async groupMembers(groupId) {
      const people: Person[] = [];
      let path: string | undefined =
        `/groups/${encodeURIComponent(groupId)}/transitiveMembers/microsoft.graph.user?${userSelect}`;
      while (path !== undefined) {
        const answer = await call(path);
        if (answer === undefined) return [];
        const page: { value: z.output<typeof user>[]; '@odata.nextLink'?: string | undefined } = read(
          z.object({ value: z.array(user), '@odata.nextLink': z.string().startsWith(`${url}/`).optional() }),
          answer,
        );
        people.push(...page.value.filter(({ accountEnabled }) => accountEnabled).map(personOf));
        path = page['@odata.nextLink'];
      }
      return people;
    },
  };
}

/** For how many seconds Graph asks to wait (RFC 9110, section 10.2.3). */
function pauseOf({ status, headers }: Response): number | undefined {
  const seconds = /^\d{1,4}$/.exec(headers.get('retry-after') ?? '')?.[0];
  return [429, 503].includes(status) && seconds !== undefined ? Number(seconds) : undefined;
}

function personOf({ id: principalId, displayName: name, userPrincipalName, mail }: z.output<typeof user>): Person {
  return { principalId, name, userPrincipalName, mail: mail ?? userPrincipalName };
}
