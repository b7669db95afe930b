import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { Engine } from '../../../local/functions-host/durable/engine.ts';
import { DurableHttpApi } from '../../../local/functions-host/durable/http-api.ts';
import { sdkRuntime } from '../../../local/functions-host/durable/sdk-runtime.ts';
import type { DurableRuntime } from '../../../local/functions-host/durable/turn.ts';
import { decodePath } from '../../../local/functions-host/http/url.ts';
import { silent } from '../../../local/functions-host/log.ts';
import { type VirtualClock, virtualClock } from '../../local/functions-host/virtual-clock.ts';

/** A recording of the real host: see `../recordings/README.md`. */
export interface Recording {
  readonly scenario: string;
  readonly orchestratorSource: string | Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly clientCalls: readonly ClientCall[];
  readonly finalStatus: Readonly<Record<string, unknown>>;
}

export interface Step {
  readonly at: string;
  readonly instanceId: string;
  readonly trigger: Trigger;
  readonly returned?: unknown;
  readonly threw?: { readonly message: string };
}

export interface Trigger {
  readonly history: readonly { readonly EventType: number; readonly Timestamp: string; readonly FireAt?: string }[];
  readonly input?: unknown;
}

export interface ClientCall {
  readonly at: string;
  readonly call: string;
  readonly args: readonly unknown[];
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly wire?: readonly { readonly method: string; readonly status: number }[];
}

export interface Played {
  readonly steps: readonly Step[];
  readonly calls: readonly ClientCall[];
  status(id: string): Promise<Record<string, unknown>>;
  close(): void;
}

type Handlers = Record<string, (input: unknown) => unknown>;

const folder = new URL('../recordings/durable/', import.meta.url);

export const readRecording = (name: string): Recording =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Recording;

