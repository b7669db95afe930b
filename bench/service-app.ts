import { app } from '@azure/functions';
import * as df from 'durable-functions';
import '../functions/index.ts';
import { type OrchestratorInput, orchestratorName } from '../orchestrations/names.ts';

/** Curfew, and ways in that it doesn't have: to start stories that have been written already, and to ask how many go on. */
app.http('benchStart', {
  methods: ['POST'],
  authLevel: 'anonymous',
  route: 'bench/start',
  extraInputs: [df.input.durableClient()],
  async handler(request, context) {
    const client = df.getClient(context);
    const inputs = (await request.json()) as OrchestratorInput[];
    await Promise.all(
      inputs.map((input) => client.startNew(orchestratorName, { instanceId: input.first.requestId, input })),
    );
    return { status: 202 };
  },
});

app.http('benchRunning', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'bench/running',
  extraInputs: [df.input.durableClient()],
  async handler(_, context) {
    const { Pending, Running } = df.OrchestrationRuntimeStatus;
    const found = await df.getClient(context).getStatusBy({ runtimeStatus: [Pending, Running] });
    return { jsonBody: { count: found.length } };
  },
});
