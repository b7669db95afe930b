import { app } from '@azure/functions';
import * as df from 'durable-functions';

/** A small app with the shape of an approval: an activity, a wait for an event or a deadline, an activity. */

df.app.activity('double', { handler: (n: number) => n * 2 });

df.app.orchestration('approval', function* (context) {
  const { n, deadline } = context.df.getInput() as { n: number; deadline: number };
  const doubled: number = yield context.df.callActivity('double', n);
  const decided = context.df.waitForExternalEvent('decided');
  const timer = context.df.createTimer(new Date(deadline));
  const winner = yield context.df.Task.any([decided, timer]);
  if (winner === decided) timer.cancel();
  const again: number = yield context.df.callActivity('double', doubled);
  return { again, decision: winner === decided ? decided.result : 'none' };
});

df.app.client.http('start', {
  route: 'requests/{id}',
  methods: ['PUT'],
  handler: async (request, client) => {
    await client.startNew('approval', { instanceId: request.params.id ?? '', input: await request.json() });
    return { status: 202 };
  },
});

df.app.client.http('decide', {
  route: 'requests/{id}/decision',
  methods: ['POST'],
  handler: async (request, client) => {
    await client.raiseEvent(request.params.id ?? '', 'decided', await request.json());
    return { status: 202 };
  },
});

df.app.client.http('show', {
  route: 'requests/{id}',
  methods: ['GET'],
  handler: async (request, client) => {
    const status = await client.getStatus(request.params.id ?? '');
    return { jsonBody: { runtimeStatus: status.runtimeStatus, output: status.output } };
  },
});

app.http('hello', { handler: async (request) => ({ body: `hello ${request.query.get('name') ?? 'world'}` }) });
