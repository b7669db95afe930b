import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kinds as accessKinds } from '../shared/providers/index.ts';

/** The rules that this code breaks, were it in this file of the project. */
function rulesBroken(file: string, code: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-lint-'));
  try {
    for (const part of ['biome.json', 'lint']) cpSync(part, join(folder, part), { recursive: true });
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), code);
    const arguments_ = ['lint', '--reporter=json', '--vcs-enabled=false', file];
    const { stdout } = spawnSync('biome', arguments_, { cwd: folder, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string }[] };
    return [...new Set(diagnostics.map(({ category }) => category))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('who may import whom', () => {
  test.each([
    ['orchestrations/x.ts', '../shared/ports.ts'],
    ['orchestrations/x.ts', '../shared/adapters/mail/smtp.ts'],
    ['orchestrations/x.ts', 'node:crypto'],
    ['orchestrations/x.ts', 'zod'],
    ['orchestrations/x.ts', 'durable-functions'],
    ['orchestrations/lifecycle/x.ts', 'durable-functions'],
    ['orchestrations/lifecycle/x.ts', '../activities/grant.ts'],
    ['orchestrations/lifecycle/x.ts', '../../shared/ports.ts'],
    ['orchestrations/runtime/x.ts', '../contract.ts'],
    ['orchestrations/runtime/x.ts', '../../shared/domain/access-request.ts'],
    ['orchestrations/deadline/x.ts', '../../shared/providers/sql-role/pools.ts'],
    ['functions/x.ts', '../shared/providers/sql-role/provider.ts'],
    ['cli/targets/x.ts', '../../shared/providers/sql-role/onboarding.ts'],
    ['shared/pages/x.ts', '../providers/sql-role/entitlement.ts'],
    ['shared/adapters/policy-file/x.ts', '../../providers/sql-role/policy-form.ts'],
    ['shared/providers/sql-role/x.ts', '../../adapters/mail/smtp.ts'],
    ['orchestrations/activities/x.ts', '../../shared/adapters/mail/smtp.ts'],
    ['orchestrations/activities/x.ts', '../../functions/service.ts'],
    ['shared/domain/x.ts', '../ports.ts'],
    ['shared/domain/x.ts', 'zod'],
    ['shared/domain/x.ts', 'node:fs'],
    ['shared/adapters/mail/x.ts', '../cosmos/client.ts'],
    ['shared/adapters/mail/x.ts', '../../../functions/service.ts'],
    ['shared/pages/x.ts', '../adapters/mail/smtp.ts'],
    ['functions/x.ts', '../local/laptop.ts'],
    ['cli/x.ts', '../functions/service.ts'],
  ])('%s may not import %s', (file, specifier) => {
    expect(rulesBroken(file, `import { x } from '${specifier}';\nexport const y = x;\n`)).toContain(
      'lint/style/noRestrictedImports',
    );
  });
  test.each([
    ['orchestrations/x.ts', '../shared/domain/ids.ts'],
    ['orchestrations/lifecycle/x.ts', '../runtime/task.ts'],
    ['orchestrations/lifecycle/x.ts', '../../shared/domain/ids.ts'],
    ['orchestrations/runtime/x.ts', 'durable-functions'],
    ['orchestrations/activities/x.ts', '../../shared/ports.ts'],
    ['orchestrations/deadline/x.ts', '../../shared/ports.ts'],
    ['shared/adapters/mail/x.ts', '../../ports.ts'],
    ['shared/domain/x.ts', './ids.ts'],
    ['functions/x.ts', '../shared/adapters/mail/smtp.ts'],
    ['shared/pages/x.ts', '../providers/index.ts'],
    ['orchestrations/activities/x.ts', '../../shared/providers/provider.ts'],
    ['shared/providers/sql-role/x.ts', '../../adapters/policy-file/fields.ts'],
    ['local/x.ts', '../functions/service.ts'],
    ['cli/x.ts', '../functions/composition.ts'],
  ])('%s may import %s', (file, specifier) => {
    expect(rulesBroken(file, `import { x } from '${specifier}';\nexport const y = x;\n`)).toEqual([]);
  });
  test('of node:crypto the domain may have the hash alone', () => {
    expect(
      rulesBroken('shared/domain/x.ts', "import { createHash } from 'node:crypto';\nexport const y = createHash;\n"),
    ).toEqual([]);
    expect(
      rulesBroken('shared/domain/x.ts', "import { randomBytes } from 'node:crypto';\nexport const y = randomBytes;\n"),
    ).not.toEqual([]);
  });
});

describe('kinds of access', () => {
  const kinds = readdirSync('shared/providers', { withFileTypes: true }).filter((each) => each.isDirectory());
  const names = kinds.map(({ name }) => name);

  test.each(names)('%s is named in its folder and in the index, and nowhere else', (kind) => {
    const naming = ['shared', 'functions', 'orchestrations', 'cli']
      .flatMap((part) => readdirSync(part, { recursive: true, encoding: 'utf8' }).map((file) => join(part, file)))
      .filter((file) => file.endsWith('.ts') && !file.startsWith(join('shared', 'providers', kind)))
      .filter((file) => readFileSync(file, 'utf8').includes(kind));
    expect(naming).toEqual([join('shared', 'providers', 'index.ts')]);
  });

  test('are folders, each with the name of its kind', () => {
    expect(names).toEqual(accessKinds.map(({ kind }) => kind));
  });
});

describe('no ambient time, randomness or effects', () => {
  test.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'performance.now()',
    'process.env',
    'setTimeout(() => {}, 1)',
    'crypto.randomUUID()',
  ])('%s is refused in shared and orchestrations', (expression) => {
    for (const file of [
      'shared/domain/x.ts',
      'shared/adapters/mail/x.ts',
      'orchestrations/x.ts',
      'orchestrations/activities/x.ts',
    ]) {
      expect(rulesBroken(file, `export const x = ${expression};\n`)).toContain('plugin');
    }
  });
  test.each(['fetch("http://localhost")', 'console.log(1)', 'Promise.resolve(1)'])(
    '%s is refused in an orchestrator',
    (expression) => {
      expect(rulesBroken('orchestrations/x.ts', `export const x = ${expression};\n`)).toContain(
        'lint/style/noRestrictedGlobals',
      );
    },
  );
  test('a date made of a number is fine', () => {
    expect(rulesBroken('orchestrations/x.ts', 'export const x = new Date(0);\n')).toEqual([]);
  });
});
