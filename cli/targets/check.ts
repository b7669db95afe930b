import { createService, credentialOf } from '../../functions/composition.ts';
import { readConfiguration } from '../../shared/configuration.ts';
import type { Policy } from '../../shared/domain/policy.ts';
import { mapConcurrently } from '../../shared/map-concurrently.ts';
import { count } from '../../shared/pages/words.ts';
import { type System, sayRefusal } from '../command.ts';
import { describeAsker, whoAsks } from './asker.ts';
import { describeFixes } from './fixes.ts';
import { type Looking, lookAt } from './look.ts';
import { targetsUsage } from './usage.ts';

/** The exit code: 0 where nothing is missing, 1 where something is, 2 where something could not be looked at. */
export async function targets(
  args: readonly string[],
  system: System,
  env: Record<string, string | undefined>,
): Promise<number> {
  const [command, ...names] = args;
  if (command !== 'check' || names.some((name) => name.startsWith('-'))) {
    system.error(`Usage:\n${targetsUsage}`);
    return 2;
  }
  try {
    const service = createService(env);
    const asker = await whoAsks(credentialOf(readConfiguration(env)), service.directory);
    return await check({ ...service, asker }, names, system);
  } catch (error) {
    sayRefusal(error, system);
    return 2;
  }
}

/** Says of each target what is missing, and then what mends it. */
export async function check(
  from: Looking & { policy(): Policy },
  names: readonly string[],
  system: System,
): Promise<number> {
  const known = from.policy().targets;
  const strangers = names.filter((name) => !known.some(({ id }) => id === name));
  if (strangers.length > 0) {
    system.error(`The policy has no target ${strangers.join(', ')}. It has ${known.map(({ id }) => id).join(', ')}.`);
    return 2;
  }
  const chosen = known.filter(({ id }) => names.length === 0 || names.includes(id));
  system.out(describeAsker(from.asker));
  const looked = await mapConcurrently(chosen, async (target) => ({ target, found: await lookAt(from, target) }));
  for (const { target, found } of looked) {
    for (const { state, sentences } of found) {
      const text = `${target.id}: ${sentences.join('\n  ')}`;
      if (state === 'unseen') system.error(text);
      else system.out(text);
    }
  }
  const fixes = looked.flatMap(({ found }) => found.flatMap(({ fix }) => fix ?? []));
  if (fixes.length > 0) system.out(`\nWhat mends it, for an administrator:\n\n${describeFixes(fixes)}\n`);
  const having = (wanted: string) => looked.filter(({ found }) => found.some(({ state }) => state === wanted)).length;
  const [missing, unseen] = [having('missing'), having('unseen')];
  system.out(
    `${count(looked.length, 'target')}: ${missing} with something missing${unseen > 0 ? `, ${unseen} not looked at` : ''}. Nothing was changed.`,
  );
  if (unseen > 0) return 2;
  return missing > 0 ? 1 : 0;
}
