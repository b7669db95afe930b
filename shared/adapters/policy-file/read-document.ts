import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import { type Path, type Problem, readYaml, type YamlText } from './read-yaml.ts';
import { quote, suggest } from './wording.ts';

/** Bytes. */
const largestFile = 1_048_576;
/** So many problems are listed, and the rest counted. */
const problemsListed = 100;

/** What a file says, and where it says it. */
export interface Document<Data> {
  readonly data: Data;
  readonly yaml: YamlText;
}

/**
 * Reads a YAML file of a given form, which may look at the plain data first. Throws CURFEW_POLICY_INVALID with every
 * problem in its detail, one a line, as `file:line:column: path: sentence`. `fileName` is what the lines begin with;
 * nothing is opened.
 */
export function readDocument<Schema extends z.ZodType>(
  text: string,
  fileName: string,
  schemaFor: (data: unknown) => Schema,
): Document<z.infer<Schema>> {
  if (Buffer.byteLength(text) > largestFile) {
    throw invalid(fileName, ['1:1: the file is over 1 MiB; split it or take away what nobody needs']);
  }
  const yaml = readYaml(text);
  const schema = schemaFor(yaml.data);
  const parsed = yaml.data === undefined ? undefined : schema.safeParse(yaml.data, { error: describeType });
  if (yaml.problems.length === 0 && parsed?.success) return { data: parsed.data, yaml };
  const issues = parsed?.error?.issues ?? [];
  throw invalid(fileName, locate([...yaml.problems, ...problemsOf(issues, yaml, schema)], yaml));
}

/** `line:column: path: sentence`, in the order of the file. */
export function locate(problems: readonly Problem[], yaml: YamlText): string[] {
  const lines = problems
    .toSorted((one, other) => one.offset - other.offset)
    .map(({ offset, path, sentence }) => {
      const { line, column } = yaml.position(offset);
      return `${line}:${column}: ${path.length > 0 ? `${describePath(path)}: ` : ''}${sentence}`;
    });
  return [...new Set(lines)];
}

function invalid(fileName: string, lines: readonly string[]): CurfewError {
  const listed = lines.slice(0, problemsListed).map((line) => `${fileName}:${line}${line.endsWith('?') ? '' : '.'}`);
  if (lines.length > problemsListed) listed.push(`${fileName}: and ${lines.length - problemsListed} more.`);
  return new CurfewError('CURFEW_POLICY_INVALID', {
    detail: listed.join('\n'),
    remedy: { kind: 'correct-policy-file' },
  });
}

function describeType(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined ? 'add it' : `write ${kinds[issue.expected] ?? issue.expected} here`;
}

const kinds: Partial<Record<string, string>> = {
  string: 'a text (in quotes where it looks like a number)',
  object: 'a mapping (indented lines of "key: value")',
  record: 'a mapping (indented lines of "name: ...")',
  array: 'a list ("- ..." lines or [one, other])',
};

function problemsOf(issues: readonly z.core.$ZodIssue[], yaml: YamlText, schema: z.ZodType): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(path, schema);
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

/** The fields that the form has at a path. */
function knownKeys(path: Path, schema: z.ZodType): string[] {
  let at: z.core.JSONSchema.JSONSchema = z.toJSONSchema(schema, { io: 'input' });
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
