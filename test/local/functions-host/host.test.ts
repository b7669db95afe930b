import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FunctionsHost,
  type FunctionsHostOptions,
  startFunctionsHost,
} from '../../../local/functions-host/index.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

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

it('a measured hub takes its time on the real clock, and counts what it does', async () => {
  host = await startFunctionsHost({
    app: new URL('sample-app.ts', import.meta.url),
    port: 0,
    statePath: ':memory:',
    steps: 'measured',
  });
  const request = `${host.url}/api/requests/a`;
  const began = performance.now();
  const body = JSON.stringify({ n: 2, deadline: Date.now() + 60_000 });
  await fetch(request, { method: 'PUT', body });
  await fetch(`${request}/decision`, { method: 'POST', body: '"yes"' });
  await expect.poll(async () => (await fetch(request)).json()).toMatchObject({ runtimeStatus: 'Completed' });
  // Two activities and three turns at least, each of which waits for 2 ms and then for the storage.
  expect(performance.now() - began).toBeGreaterThan(33);
  expect(host.measure('a')).toMatchObject({ activities: 2, timers: 1, events: 1 });
  expect(host.counters).toMatchObject({ activities: 2, timers: 1, events: 1, outstanding: 0 });
});

describe('what host.json says of activities', () => {
  const start = async (clock: VirtualClock, options: Partial<FunctionsHostOptions> = {}) => {
    const app = new URL('limits-app/index.ts', import.meta.url);
    const running = await startFunctionsHost({ app, port: 0, statePath: ':memory:', clock, ...options });
    host = running;
    const get = async (path: string) => (await fetch(`${running.url}/api/${path}`)).json();
    const move = (time: number) => clock.moveTo(time, () => new Promise((resolve) => setTimeout(resolve, 5)));
    return { running, get, move };
  };

  it('one beyond functionTimeout fails its instance', async () => {
    const { running, get, move } = await start(virtualClock(START));
    await fetch(`${running.url}/api/hangs/a`, { method: 'PUT' });
    await move(START + 5 * 60_000 - 1);
    expect(await get('hangs/a')).toBe('Running');
    await move(START + 5 * 60_000);
    expect(await get('hangs/a')).toBe('Failed');
  });

  it('one of a host that ended starts again after workItemQueueVisibilityTimeout', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
    const clock = virtualClock(START);
    const statePath = join(folder, 'state.db');
    const first = await start(clock, { statePath });
    await fetch(`${first.running.url}/api/hangs/a`, { method: 'PUT' });
    await first.move(START + 1_000);
    const begun = Number(await first.get('begun'));
    await first.running.close();
    const second = await start(clock, { statePath });
    await second.move(START + 2 * 60_000 - 1);
    expect(await second.get('begun')).toBe(begun);
    await second.move(START + 2 * 60_000);
    expect(await second.get('begun')).toBe(begun + 2);
    rmSync(folder, { recursive: true, force: true });
  });

  it('the limit on activities at once counts where the hub is a busy one', async () => {
    const { running, get, move } = await start(virtualClock(START), { steps: 'measured' });
    const before = Number(await get('begun'));
    await fetch(`${running.url}/api/hangs/a`, { method: 'PUT' });
    await move(START + 1_000);
    expect(await get('begun')).toBe(before + 1);
    expect(running.counters).toMatchObject({ activities: 2, outstanding: 2 });
  });
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
