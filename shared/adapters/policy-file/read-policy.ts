import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { Digest, PrincipalId, RoleId, TargetId } from '../../domain/ids.ts';
import type { Audience, Policy } from '../../domain/policy.ts';
import { type Path, type Problem, readYaml, type YamlText } from './read-yaml.ts';
import { type PolicyFile, policySchema } from './schema.ts';
import { quote, suggest } from './wording.ts';

/** Bytes. */
const largestFile = 1_048_576;
/** So many problems are listed, and the rest counted. */
const problemsListed = 100;

/**
 * Reads a policy file. Throws CURFEW_POLICY_INVALID with every problem in its detail, one a line, as
 * `file:line:column: path: sentence`. `fileName` is what the lines begin with; nothing is opened.
 */
export function readPolicy(text: string, fileName: string): Policy {
  if (Buffer.byteLength(text) > largestFile) {
    throw invalid(fileName, ['1:1: the file is over 1 MiB; split the policy or take away what nobody needs']);
  }
  const yaml = readYaml(text);
  const parsed = yaml.data === undefined ? undefined : parse(yaml);
  const problems = [...yaml.problems, ...(parsed?.success === false ? problemsOf(parsed.error.issues, yaml) : [])];
  if (problems.length === 0 && parsed?.success) return toPolicy(parsed.data, text);

  const lines = problems
    .sort((one, other) => one.offset - other.offset)
    .map(({ offset, path, sentence }) => {
      const { line, column } = yaml.position(offset);
      return `${line}:${column}: ${path.length > 0 ? `${describePath(path)}: ` : ''}${sentence}`;
    });
  throw invalid(fileName, [...new Set(lines)]);
}

function invalid(fileName: string, lines: readonly string[]): CurfewError {
  const listed = lines.slice(0, problemsListed).map((line) => `${fileName}:${line}${line.endsWith('?') ? '' : '.'}`);
  if (lines.length > problemsListed) listed.push(`${fileName}: and ${lines.length - problemsListed} more.`);
  return new CurfewError('CURFEW_POLICY_INVALID', {
    detail: listed.join('\n'),
    wayOut: 'Correct the file. An editor that knows policy.schema.json shows most of this while you type.',
  });
}

function parse({ data }: YamlText): z.ZodSafeParseResult<PolicyFile> {
  const groups = z.object({ groups: z.record(z.string(), z.unknown()).default({}) }).safeParse(data);
  const names = groups.success ? new Set(Object.keys(groups.data.groups)) : undefined;
  return policySchema(names).safeParse(data, {
    error: (issue) => {
      if (issue.code !== 'invalid_type') return undefined;
      return issue.input === undefined ? 'add it' : `write ${kinds[issue.expected] ?? issue.expected} here`;
    },
  });
}

const kinds: Partial<Record<string, string>> = {
  string: 'a text (in quotes where it looks like a number)',
  object: 'a mapping (indented lines of "key: value")',
  record: 'a mapping (indented lines of "name: ...")',
  array: 'a list ("- ..." lines or [one, other])',
};

function problemsOf(issues: readonly z.core.$ZodIssue[], yaml: YamlText): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(path);
      return issue.keys.map((key) => ({
        offset: yaml.offsetOfKey([...path, key]),
        path: [...path, key],
        sentence: `there is no such field; ${suggest(key, known) ?? `fields here are ${known.join(', ')}`}`,
      }));
    }
    if (issue.code === 'invalid_key') {
      const sentence = `this is not a name that can be used; ${issue.issues[0]?.message ?? 'write another'}`;
      return [{ offset: yaml.offsetOfKey(path), path, sentence }];
    }
    const sentence = yaml.has(path) ? issue.message : `this is missing; ${issue.message}`;
    return [{ offset: yaml.offsetOf(path), path, sentence }];
  });
}

/** The fields that the format has at a path. */
function knownKeys(path: Path): string[] {
  let at: z.core.JSONSchema.JSONSchema = z.toJSONSchema(policySchema(), { io: 'input' });
  for (const step of path) {
    const next = typeof step === 'number' ? at.items : (at.properties?.[step] ?? at.additionalProperties);
    at = typeof next === 'object' && !Array.isArray(next) ? next : {};
  }
  return Object.keys(at.properties ?? {});
}

/** `targets.orders.roles.reader.entitlements[0]` */
function describePath(path: Path): string {
  return path
    .map((step) =>
      typeof step === 'number' ? `[${step}]` : /^[\w-]{1,64}$/.test(step) ? `.${step}` : `.${quote(step)}`,
    )
    .join('')
    .replace(/^\./, '');
}

function toPolicy(file: PolicyFile, text: string): Policy {
  const audience = ({ groups, people }: { groups: string[]; people: string[] }): Audience => ({
    people: [...new Set(people)],
    groups: [...new Set(groups.map((name) => (file.groups[name] ?? '').toLowerCase() as PrincipalId))],
  });
  return {
    digest: createHash('sha256').update(text).digest('hex') as Digest,
    targets: Object.entries(file.targets).map(([id, { description, server, port, database, roles }]) => ({
      id: id as TargetId,
      description,
      roles: Object.entries(roles).map(([roleId, role]) => ({
        id: roleId as RoleId,
        description: role.description,
        entitlements: role.entitlements.map((entitlement) => ({
          kind: 'sql-role',
          // Host names ignore case; holds are counted by the name, so that there must be one spelling.
          server: server.toLowerCase(),
          port,
          database,
          role: entitlement['sql-role'],
        })),
        requesters: audience(role.requesters),
        duration: role.duration,
        reasonRequired: role.reason === 'required',
        approval: { approvers: audience(role.approval.approvers), timeOut: role.approval['time-out'] },
      })),
    })),
  };
}
