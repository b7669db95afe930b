import { createHash } from 'node:crypto';
import type { Digest } from '../../domain/ids.ts';
import type { Policy } from '../../domain/policy.ts';
import { namesIn } from './names.ts';
import { type Document, readDocument } from './read-document.ts';
import { type PolicyFile, policySchema } from './schema.ts';
import { toPolicy } from './to-policy.ts';

/** As `readPolicy`, and with it what stands in the file and where, for those who talk about the file itself. */
export function readPolicyFile(text: string, fileName: string): Document<PolicyFile> & { readonly policy: Policy } {
  const document = readDocument(text, fileName, (data) => policySchema(namesIn(data)));
  const digest = createHash('sha256').update(text).digest('hex') as Digest;
  return { ...document, policy: toPolicy(document.data, digest) };
}

/**
 * Reads a policy file. Throws CURFEW_POLICY_INVALID with every problem in its detail, one a line, as
 * `file:line:column: path: sentence`. `fileName` is what the lines begin with; nothing is opened.
 */
export function readPolicy(text: string, fileName: string): Policy {
  return readPolicyFile(text, fileName).policy;
}