/** Runs the recorded orchestrator with the recorded activities, and makes the recorded calls at their instants. */
export async function play(recording: Recording): Promise<Played> {
  const clock = virtualClock(Date.parse(recording.clientCalls[0]?.at ?? recording.steps[0]?.at ?? '2026-11-21'));
  const steps: Step[] = [];
  const runtime = recordSteps(sdkRuntime(orchestrators(recording), activities(clock), silent), clock, steps);
  const engine = new Engine({ statePath: ':memory:', clock, fireTime: wholeSeconds, log: silent, runtime });
  const settle = () => engine.idle();
  const statuses: { method: string; status: number }[] = [];
  const api = new DurableHttpApi(
    () => engine,
    () => origin,
    silent,
  );
  const server = createServer((request, response) => {
    void api.handle(request, response, decodePath((request.url ?? '').split('?')[0] ?? '') ?? '').then((handled) => {
      if (!handled) response.writeHead(404).end();
      statuses.push({ method: request.method ?? '', status: response.statusCode });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = clientFor(api);

  const calls: ClientCall[] = [];
  for (const batch of together(recording.clientCalls)) {
    await clock.moveTo(Date.parse(batch[0]?.at ?? ''), settle);
    statuses.length = 0;
    const made = await Promise.all(batch.map((recorded) => call(client, recorded)));
    await settle();
    calls.push(...made.map((each) => (batch.length === 1 ? { ...each, wire: [...statuses] } : each)));
  }
  await clock.moveTo(endOf(recording), settle);
  return {
    steps,
    calls,
    async status(id) {
      const response = await fetch(
        new URL(`instances/${id}`, (JSON.parse(api.binding()) as { rpcBaseUrl: string }).rpcBaseUrl),
      );
      const text = await response.text();
      return { httpStatus: response.status, ...(text === '' ? {} : (JSON.parse(text) as object)) };
    },
    close() {
      server.close();
      server.closeAllConnections();
      engine.close();
    },
  };
}

function orchestrators({ orchestratorSource, clientCalls }: Recording): Record<string, df.OrchestrationHandler> {
  const started = clientCalls.find(({ call: name }) => name === 'startNew')?.args[0];
  const sources: Record<string, string> = {
    simple: 'function* (ctx) { return ctx.df.getInput() ?? null; }',
    ...(typeof orchestratorSource === 'string' ? { [String(started)]: orchestratorSource } : orchestratorSource),
  };
  const after = (context: { df: { currentUtcDateTime: Date } }, seconds: number) =>
    new Date(context.df.currentUtcDateTime.getTime() + seconds * 1000);
  const turns: Record<string, number> = {};
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [
      name,
      new Function('df', 'in_', 'turns', `return (${source})`)(df, after, turns) as df.OrchestrationHandler,
    ]),
  );
}

function activities(clock: VirtualClock): Handlers {
  const { source } = JSON.parse(readFileSync(new URL('_activities.json', folder), 'utf8')) as { source: string[] };
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.schedule(clock.now() + ms, resolve));
  return new Function('sleep', 'fails', `return { ${source.join('\n')} }`)(sleep, {}) as Handlers;
}

function recordSteps(runtime: DurableRuntime, clock: VirtualClock, steps: Step[]): DurableRuntime {
  return {
    ...runtime,
    async orchestrate(name, text) {
      const trigger = JSON.parse(text) as Trigger & { instanceId: string };
      const step = { at: new Date(clock.now()).toISOString(), instanceId: trigger.instanceId, trigger };
      try {
        const returned = await runtime.orchestrate(name, text);
        steps.push({ ...step, returned: JSON.parse(JSON.stringify(returned)) });
        return returned;
      } catch (error) {
        steps.push({ ...step, threw: { message: error instanceof Error ? error.message : String(error) } });
        throw error;
      }
    },
  };
}

function clientFor(api: DurableHttpApi): df.DurableClient {
  const input = df.input.durableClient();
  const context = new InvocationContext({
    options: { trigger: { type: 'httpTrigger', name: 'r' }, extraInputs: [input], extraOutputs: [] },
  });
  context.extraInputs.set(input, JSON.parse(api.binding()));
  return df.getClient(context);
}

async function call(client: df.DurableClient, { at, call: name, args }: ClientCall): Promise<ClientCall> {
  const method = client[name as 'raiseEvent'] as (...args: unknown[]) => Promise<unknown>;
  try {
    const result = await method.apply(client, args.map(revive));
    return { at, call: name, args, result: result === undefined ? '<undefined>' : JSON.parse(JSON.stringify(result)) };
  } catch (error) {
    return { at, call: name, args, error: { message: error instanceof Error ? error.message : String(error) } };
  }
}

function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$undef' in value) return undefined;
  if ('$date' in value) return new Date(String(value.$date));
  if (Array.isArray(value)) return value.map(revive);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
}

/** Calls that the recorder made without waiting for the one before. */
function together(calls: readonly ClientCall[]): ClientCall[][] {
  const batches: ClientCall[][] = [];
  for (const each of calls) {
    const last = batches.at(-1);
    const same =
      last?.[0] && last[0].call === each.call && Date.parse(each.at) - Date.parse(last.at(-1)?.at ?? '') <= 1;
    if (last && same) last.push(each);
    else batches.push([each]);
  }
  return batches;
}

/** The recorded backend counts a delay in whole seconds, rounded down, from a moment after the turn began. */
const wholeSeconds = (fireAt: number, created: number) =>
  created + Math.floor(Math.max(0, fireAt - created - 1) / 1000) * 1000;

function endOf({ steps, clientCalls }: Recording): number {
  const fired = steps.flatMap(({ trigger }) => trigger.history).filter(({ EventType }) => EventType === 11);
  const instants = [
    ...steps.map(({ at }) => at),
    ...clientCalls.map(({ at }) => at),
    ...fired.map(({ FireAt }) => FireAt ?? ''),
  ];
  return Math.max(...instants.map((at) => Date.parse(at))) + 2_000;
}
