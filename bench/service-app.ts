import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { app } from '@azure/functions';
import * as df from 'durable-functions';
import mssql from 'mssql';
import '../functions/index.ts';
import { type OrchestratorInput, orchestratorName } from '../orchestrations/contract.ts';

/** The calls of the service to other systems so far, and the request units that the store charged for its own. */
export interface Tally {
  store: number;
  charge: number;
  database: number;
}

const tally: Tally = { store: 0, charge: 0, database: 0 };
subscribe('http.client.response.finish', (message) => {
  const { response } = message as { response: IncomingMessage };
  const charge = response.headers['x-ms-request-charge'];
  if (charge === undefined) return;
  tally.store++;
  tally.charge += Number(charge);
});
counted(mssql.Request.prototype, ['query', 'batch', 'execute']);
counted(mssql.Transaction.prototype, ['begin', 'commit', 'rollback']);

/** Each call of these is a round trip. */
function counted(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const call = Reflect.get(prototype, name) as (...given: unknown[]) => unknown;
    const counting = function (this: unknown, ...given: unknown[]) {
      tally.database++;
      return call.apply(this, given);
    };
    Reflect.set(prototype, name, counting);
  }
}

/** Curfew with routes that it doesn't have: they start orchestrations of requests that are written already, and count those that run. */
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

app.http('benchTally', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'bench/tally',
  handler: async () => ({ jsonBody: tally }),
});
