import * as df from 'durable-functions';
import { ensureStarted } from '../../functions/orchestration-client.ts';
import { purgeEnded } from '../../functions/purge.ts';
import type { Service } from '../../functions/service.ts';
import { orchestratorName } from '../../orchestrations/contract.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { instantOf } from '../../shared/domain/time.ts';

/** Orchestrations that end well, fail, or wait for ever; the client's part of purging and of starting over them. */

const purgeAfter = 30 * 86_400_000;

df.app.orchestration(orchestratorName, function* (context) {
  const how = context.df.getInput();
  if (how === 'fails') throw new Error('as told');
  if (how === 'waits') yield context.df.waitForExternalEvent('never');
  return 'ended';
});

df.app.client.http('start', {
  route: 'requests/{id}',
  methods: ['PUT'],
  handler: async (request, client) => {
    await client.startNew(orchestratorName, { instanceId: request.params.id ?? '', input: request.params.id });
    return { status: 202 };
  },
});

/** Starts it unless it was started before: so say its two events. */
df.app.client.http('ensure', {
  route: 'requests/{id}/ensure',
  methods: ['POST'],
  handler: async (request, client) => {
    const service = { events: { read: async () => [{}, {}] } } as unknown as Service;
    return { jsonBody: await ensureStarted(service, client, request.params.id as RequestId) };
  },
});

df.app.client.http('purge', {
  route: 'purge/{now}',
  methods: ['POST'],
  handler: async (request, client) => {
    const clock = { now: () => instantOf(Number(request.params.now)) };
    return { jsonBody: await purgeEnded({ clock, purgeAfter } as unknown as Service, client) };
  },
});

df.app.client.http('list', {
  route: 'requests',
  methods: ['GET'],
  handler: async (_request, client) => ({
    jsonBody: (await client.getStatusAll()).map(({ instanceId, runtimeStatus }) => `${instanceId} ${runtimeStatus}`),
  }),
});
