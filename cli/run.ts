import { parseArgs } from 'node:util';
import { type Command, type System, sayRefusal, UsageError } from './command.ts';
import { explain } from './policy/explain.ts';
import { lint } from './policy/lint.ts';
import { test } from './policy/test.ts';
import { reconcileUsage } from './reconcile-usage.ts';
import { targetsUsage } from './targets/usage.ts';

const commands: { readonly [name: string]: Command } = { lint, explain, test };

const usage = `Usage:
${Object.values(commands)
  .map((command) => command.usage)
  .join('\n')}
${reconcileUsage}
${targetsUsage}
Exit codes: 0 all is well; 1 findings, a refusal or a failed case; 2 wrong usage, or it could not be looked at.`;

/** The exit code. */
export function run(args: readonly string[], system: System): number {
  const [area, name = '', ...rest] = args;
  if (args.length === 0 || args.includes('--help')) {
    system.out(usage);
    return args.length === 0 ? 2 : 0;
  }
  const command = area === 'policy' && Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (!command) throw new UsageError(`There is no command ${[area, name].join(' ').trim()}.`);
    const { values, positionals } = parse(rest, command);
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('Name one policy file.');
    return command.run(file, values, system);
  } catch (error) {
    if (error instanceof UsageError) {
      system.error(`${error.message}\n\n${command ? `Usage:\n${command.usage}` : usage}`);
      return 2;
    }
    sayRefusal(error, system);
    return 1;
  }
}

function parse(args: string[], { options }: Command) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'The options make no sense.');
  }
}
