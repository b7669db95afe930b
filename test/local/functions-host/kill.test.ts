import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const app = new URL('sample-app.ts', import.meta.url).href;
const script = new URL('killable.ts', import.meta.url).pathname;

let folder: string;
let process_: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
});

afterEach(async () => {
  await kill();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const child = spawn(process.execPath, [script, app, join(folder, 'state.db')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process_ = child;
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return line.toString().trim();
}

async function kill(): Promise<void> {
  if (!process_ || process_.exitCode !== null || process_.signalCode !== null) return;
  const gone = once(process_, 'exit');
  process_.kill('SIGKILL');
  await gone;
}

/** Resolves to whether the host acknowledged it. */
const send = (url: string, method: string, body: unknown): Promise<boolean> =>
  fetch(url, { method, body: JSON.stringify(body) }).then(
    ({ status }) => status === 202,
    () => false,
  );

it('everything that was acknowledged before a kill -9 completes after it', async () => {
  const [started, decided] = [new Set<string>(), new Set<string>()];
  const isDecided = (id: string) => Number(id.split('-')[1]) % 2 === 0;
  const decide = async (id: string) => {
    if (await send(`${url}/api/requests/${id}/decision`, 'POST', 'yes')) decided.add(id);
  };
  let url = await start();
  for (const round of [1, 2, 3]) {
    const ids = Array.from({ length: 40 }, (_, index) => `r${round}-${index}`);
    const requests = ids.map(async (id, n) => {
      const deadline = Date.now() + (isDecided(id) ? 3_600_000 : 1_500);
      if (!(await send(`${url}/api/requests/${id}`, 'PUT', { n, deadline }))) return;
      started.add(id);
      if (isDecided(id)) await decide(id);
    });
    // In the midst of it: some have been answered, some have not.
    await Promise.all(requests.slice(0, 10));
    await kill();
    await Promise.all(requests);
    url = await start();
  }
  // A client that got no answer asks again.
  for (const id of started) if (isDecided(id) && !decided.has(id)) await decide(id);
  expect(started.size).toBeGreaterThanOrEqual(30);
  for (const id of started) {
    const output = await vi.waitFor(
      async () => {
        const status = (await (await fetch(`${url}/api/requests/${id}`)).json()) as {
          runtimeStatus: string;
          output: unknown;
        };
        expect(status.runtimeStatus).toBe('Completed');
        return status.output;
      },
      { timeout: 10_000, interval: 20 },
    );
    const n = Number(id.split('-')[1]);
    expect(output).toEqual({ again: n * 4, decision: isDecided(id) ? 'yes' : 'none' });
  }
}, 30_000);
