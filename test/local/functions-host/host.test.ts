import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type FunctionsHost, startFunctionsHost } from '../../../local/functions-host/index.ts';
import { virtualClock } from './virtual-clock.ts';

const START = Date.parse('2026-11-21T09:01:00.000Z');

let host: FunctionsHost | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

it('a timer function runs at its instants, inside its hooks', async () => {
  const clock = virtualClock(START);
  host = await startFunctionsHost({
    app: new URL('hooks-app.ts', import.meta.url),
    port: 0,
    statePath: ':memory:',
    clock,
  });
  const trace = async () => (await fetch(`${host?.url}/api/trace`)).json();
  await clock.moveTo(Date.parse('2026-11-21T09:04:59.999Z'), async () => {});
  expect(await trace()).toEqual(['start']);
  await clock.moveTo(Date.parse('2026-11-21T09:05:00.000Z'), async () => {});
  expect(await trace()).toEqual(['start', 'tick replaced', 'after seen']);
});

it('the management endpoints take no key and so let nobody in', async () => {
  host = await startFunctionsHost({ app: new URL('hooks-app.ts', import.meta.url), port: 0, statePath: ':memory:' });
  const { status } = await fetch(`${host.url}/runtime/webhooks/durabletask/instances`);
  expect(status).toBe(401);
});

it('the client starts, raises and reads over the same port', async () => {
  host = await startFunctionsHost({ app: new URL('sample-app.ts', import.meta.url), port: 0, statePath: ':memory:' });
  const request = `${host.url}/api/requests/a`;
  const deadline = Date.now() + 60_000;
  expect((await fetch(request, { method: 'PUT', body: JSON.stringify({ n: 2, deadline }) })).status).toBe(202);
  expect((await fetch(`${request}/decision`, { method: 'POST', body: '"yes"' })).status).toBe(202);
  await expect
    .poll(async () => (await fetch(request)).json())
    .toEqual({ runtimeStatus: 'Completed', output: { again: 8, decision: 'yes' } });
});

it('a second host on the same state is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
  const options = { app: new URL('hooks-app.ts', import.meta.url), port: 0, statePath: join(folder, 'state.db') };
  host = await startFunctionsHost(options);
  await expect(startFunctionsHost(options)).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR' });
  await host.close();
  host = await startFunctionsHost(options);
  rmSync(folder, { recursive: true, force: true });
});
