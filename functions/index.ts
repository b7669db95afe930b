import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';

import {
  type ActivityName,
  type ActivityTypes,
  activityNames,
  commandEvent,
  orchestratorName,
  type Traced,
} from '../orchestrations/contract.ts';
import { accessRequest } from '../orchestrations/lifecycle/access-request.ts';
import { CurfewError } from '../shared/domain/errors.ts';
import { measureHubDelay } from '../shared/metrics.ts';
import { inSpan } from '../shared/telemetry.ts';
import { admit } from './callers.ts';
import { createService } from './composition.ts';
import { armAtStart, armUpcoming } from './deadlines.ts';
import { problem } from './http/problem.ts';
import { purgeEnded } from './purge.ts';
import { createReconciler } from './reconcile.ts';
import { routes } from './routes.ts';
import type { Route, Service } from './service.ts';
import type { Telemetry } from './telemetry.ts';

const service = createService(process.env);

// The host gives routes to functions in the order of their names, and the names say what they do; no two overlap.
for (const route of routes) {
  app.http(route.name, {
    methods: [route.method],
    authLevel: 'anonymous',
    route: route.path,
    extraInputs: [df.input.durableClient()],
    handler: (request, context) => answer(route, request, context),
  });
}

/** Nothing may be thrown at the host: it answers an empty 500, and 204 for a thrown undefined. */
async function answer(route: Route, request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  // Of the path the template alone: tokens stand in paths.
  const name = `${route.method} /api/${route.path}`;
  const attributes = { 'http.request.method': route.method, 'http.route': `/api/${route.path}` };
  const parent = context.traceContext?.traceParent;
  return inSpan(name, { kind: 'server', attributes, parent }, async ({ set, fail }) => {
    const response = await handle(route, request, context);
    const status = response.status ?? 200;
    set({ 'http.response.status_code': status });
    if (status >= 500) fail(String(status));
    return response;
  });
}

async function handle(route: Route, request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  try {
    const client = service.reporter.keep(df.getClient(context));
    if (route.needs === 'nothing') return await route.handler(service, request, client);
    return await route.handler(service, request, client, await admit(service, request, route.needs));
  } catch (error) {
    if (!(error instanceof CurfewError)) {
      service.log('error', `${route.name} failed`, { error: error instanceof Error ? error.name : typeof error });
    }
    const refusal = error instanceof CurfewError ? error.refusal : ({ code: 'CURFEW_INTERNAL' } as const);
    return route.refuse ? route.refuse(refusal) : problem(refusal);
  }
}

df.app.orchestration(orchestratorName, accessRequest);
for (const name of Object.keys(activityNames) as ActivityName[]) registerActivity(service, name);

function registerActivity<Name extends ActivityName>({ activities, reporter, clock }: Service, name: Name): void {
  df.app.activity(activityNames[name], {
    extraInputs: [df.input.durableClient()],
    handler: (input: ActivityTypes[Name]['input'] & Traced, context) => {
      const attributes = { 'curfew.request_id': input.request.id };
      return inSpan(activityNames[name], { attributes, parent: input.trace }, async ({ fail }) => {
        measureHubDelay(activityNames[name], input.askedAt, clock.now());
        const client = reporter.keep(df.getClient(context));
        const outcome = await activities[name](input, (id, message) => client.raiseEvent(id, commandEvent, message));
        if (!outcome.ok) fail(outcome.code);
        return outcome;
      });
    },
  });
}

const reconcile = createReconciler(service);
app.timer('reconcile', {
  schedule: '30 * * * * *',
  extraInputs: [df.input.durableClient()],
  handler: (_timer, context) => inSpan('reconcile', {}, () => reconcile(service.reporter.keep(df.getClient(context)))),
});

/** Not at the reconciler's second. What is due meanwhile is in the memory of this process. */
app.timer('armUpcoming', {
  schedule: '0 * * * * *',
  extraInputs: [df.input.durableClient()],
  handler: async (_timer, context) => {
    service.reporter.keep(df.getClient(context));
    await inSpan('armUpcoming', {}, () => armUpcoming(service));
  },
});

// Each run is billed as a second at least, a quarter of a million times a month: there is no timer where nobody is to hear of anything.
const { publish } = service;
if (publish) app.timer('publish', { schedule: '*/10 * * * * *', handler: () => publish() });

/** At an hour when nobody waits for anything. What one night doesn't get done is left for the next. */
app.timer('purgeEnded', {
  schedule: '0 17 3 * * *',
  extraInputs: [df.input.durableClient()],
  handler: async (_timer, context) => {
    const deleted = await purgeEnded(service, df.getClient(context));
    if (deleted > 0) service.log('info', 'ended orchestrations were deleted from the task hub', { deleted });
  },
});

let telemetry: Telemetry | undefined;

app.hook.appStart(async () => {
  try {
    telemetry = await service.startTelemetry();
  } catch (error) {
    service.log('error', 'telemetry could not be started', {
      error: error instanceof Error ? error.name : typeof error,
    });
  }
  void inSpan('armUpcoming', {}, () => armAtStart(service));
  void service.watch();
});

app.hook.appTerminate(() => telemetry?.stop().catch(() => undefined));
