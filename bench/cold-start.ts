import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../infra/bundle.ts';
import { type Figure, quantile, round } from './figures.ts';

const rounds = 11;
const root = new URL('../', import.meta.url);

/** What the worker of the Functions host does with an app, and how long it takes: in milliseconds, to the first function and to the end. */
const script = `
  const { registerHooks } = require('node:module');
  const app = process.argv[1];
  const name = '@azure/functions-core';
  registerHooks({
    resolve: (asked, context, next) =>
      asked === name ? { url: 'core:' + name, format: 'commonjs', shortCircuit: true } : next(asked, context),
    load: (url, context, next) =>
      url === 'core:' + name
        ? { format: 'commonjs', source: 'module.exports = globalThis.core', shortCircuit: true }
        : next(url, context),
  });
  let first;
  const took = () => performance.now() - begun;
  const nothing = { dispose() {} };
  globalThis.core = {
    version: '0', hostVersion: '4', setProgrammingModel() {}, log() {}, registerHook: () => nothing,
    registerFunction: () => { first ??= took(); return nothing; },
  };
  const begun = performance.now();
  import(app).then(() => { console.log(JSON.stringify([first, took()])); process.exit(); });
`;

/** From importing the service to its first function, in a process of its own each time: the bundle and the sources. */
export async function measureColdStart(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
  try {
    await bundle(folder);
    return [
      ['cold start, from importing the bundle to its first function', importing(join(folder, 'index.js'))],
      ['the same with the sources', importing(fileURLToPath(new URL('functions/index.ts', root)))],
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function importing(app: string): string {
  const sample = readFileSync(new URL('local.settings.sample.json', root), 'utf8');
  const { Values: settings } = JSON.parse(sample) as { Values: Record<string, string> };
  const firsts: number[] = [];
  const ends: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=commonjs', '-e', script, app], {
      cwd: root,
      env: { ...process.env, ...settings },
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr.slice(0, 500));
    const [first = 0, end = 0] = JSON.parse(stdout) as number[];
    firsts.push(first);
    ends.push(end);
  }
  const median = (times: number[]) => round(quantile(times, 0.5));
  return `median ${median(firsts)} ms, best ${round(Math.min(...firsts))} ms of ${rounds}; all functions: ${median(ends)} ms`;
}
