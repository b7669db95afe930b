import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

const bicep = [
  ['bicep', []],
  ['az', ['bicep']],
].find(([command]) => spawnSync(String(command), ['--version']).error === undefined) as [string, string[]] | undefined;

describe.skipIf(bicep === undefined)('Bicep’s own compiler (skipped where neither bicep nor az is on the PATH)', () => {
  const [command, before] = bicep ?? ['', []];
  const run = (...rest: string[]) => spawnSync(command, [...before, ...rest], { encoding: 'utf8' });
  // az takes files by an option, bicep as they are.
  const file = (path: string) => (command === 'az' ? ['--file', path] : [path]);

  test('builds the template', () => {
    expect(run('build', ...file('infra/main.bicep'), '--stdout')).toMatchObject({ status: 0 });
  });

  test('finds nothing to say of it', () => {
    const { status, stdout, stderr } = run('lint', ...file('infra/main.bicep'));
    expect({ status, said: /(?:Error|Warning) /.exec(stdout + stderr)?.[0] }).toEqual({ status: 0, said: undefined });
  });

  test('builds the parameters of the workflows', () => {
    const names = ['AZURE_ENV_NAME', 'AZURE_LOCATION', 'CURFEW_TENANT_ID', 'CURFEW_TARGET_DATABASE_ID'];
    const more = ['CURFEW_APPROVER', 'CURFEW_API_CLIENT_ID', 'GITHUB_REPOSITORY'];
    const env = { ...process.env, ...Object.fromEntries([...names, ...more].map((name) => [name, 'x'.repeat(36)])) };
    const how = ['build-params', ...file('infra/workflow.bicepparam'), '--stdout'];
    expect(spawnSync(command, [...before, ...how], { encoding: 'utf8', env })).toMatchObject({ status: 0 });
  });
});
