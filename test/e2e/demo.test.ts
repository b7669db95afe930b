import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** As it is started in Azure, though nobody takes what it sends. */
const deployed = {
  CURFEW_BUNDLE: '1',
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    'InstrumentationKey=1f000000-0000-4000-8000-000000000001;IngestionEndpoint=https://localhost:1/',
  APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
};

test.each([
  ['the sources', {}, ''],
  ['the bundle', deployed, 'telemetry could not be made or sent'],
])(
  'npm run demo plays its whole story on %s, and sees all of it',
  (_, settings, complaint) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['local/demo.ts'], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, ...settings },
    });
    expect(stdout).toContain('\n5. What can be proved\n');
    expect(stderr).toContain(complaint);
    expect(stderr).not.toContain('telemetry could not be started');
    expect(status).toBe(0);
  },
  70_000,
);
