import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { ProviderOptions, TargetRegistry } from '../provider.ts';

const credentialScopes = 'https://management.azure.com/.default';
const databaseForm =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Sql\/servers\/([^/]+)\/databases\/([^/]+)$/i;
/** For so long each question is waited for. Milliseconds. */
const callLimit = 4_000;
/** Who is told to come back later does so with the revocation's next try; who is sent elsewhere doesn't go. */
const once = { retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };

/** Asked in this order: who may not know is told 403 whether or not there is such a thing. */
const codes = z.enum(['ResourceNotFound', 'ParentResourceNotFound', 'ResourceGroupNotFound']);
const missing = z.object({
  statusCode: z.literal(404),
  response: z.object({ parsedBody: z.object({ error: z.object({ code: codes }) }) }),
});
const forbidden = z.object({ statusCode: z.literal(403) });
const nothing = z.object({ statusCode: z.literal(404) });
const resource = z.object({ id: z.string() });
const availability = z.object({ available: z.boolean() });

/**
 * Azure SQL databases, as Azure Resource Manager knows them. A resource id that is wrong, or was right before somebody moved the
 * server, is not found either: so a database counts as gone where its server is still there by this id, or where no server in
 * all of Azure has the name.
 */
export function createTargetRegistry(
  options: Pick<ProviderOptions, 'resourceManagerUrl' | 'credential'>,
): TargetRegistry {
  const clientOf = async (subscription: string) => {
    // Loading it holds the process up for some 70 ms: once, where a database is away, and not at every start.
    const { SqlManagementClient } = await import('@azure/arm-sql');
    const { resourceManagerUrl: endpoint, credential } = options;
    return new SqlManagementClient(credential, subscription, { endpoint, credentialScopes, ...once });
  };
  const questionsAbout = async (resourceId: string) => {
    const [, subscription = '', group = '', server = '', database = ''] = databaseForm.exec(resourceId) ?? [];
    if (database === '') throw new Error('this is not the resource id of a database');
    const { databases, servers } = await clientOf(subscription);
    return {
      database: async () => resource.parse(await databases.get(group, server, database, limit())),
      server: async () => resource.parse(await servers.get(group, server, limit())),
      name: async () => {
        const question = { name: server, type: 'Microsoft.Sql/servers' } as const;
        return availability.parse(await servers.checkNameAvailability(question, limit()));
      },
    };
  };
  return {
    isGone: (resourceId) =>
      surely(async () => {
        const ask = await questionsAbout(resourceId);
        if (await isThere(ask.database())) return false;
        if (await isThere(ask.server())) return true;
        return (await ask.name()).available;
      }),
    preflight: (resourceId) =>
      surely(async () => {
        const ask = await questionsAbout(resourceId);
        const database = await look(ask.database());
        const seen = {
          'Microsoft.Sql/servers/databases/read': database,
          'Microsoft.Sql/servers/read': await look(ask.server()),
          'Microsoft.Sql/checkNameAvailability/action': await look(ask.name()),
        };
        const lacks = Object.entries(seen).flatMap(([right, what]) => (what === 'forbidden' ? [right] : []));
        return { isUnknown: database === 'nothing', lacks };
      }),
  };
}

async function surely<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', {
      detail: 'Azure Resource Manager could not say whether the target is still there.',
      // Without the SDK's own error, which has the token in its request.
      cause: new Error(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown'),
    });
  }
}

const limit = () => ({ abortSignal: AbortSignal.timeout(callLimit) });

async function isThere(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (missing.safeParse(error).success) return false;
    throw error;
  }
}

/** What comes of a question that takes a right. Nothing is concluded from a 404 here, so that any will do. */
function look(answer: Promise<unknown>): Promise<'there' | 'nothing' | 'forbidden'> {
  return answer.then(
    () => 'there',
    (error: unknown) => {
      if (forbidden.safeParse(error).success) return 'forbidden';
      if (nothing.safeParse(error).success) return 'nothing';
      throw error;
    },
  );
}
