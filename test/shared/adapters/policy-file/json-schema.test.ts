import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { policyJsonSchema } from '../../../../shared/adapters/policy-file/json-schema.ts';

test('policy.schema.json is what `npm run schema` writes', () => {
  const committed = readFileSync(new URL('../../../../policy.schema.json', import.meta.url), 'utf8');
  expect(committed).toBe(policyJsonSchema());
});
