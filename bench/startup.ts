import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Figure, quantile, round } from './figures.ts';

const rounds = 5;

/** Measures from `node local/start.ts` to the line that says that it is up: each time on a fresh folder, then on the same again. */
export async function measureStartup(): Promise<Figure[]> {
  const fresh: number[] = [];
  const used: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
    fresh.push(await startOnce(folder));
    used.push(await startOnce(folder));
    rmSync(folder, { recursive: true, force: true });
  }
  const describe = (times: number[]) =>
    `median ${round(quantile(times, 0.5))} ms, best ${round(Math.min(...times))} ms of ${rounds}`;
  return [
    ['`npm start` to ready, fresh folder', describe(fresh)],
    ['`npm start` to ready, used folder', describe(used)],
  ];
}

async function startOnce(folder: string): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, [fileURLToPath(new URL('../local/start.ts', import.meta.url))], {
    env: { ...process.env, CURFEW_LAPTOP_FOLDER: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  const up = new Promise<number>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('Curfew is up')) resolve(performance.now() - begun);
    });
    exited.then(() => reject(new Error(`It did not start: ${said.slice(0, 500)}`)), reject);
  });
  try {
    return await up;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
