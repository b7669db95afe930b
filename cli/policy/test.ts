import { z } from 'zod';
import { duration } from '../../shared/adapters/policy-file/fields.ts';
import { type Names, namesIn } from '../../shared/adapters/policy-file/names.ts';
import { readDocument } from '../../shared/adapters/policy-file/read-document.ts';
import { readPolicyFile } from '../../shared/adapters/policy-file/read-policy.ts';
import { isErrorCode } from '../../shared/domain/errors.ts';
import { formatDuration, type Instant } from '../../shared/domain/time.ts';
import { type Command, readFileNamed } from '../command.ts';
import { type Answer, ask, askingFields } from './asking.ts';
import { describeAnswer } from './explain.ts';

/** A Monday: a case that says nothing of the time passes on every day, or on none. */
const usualNow = '2026-01-05T12:00:00.000Z' as Instant;

export const test: Command = {
  usage: `  curfew policy test FILE [--cases FILE]
      Asks the policy what the cases ask, and compares the answers. For policy.yaml they stand in policy.test.yaml.`,
  options: { cases: { type: 'string' } },
  run(file, { cases: named }, system) {
    const document = readPolicyFile(readFileNamed(file, system), file);
    const casesFile = typeof named === 'string' ? named : file.replace(/(?:\.ya?ml)?$/, '.test.yaml');
    const cases = readDocument(readFileNamed(casesFile, system), casesFile, () => casesSchema(namesIn(document.data)));
    const failed = cases.data.filter(({ name, expect, ...asking }, index) => {
      const now = asking.at ?? usualNow;
      const answer = ask(document, asking, now);
      const actual = actualOf(answer, expect.rule);
      const wrong = differences(expect, actual);
      const { line } = cases.yaml.position(cases.yaml.offsetOf([index]));
      const what = name ?? `${asking.as} asks for ${asking.role} on ${asking.target}`;
      system.out(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${what}`);
      if (wrong.length === 0) return false;
      for (const [field, wanted, found] of wrong) {
        system.out(`  ${casesFile}:${line}: ${field}: expected ${wanted}, found ${found}`);
      }
      for (const each of describeAnswer(answer, document, now)) system.out(`    ${each}`.trimEnd());
      return true;
    });
    system.out(`${cases.data.length - failed.length} passed, ${failed.length} failed`);
    return failed.length === 0 ? 0 : 1;
  },
};

function casesSchema(names: Partial<Names>) {
  const number = z.int({ error: 'write a whole number' }).optional();
  const expected = z.strictObject({
    outcome: z.enum(['approval', 'automatic', 'break-glass', 'refused'], {
      error: 'write approval, automatic, break-glass or refused',
    }),
    code: z
      .string()
      .refine(isErrorCode, { error: 'this is no code of Curfew, such as CURFEW_NO_SUCH_ROLE' })
      .optional(),
    rule: z.string().optional(),
    stages: number,
    quorum: number,
    maximum: duration('').optional(),
    duration: duration('').optional(),
  });
  return z
    .array(z.strictObject({ name: z.string().optional(), ...askingFields(names), expect: expected }))
    .min(1, { error: 'list a case' });
}

type Expected = z.infer<ReturnType<typeof casesSchema>>[number]['expect'];

/** The same fields, of what came out. `rule` is the one looked for, if it applied or refused. */
function actualOf({ evaluation, demands }: Answer, rule: string | undefined): Partial<Expected> {
  const spoke = evaluation.explanation.filter(({ outcome }) => outcome !== 'does not apply').map((each) => each.rule);
  const found = {
    rule: rule !== undefined && spoke.includes(rule) ? rule : spoke.join('; '),
    maximum: demands?.maximum,
  };
  if ('refusal' in evaluation) return { ...found, outcome: 'refused', code: evaluation.refusal.code };
  const { automatic, breakGlass, duration } = evaluation.terms;
  // Where nobody is asked, the stages play no part.
  const stages = automatic || breakGlass ? [] : evaluation.terms.stages;
  return {
    ...found,
    outcome: breakGlass ? 'break-glass' : automatic ? 'automatic' : 'approval',
    duration,
    stages: stages.length,
    quorum: stages.reduce((sum, { quorum }) => sum + quorum, 0),
  };
}

const durations: readonly string[] = ['maximum', 'duration'];

function differences(
  expected: Expected,
  actual: Partial<Expected>,
): [field: string, expected: string, found: string][] {
  const say = (field: string, value: unknown) =>
    typeof value === 'number' && durations.includes(field) ? formatDuration(value) : String(value ?? 'nothing');
  return (Object.keys(expected) as (keyof Expected)[])
    .filter((field) => expected[field] !== undefined && expected[field] !== actual[field])
    .map((field) => [field, say(field, expected[field]), say(field, actual[field])]);
}
