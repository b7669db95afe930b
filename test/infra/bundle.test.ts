import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, zippedSize } from '../../infra/bundle.ts';
import { read } from './bicep.ts';

/** That it works is shown by test/e2e/demo.test.ts, which plays a whole story on it. */

const folder = mkdtempSync(join(tmpdir(), 'curfew-bundle-'));
let outside: string[];
beforeAll(async () => {
  outside = await bundle(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const contents = (name: string) => readFileSync(join(folder, name), 'utf8');

test('the bundle needs Node and the host, and no package', () => {
  // Whether the second is installed Azure Monitor asks in a try, for figures of its own use.
  const asked = ['@azure/functions-core', '@opentelemetry/instrumentation'];
  expect(outside.filter((name) => !isBuiltin(name))).toEqual(asked);
});

test('the host finds beside it what it reads, and whoever debugs it the source map', () => {
  expect(readdirSync(folder).toSorted()).toEqual([
    'host.json',
    'index.js',
    'index.js.LEGAL.txt',
    'index.js.map',
    'package.json',
  ]);
  expect(contents('host.json')).toBe(read('host.json'));
  const { main, type, dependencies } = JSON.parse(contents('package.json')) as Record<string, unknown>;
  expect([main, type, dependencies]).toEqual(['index.js', 'commonjs', undefined]);
  const { sources } = JSON.parse(contents('index.js.map')) as { sources: string[] };
  expect(sources.some((path) => path.endsWith('functions/index.ts'))).toBe(true);
  expect(
    sources.filter((path) => /(?:^|\/)(?:local|test|bench)\/[^/]+\.ts$/.test(path.split('node_modules')[0] ?? '')),
  ).toEqual([]);
});

test('packed it is smaller than 5 MB', () => {
  expect(zippedSize(folder)).toBeLessThan(5_000_000);
});
