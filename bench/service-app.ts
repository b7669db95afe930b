import { app } from '@azure/functions';
import * as df from 'durable-functions';
import '../functions/index.ts';
import { type OrchestratorInput, orchestratorName } from '../orchestrations/names.ts';

/** Curfew, and one way in that it doesn't have: starts the stories of requests whose first events are written already. */
app.http('benchStart', {
  methods: ['POST'],
  authLevel: 'anonymous',
  route: 'bench/start',
  extraInputs: [df.input.durableClient()],
  async handler(request, context) {
    const client = df.getClient(context);
    const input = (await request.json()) as OrchestratorInput;
    await client.startNew(orchestratorName, { instanceId: input.first.requestId, input });
    return { status: 202 };
  },
});
