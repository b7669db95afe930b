#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { instantOf } from '../shared/domain/time.ts';
import type { System } from './command.ts';
import { run } from './run.ts';

const system: System = {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
  read: (file) => readFileSync(file, 'utf8'),
  now: () => instantOf(Date.now()),
};
const [area, ...rest] = process.argv.slice(2);
// Connections to databases would keep the process waiting.
if (area === 'reconcile' && !rest.includes('--help')) {
  const { reconcile } = await import('./reconcile.ts');
  process.exit(await reconcile(rest, system, process.env));
}
if (area === 'targets' && !rest.includes('--help')) {
  const { targets } = await import('./targets/check.ts');
  process.exit(await targets(rest, system, process.env));
}
process.exitCode = run(process.argv.slice(2), system);
