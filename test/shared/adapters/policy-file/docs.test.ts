import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readPolicy } from '../../../../shared/adapters/policy-file/read-policy.ts';
import { policySchema } from '../../../../shared/adapters/policy-file/schema.ts';
import { terminal } from '../../../cli/terminal.ts';

const docs = readFileSync('docs/policy.md', 'utf8');
const examples = [...docs.matchAll(/```yaml\n(.*?)```/gs)].map((found) => found[1] ?? '');
const [policy = '', cases = ''] = examples;

describe('docs/policy.md', () => {
  test('has a policy that can be read and has nothing odd about it', () => {
    expect(examples).toHaveLength(2);
    expect(readPolicy(policy, 'docs/policy.md').rules).toHaveLength(1);
    expect(terminal(['policy', 'lint', 'p.yaml', '--strict'], { 'p.yaml': policy }).code).toBe(0);
  });
  test('has cases that pass', () => {
    const { code, out } = terminal(['policy', 'test', 'p.yaml'], { 'p.yaml': policy, 'p.test.yaml': cases });
    expect(code, out).toBe(0);
  });
  test('names every field', () => {
    const fields = (node: unknown): string[] => {
      if (typeof node !== 'object' || node === null) return [];
      const own = 'properties' in node && typeof node.properties === 'object' ? Object.keys(node.properties ?? {}) : [];
      return [...own, ...Object.values(node).flatMap(fields)];
    };
    const all = new Set(fields(z.toJSONSchema(policySchema(), { io: 'input' })));
    expect(all.size).toBeGreaterThan(40);
    expect([...all].filter((field) => !new RegExp(`\\b${field}\\b`).test(docs))).toEqual([]);
  });
});
