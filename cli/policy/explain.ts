import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { namesIn } from '../../shared/adapters/policy-file/names.ts';
import { readPolicyFile } from '../../shared/adapters/policy-file/read-policy.ts';
import { suggest } from '../../shared/adapters/policy-file/wording.ts';
import { errorCodes } from '../../shared/domain/errors.ts';
import { approveByOf, type Finding } from '../../shared/domain/evaluate.ts';
import type { Approvers, Stage, Terms } from '../../shared/domain/policy.ts';
import type { Question } from '../../shared/domain/question.ts';
import { describeDuration, type Instant } from '../../shared/domain/time.ts';
import { type Command, type Options, readFileNamed, UsageError } from '../command.ts';
import { remedyInCli } from '../remedies.ts';
import { type Answer, type Asking, ask, askingFields, type PolicyDocument } from './asking.ts';

const options = {
  as: { type: 'string' },
  groups: { type: 'string' },
  'directory-down': { type: 'boolean' },
  target: { type: 'string' },
  role: { type: 'string' },
  duration: { type: 'string' },
  start: { type: 'string' },
  at: { type: 'string' },
  reason: { type: 'string' },
  ticket: { type: 'string' },
  authentication: { type: 'string' },
  'break-glass': { type: 'boolean' },
  'held-by-person': { type: 'string' },
  'held-by-all': { type: 'string' },
  'approved-at': { type: 'string' },
} satisfies ParseArgsOptionsConfig;

export const explain: Command = {
  usage: `  curfew policy explain FILE --as USER --target TARGET --role ROLE
      [--groups a,b | --directory-down] [--duration 2h] [--start INSTANT|2d] [--at INSTANT] [--reason TEXT] [--ticket TEXT]
      [--authentication mfa,c1] [--break-glass] [--held-by-person N] [--held-by-all N] [--approved-at INSTANT,...]
      What the policy answers this person or application at this moment, rule by rule. Groups are named as in the file.`,
  options,
  run(file, given, system) {
    const document = readPolicyFile(readFileNamed(file, system), file);
    const asking = readAsking(given, document);
    const now = asking.at ?? system.now();
    const answer = ask(document, asking, now);
    for (const line of [
      ...describeQuestion(asking, answer, document, now),
      '',
      ...describeAnswer(answer, document, now),
    ]) {
      system.out(line);
    }
    return 'terms' in answer.evaluation ? 0 : 1;
  },
};

const lists = ['groups', 'authentication', 'approved-at'];
const numbers = ['held-by-person', 'held-by-all'];

function readAsking(given: Options, { data: file }: PolicyDocument): Asking {
  const fields = Object.fromEntries(
    Object.entries(given).map(([option, value]) => {
      if (typeof value !== 'string') return [option, value];
      if (lists.includes(option)) return [option, value.split(',').map((each) => each.trim())];
      return [option, numbers.includes(option) ? Number(value || Number.NaN) : value];
    }),
  );
  const parsed = z.strictObject(askingFields(namesIn(file))).safeParse(fields);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path: [option], message }) =>
    given[String(option)] === undefined ? `Give --${String(option)}.` : `--${String(option)}: ${message}`,
  );
  throw new UsageError(lines.join('\n'));
}

function describeQuestion(asking: Asking, { question, placeholders }: Answer, document: PolicyDocument, now: Instant) {
  const { as, target, role, groups } = asking;
  const { targets } = document.policy;
  const roles = targets.find(({ id }) => id === target)?.roles.map(({ id }): string => id);
  const unknown = roles
    ? !roles.includes(role) &&
      `There is no role ${role} on ${target}; ${suggest(role, roles) ?? `there is ${roles.join(', ')}`}`
    : `There is no target ${target}; ${
        suggest(
          target,
          targets.map(({ id }) => id),
        ) ?? `there is ${targets.map(({ id }) => id).join(', ')}`
      }`;
  const membership =
    question.groups === 'unknown'
      ? 'while the directory is down'
      : groups.length === 0
        ? 'in no group (name some with --groups)'
        : `in ${groups.join(', ')}`;
  return [
    `${as}, ${membership}, asks for ${role} on ${target} at ${now}.`,
    ...(unknown ? [unknown] : []),
    ...(placeholders.length > 0 ? [`Left out, and taken to be as it should: ${placeholders.join('; ')}.`] : []),
  ];
}

