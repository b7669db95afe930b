import { faults } from '../support/faults.ts';
import { inOrder, type Row } from './run.ts';
import { type ScenarioName, scenarios } from './scenarios.ts';

/** What every fault at every call leads to, as docs/faults.md has it. */
export function tableOf(rows: ReadonlyMap<ScenarioName, readonly Row[]>): string {
  const names = [...rows.keys()];
  const all = [...rows.values()].flat();
  const calls = [...new Set(all.map(({ call }) => call))].sort(inOrder);
  const runs = all.flatMap(({ verdicts }) => verdicts).length;
  return `${head(names, runs)}\n${calls.map((call) => section(call, rows)).join('\n')}`;
}

function head(names: readonly ScenarioName[], runs: number): string {
  return `# What becomes of a request when something fails

Written by \`npx vitest run test/faults -u\`; without \`-u\` the test compares. Each of ${runs} runs takes requests through the real
orchestrator, the durable SDK and the activities, on a virtual clock, and one fault befalls one call. After each, the states are right,
nobody has access that wasn't to be theirs, the chain of events is whole and the projection is what it adds up to, no hold is left,
no instance goes on, and everybody has had the mails that matter.

${table(['Fault', 'What happens'], Object.entries(faults))}
${table(
  ['Story', 'What people do'],
  names.map((name) => [name, scenarios[name].about]),
)}
${table(['Outcome', 'Meaning'], outcomes)}`;
}

const outcomes = [
  ['on time', 'The target saw the access end at the deadline.'],
  ['event without the instant', 'Somebody found it gone already, and can’t say since when. It was on time.'],
  ['3.0 s late', 'The event says by how much, and it is what the target saw.'],
  [
    '3.0 s early',
    'The hold documents could not be read, so the entitlement was taken without knowing of the other request. The event says so.',
  ],
  ['overdue, alerted', 'It was not confirmed after a minute. The requester and the approvers were told.'],
  ['failed, nothing left', 'The access was never given.'],
  ['failed, undone', 'It was given and taken again, before anybody used it.'],
  ['–', 'The call can’t meet the fault there.'],
];

/** One call: what each fault leads to in each story. */
function section(call: string, rows: ReadonlyMap<ScenarioName, readonly Row[]>): string {
  const met = [...rows].flatMap(([name, all]): [ScenarioName, Row[]][] => {
    const own = all.filter((row) => row.call === call);
    return own.length > 0 ? [[name, own]] : [];
  });
  const kinds = (Object.keys(faults) as Row['fault'][]).filter((fault) =>
    met.some(([, own]) => own.some((row) => row.fault === fault)),
  );
  const lines = kinds.map((fault) => [fault, ...met.map(([, own]) => cell(own.find((row) => row.fault === fault)))]);
  return `## \`${call}\`\n\n${table(['Fault', ...met.map(([name]) => name)], lines)}`;
}

/** One outcome for all calls, or which call had which. */
function cell(row: Row | undefined): string {
  if (!row) return '–';
  const byOutcome = Map.groupBy(row.verdicts, ({ outcome }) => outcome);
  const [only, ...others] = byOutcome.keys();
  if (only !== undefined && others.length === 0) return only;
  return [...byOutcome].map(([outcome, all]) => `${all.map(({ nth }) => `#${nth}`).join(' ')}: ${outcome}`).join('; ');
}

function table(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [line(heads), line(heads.map(() => '---')), ...lines.map(line)].join('');
}
