#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { instantOf } from '../shared/domain/time.ts';
import { run } from './run.ts';

process.exitCode = run(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
  read: (file) => readFileSync(file, 'utf8'),
  now: () => instantOf(Date.now()),
});