/** The decision rule by rule, and what comes of it. */
export function describeAnswer(
  { question, evaluation, demands }: Answer,
  { data: file }: PolicyDocument,
  now: Instant,
): string[] {
  const table = tableOf(evaluation.explanation);
  if ('refusal' in evaluation) {
    const { code, path, remedy } = evaluation.refusal;
    return [
      ...table,
      '',
      `Refused: ${code} (${path}). ${errorCodes[code][1]}`,
      `  remedy       ${remedyInCli(remedy)}`,
    ];
  }
  const { terms } = evaluation;
  const maximum = terms.breakGlass ? '' : ` (${describeDuration(demands?.maximum ?? terms.duration)} at most)`;
  return [
    ...table,
    '',
    headline(terms),
    `  duration     ${describeDuration(terms.duration)}${maximum}`,
    `  start        ${startOf(terms, question)}`,
    `  entitlements ${terms.entitlements.map(({ role, database, server }) => `${role} in ${database} on ${server}`).join(', ')}`,
    ...(isDecided(terms) ? describeApproval(terms, file, now) : []),
    ...(terms.breakGlass
      ? [
          `  told         ${describePeople(terms.breakGlass.tell, file)}`,
          `  review       by ${describePeople(terms.breakGlass.review.by, file)} within ${describeDuration(terms.breakGlass.review.within)}`,
        ]
      : [`  limits       ${describeLimits(terms)}`]),
    `  extension    ${terms.extension.times === 0 ? 'none' : `${terms.extension.times} times, up to ${describeDuration(terms.extension.total)} in all`}`,
  ];
}

function isDecided({ automatic, breakGlass }: Terms): boolean {
  return !automatic && !breakGlass;
}

function headline({ automatic, breakGlass, stages }: Terms): string {
  if (breakGlass) return 'Granted at once, by breaking the glass.';
  if (automatic) return `Approved automatically: ${automatic.name}.`;
  return `Waits for approval, in ${stages.length} ${stages.length === 1 ? 'stage' : 'stages'}.`;
}

function startOf({ startsAt, automatic, breakGlass }: Terms, { startsAt: asked }: Question): string {
  if (startsAt !== undefined) return startsAt;
  const soon = automatic || breakGlass ? 'at once' : 'at approval';
  return asked === undefined ? soon : `${soon} (what was asked for is now)`;
}

function describeApproval(terms: Terms, file: PolicyDocument['data'], now: Instant): string[] {
  const { stages, signIn, decidingNeeds } = terms;
  return [
    ...stages.map((stage, index) => {
      const end =
        index === 0
          ? `by ${approveByOf(terms, 0, now)}`
          : `within ${describeDuration(stage.timeOut)} of stage ${index}`;
      return `  stage ${index + 1}      ${describeStage(stage, file)}, ${end}${describeAsking(stage, file)}`;
    }),
    `  sign-in      ${signIn ? 'required' : 'not needed, the link decides'}`,
    ...(decidingNeeds.length > 0 ? [`  to decide    ${decidingNeeds.join(' and ')}`] : []),
  ];
}

function describeStage({ quorum, approvers }: Stage, file: PolicyDocument['data']): string {
  return `${quorum} of ${describePeople(approvers, file)}`;
}

function describeAsking({ reminders, escalation }: Stage, file: PolicyDocument['data']): string {
  const reminded = reminders.length > 0 ? `; reminded after ${reminders.map(describeDuration).join(', ')}` : '';
  const more = escalation
    ? `; after ${describeDuration(escalation.after)} also ${describePeople(escalation.to, file)}`
    : '';
  return `${reminded}${more}`;
}

/** In the names of the file. */
function describePeople({ people, groups, manager }: Approvers, file: PolicyDocument['data']): string {
  const names = new Map(Object.entries(file.groups).map(([name, id]): [string, string] => [id.toLowerCase(), name]));
  return [...people, ...groups.map((id) => names.get(id) ?? id), ...(manager ? ["the requester's manager"] : [])].join(
    ', ',
  );
}

function describeLimits({ limits: { perPerson, perRole } }: Terms): string {
  const each = [
    perPerson === null ? [] : [`${perPerson} at once for one person`],
    perRole === null ? [] : [`${perRole} at once for all together`],
  ].flat();
  return each.join(', ') || 'none';
}

function tableOf(findings: readonly Finding[]): string[] {
  const rows = [
    ['Rule', 'Outcome', 'Why'],
    ...findings.map((finding) => [
      finding.rule,
      finding.outcome,
      finding.outcome === 'refuses' ? remedyInCli(finding.remedy) : finding.sentence,
    ]),
  ];
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map(([rule = '', outcome = '', why]) => `${rule.padEnd(width(0))}  ${outcome.padEnd(width(1))}  ${why}`);
}
