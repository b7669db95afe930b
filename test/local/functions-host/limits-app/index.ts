import { app } from '@azure/functions';
import * as df from 'durable-functions';

/** An instance with two activities of which none ever ends. */

let begun = 0;

df.app.activity('hang', {
  handler: () => {
    begun++;
    return new Promise<never>(() => {});
  },
});

df.app.orchestration('hangs', function* (context) {
  yield context.df.Task.all([context.df.callActivity('hang'), context.df.callActivity('hang')]);
});

app.http('begun', { handler: () => ({ jsonBody: begun }) });

df.app.client.http('start', {
  route: 'hangs/{id}',
  methods: ['PUT'],
  handler: async (request, client) => {
    await client.startNew('hangs', { instanceId: request.params.id ?? '' });
    return { status: 202 };
  },
});

df.app.client.http('show', {
  route: 'hangs/{id}',
  methods: ['GET'],
  handler: async (request, client) => ({ jsonBody: (await client.getStatus(request.params.id ?? '')).runtimeStatus }),
});
