import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { all, read, template } from './bicep.ts';

interface Job {
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }[];
}
interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = '.github/workflows';
const files = readdirSync(folder);
const jobs = files.flatMap((file) => {
  const { permissions, jobs: named } = parse(read(`${folder}/${file}`)) as Workflow;
  return Object.entries(named).map(([name, job]) => ({ name, permissions, ...job }));
});

describe('the workflows', () => {
  test('name every action with its major version or a commit', () => {
    const used = jobs.flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.filter((action) => !/@(?:v\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
  });

  test('sign in by a token of GitHub’s, from where the identity trusts it, and hold no secret of Azure', () => {
    const subjects = all(template('identities.bicep'), /subject: 'repo:\$\{githubRepository\}:(.*)'/g);
    for (const { environment, permissions, steps } of jobs) {
      const login = steps.find(({ uses }) => uses?.startsWith('azure/login@'));
      if (!login) continue;
      expect(permissions['id-token']).toBe('write');
      expect(subjects).toContain(environment === undefined ? 'pull_request' : `environment:${environment}`);
      expect(Object.values(login.with ?? {}).join()).not.toContain('secrets.');
    }
    expect(jobs.filter(({ environment }) => environment !== undefined).map(({ name }) => name)).toEqual([
      'deploy',
      'onboard',
    ]);
  });

  test('may read the repository and nothing else of it', () => {
    for (const { permissions } of jobs) {
      expect(Object.entries(permissions).filter(([of, right]) => of !== 'id-token' && right !== 'read')).toEqual([]);
    }
  });

  test('put nothing that people write into a command', () => {
    const commands = files.flatMap((file) =>
      all(read(`${folder}/${file}`), /- run: (?:>-\n)?((?:.*\n)(?: {10}.*\n)*)/g),
    );
    expect(commands.filter((command) => command.split('        env:')[0]?.includes('${{'))).toEqual([]);
  });
});
