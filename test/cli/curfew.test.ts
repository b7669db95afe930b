import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { terminal } from './terminal.ts';

test.each<[string, string[], number]>([
  ['nothing at all', [], 2],
  ['--help', ['--help'], 0],
  ['an unknown area', ['police', 'lint', 'policy.sample.yaml'], 2],
  ['an unknown command', ['policy', 'toString', 'policy.sample.yaml'], 2],
  ['no file', ['policy', 'lint'], 2],
  ['two files', ['policy', 'lint', 'policy.sample.yaml', 'policy.sample.yaml'], 2],
  ['a file that is not there', ['policy', 'lint', 'missing.yaml'], 2],
  ['an unknown option', ['policy', 'lint', 'policy.sample.yaml', '--strickt'], 2],
])('%s is answered with the usage', (_, args, expected) => {
  const { code, out, errors } = terminal(args);
  expect(code).toBe(expected);
  expect(`${out}${errors}`).toContain('curfew policy lint FILE');
});

test('the command that npm installs is this one, and it says by its exit code how it went', () => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { curfew: string } };
  const curfew = (...args: string[]) => spawnSync(process.execPath, [bin.curfew, ...args], { encoding: 'utf8' });
  expect(curfew('policy', 'lint', 'policy.sample.yaml')).toMatchObject({ status: 0, stderr: '' });
  expect(curfew('policy', 'lint', 'package.json').status).toBe(1);
  expect(curfew('policy', 'lint').status).toBe(2);
});
