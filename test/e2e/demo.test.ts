import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('npm run demo plays its whole story, and sees all of it', () => {
  const { status, stdout } = spawnSync(process.execPath, ['local/demo.ts'], { encoding: 'utf8', timeout: 60_000 });
  expect(stdout).toContain('\n5. What can be proved\n');
  expect(status).toBe(0);
}, 70_000);
