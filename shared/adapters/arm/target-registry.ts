import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { TargetRegistry } from '../../ports.ts';

const scope = 'https://management.azure.com/.default';
const apiVersion = '2021-11-01';
const databaseForm =
  /^(?<server>\/subscriptions\/(?<subscription>[^/]+)\/resourceGroups\/[^/]+\/providers\/Microsoft\.Sql\/servers\/(?<name>[^/]+))\/databases\/[^/]+$/i;
/** Asked in this order: who may not know is told 403 whether or not there is such a thing. */
const missing = z.object({
  error: z.object({ code: z.enum(['ResourceNotFound', 'ParentResourceNotFound', 'ResourceGroupNotFound']) }),
});
const availability = z.object({ available: z.boolean() });

/**
 * Azure SQL databases, as Azure Resource Manager knows them. A resource id that is wrong, or was right before somebody moved the
 * server, is not found either: so a database counts as gone where its server is still there by this id, or where no server in
 * all of Azure has the name.
 */
export function createTargetRegistry(options: { url: string; credential: TokenCredential }): TargetRegistry {
  const send = async (path: string, body?: object) => {
    const token = await options.credential.getToken(scope);
    const response = await fetch(`${options.url}${encodeURI(path)}?api-version=${apiVersion}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token?.token}`, 'content-type': 'application/json' },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(4_000),
      redirect: 'error',
    });
    return { status: response.status, answer: (await response.json()) as unknown };
  };
  const isThere = async (resourceId: string) => {
    const { status, answer } = await send(resourceId);
    if (status === 200) return true;
    if (status === 404 && missing.safeParse(answer).success) return false;
    throw new Error(`Azure Resource Manager answered ${status}`);
  };
  const isNameFree = async (subscription: string, name: string) => {
    const { status, answer } = await send(
      `/subscriptions/${subscription}/providers/Microsoft.Sql/checkNameAvailability`,
      {
        name,
        type: 'Microsoft.Sql/servers',
      },
    );
    if (status !== 200) throw new Error(`Azure Resource Manager answered ${status}`);
    return availability.parse(answer).available;
  };
  return {
    async isGone(resourceId) {
      try {
        const { server = '', subscription = '', name = '' } = databaseForm.exec(resourceId)?.groups ?? {};
        if (server === '') throw new Error('this is not the resource id of a database');
        if (await isThere(resourceId)) return false;
        return (await isThere(server)) || (await isNameFree(subscription, name));
      } catch (error) {
        throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', {
          detail: 'Azure Resource Manager could not say whether the target is still there.',
          cause: error,
        });
      }
    },
  };
}
