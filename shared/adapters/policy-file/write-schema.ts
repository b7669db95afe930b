import { writeFileSync } from 'node:fs';
import { policyJsonSchema } from './json-schema.ts';

// Run by `npm run schema`, after the form of the policy file has changed.
writeFileSync(new URL('../../../policy.schema.json', import.meta.url), policyJsonSchema());
