import { locate } from '../../shared/adapters/policy-file/read-document.ts';
import { readPolicyFile } from '../../shared/adapters/policy-file/read-policy.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { type Command, readFileNamed, type System } from '../command.ts';
import { warningsOf } from './warnings.ts';

export const lint: Command = {
  usage: `  curfew policy lint FILE [--strict]
      Everything that is wrong with the file, and what looks like a mistake. With --strict a warning is a finding too.`,
  options: { strict: { type: 'boolean' } },
  run(file, { strict }, system) {
    const document = read(file, system);
    if (!document) return 1;
    const warnings = locate(warningsOf(document), document.yaml);
    for (const warning of warnings) {
      system.out(`${file}:${warning.replace(/^\d+:\d+: /, (position) => `${position}warning: `)}.`);
    }
    system.out(`${file}: no errors, ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`);
    return strict && warnings.length > 0 ? 1 : 0;
  },
};

/** Here what is wrong is what was asked for, and goes where output goes. */
function read(file: string, system: System) {
  const text = readFileNamed(file, system);
  try {
    return readPolicyFile(text, file);
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    system.out(error.refusal.detail ?? error.message);
    return undefined;
  }
}
