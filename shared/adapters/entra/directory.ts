import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Person } from '../../domain/policy.ts';
import type { Directory } from '../../ports.ts';

const user = z.object({
  id: z.string().transform((id) => id.toLowerCase() as PrincipalId),
  displayName: z.string(),
  userPrincipalName: z.string(),
  mail: z.string().nullish(),
  accountEnabled: z.boolean(),
});
const select = '$select=id,displayName,userPrincipalName,mail,accountEnabled';
/** Graph takes 20 groups a call. */
const groupsPerCall = 20;

/** People and groups from Microsoft Graph. `url` is its base with the version: https://graph.microsoft.com/v1.0. */
export function createGraphDirectory({ url, credential }: { url: string; credential: TokenCredential }): Directory {
  const call = async (path: string, body?: object): Promise<unknown> => {
    try {
      const token = await credential.getToken('https://graph.microsoft.com/.default');
      const response = await fetch(path.startsWith(`${url}/`) ? path : `${url}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${token?.token}`, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(4_000),
        redirect: 'error',
      });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`Graph answered ${response.status}`);
      return await response.json();
    } catch (error) {
      throw new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE', { cause: error });
    }
  };
  const read = <Shape extends z.ZodType>(shape: Shape, answer: unknown): z.output<Shape> => {
    const parsed = shape.safeParse(answer);
    if (!parsed.success) throw new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE', { cause: parsed.error });
    return parsed.data;
  };
  return {
    async person(idOrName) {
      const answer = await call(`/users/${encodeURIComponent(idOrName)}?${select}`);
      const found = answer === undefined ? undefined : read(user, answer);
      return found?.accountEnabled ? personOf(found) : undefined;
    },
    async memberGroups(principalId, groups) {
      const found: string[] = [];
      for (let start = 0; start < groups.length; start += groupsPerCall) {
        const groupIds = groups.slice(start, start + groupsPerCall);
        const answer = await call(`/users/${encodeURIComponent(principalId)}/checkMemberGroups`, { groupIds });
        if (answer === undefined) return [];
        found.push(...read(z.object({ value: z.array(z.string()) }), answer).value.map((id) => id.toLowerCase()));
      }
      return groups.filter((group) => found.includes(group));
    },
    async groupMembers(groupId) {
      const people: Person[] = [];
      let path: string | undefined =
        `/groups/${encodeURIComponent(groupId)}/transitiveMembers/microsoft.graph.user?${select}`;
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

function personOf({ id, displayName, userPrincipalName, mail }: z.output<typeof user>): Person {
  return { principalId: id, name: displayName, userPrincipalName, mail: mail ?? userPrincipalName };
}
