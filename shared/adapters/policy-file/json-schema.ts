import { z } from 'zod';
import { policySchema } from './schema.ts';

/** The text of policy.schema.json: what editors know of the policy file's form. */
export function policyJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(policySchema(), { io: 'input' }), undefined, 2)}\n`;
}
