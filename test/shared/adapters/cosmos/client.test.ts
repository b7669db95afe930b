import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CosmosClient } from '@azure/cosmos';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectionPolicy, expecting, readItem } from '../../../../shared/adapters/cosmos/client.ts';
import { createEventStore } from '../../../../shared/adapters/cosmos/event-store.ts';
import { link } from '../../../../shared/domain/hash-chain.ts';
import { requestIdOf } from '../../../../shared/domain/ids.ts';
import { requested } from '../../../support/samples.ts';

const id = requestIdOf(new Uint8Array(16));
const first = link(id, undefined, requested());
const unavailable = expect.objectContaining({ code: 'CURFEW_STORE_UNAVAILABLE' });

interface Scripted {
  readonly status: number;
  readonly pause?: number;
}

/** Cosmos DB as the test writes it: one answer a call, then success. `silent` never answers. */
let server: Server;
let client: CosmosClient;
let script: (Scripted | 'silent')[];
let asked: string[];
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const next = script.shift() ?? { status: request.method === 'POST' ? 201 : 200 };
    if (next === 'silent') return;
    const { status, pause } = next;
    const headers = pause === undefined ? {} : { 'x-ms-retry-after-ms': String(pause) };
    response.writeHead(status, headers).end(JSON.stringify({ id: 'x', _etag: '"1"', message: 'scripted' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new CosmosClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: Buffer.from('no secret').toString('base64'),
    connectionPolicy: { ...connectionPolicy, enableEndpointDiscovery: false },
  });
});
beforeEach(() => {
  [script, asked] = [[], []];
});
afterAll(() => {
  client.dispose();
  server.closeAllConnections();
  server.close();
});
const container = (name = 'events') => client.database('curfew').container(name);

describe('Cosmos DB that is busy', () => {
  test.each([429, 503])('with %i for a moment is asked again by the same call', async (status) => {
    await readItem(container(), 'x');
    script = [
      { status, pause: 1 },
      { status, pause: 0 },
    ];
    asked = [];
    expect(await readItem(container(), 'x')).toMatchObject({ id: 'x' });
    expect(asked).toHaveLength(3);
  });

  test.each([429, 503])('with %i for a minute is out of reach at once, and it is said until when', async (status) => {
    script = [{ status, pause: 59_001 }];
    await expect(readItem(container(), 'x')).rejects.toMatchObject({
      code: 'CURFEW_STORE_UNAVAILABLE',
      refusal: { retryAfter: 60 },
    });
    expect(asked).toHaveLength(1);
  });

  test('writes an event once it may', async () => {
    const events = createEventStore(container());
    await events.append(first);
    script = [{ status: 429, pause: 5 }];
    asked = [];
    await events.append(first);
    expect(asked).toHaveLength(2);
  });

  test.each([500, 503, 403])('or answers %i without a time is out of reach at once', async (status) => {
    script = [{ status }];
    await expect(readItem(container(), 'x')).rejects.toEqual(unavailable);
    expect(asked).toHaveLength(1);
  });
});

test('a store that is silent is given up in time, and the SDK is told to stop asking', async () => {
  script = ['silent'];
  let signal: AbortSignal | undefined;
  const call = (limit: { abortSignal: AbortSignal }) => {
    signal = limit.abortSignal;
    return container().item('x', 'x').read(limit);
  };
  await expect(expecting('read', container(), [404], call, 20)).rejects.toEqual(unavailable);
  expect(signal?.aborted).toBe(true);
});

test('nor does a call wait for an SDK that never comes back', async () => {
  await expect(expecting('read', container(), [404], () => new Promise(() => {}), 20)).rejects.toEqual(unavailable);
});
