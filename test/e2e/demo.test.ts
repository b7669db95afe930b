import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([
  ['the sources', ''],
  ['the bundle', '1'],
])(
  'npm run demo plays its whole story on %s, and sees all of it',
  (_, CURFEW_BUNDLE) => {
    const { status, stdout } = spawnSync(process.execPath, ['local/demo.ts'], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, CURFEW_BUNDLE },
    });
    expect(stdout).toContain('\n5. What can be proved\n');
    expect(status).toBe(0);
  },
  70_000,
);
