import { createService } from '../functions/composition.ts';
import { describeSeen } from '../shared/pages/reconciler-words.ts';
import { type Looking, look } from '../shared/reconciler.ts';
import { type System, sayRefusal } from './command.ts';
import { reconcileUsage } from './reconcile-usage.ts';

/** The exit code: 0 where nothing was found, 1 for findings, 2 where something could not be looked at. */
export async function reconcile(
  args: readonly string[],
  system: System,
  env: Record<string, string | undefined>,
): Promise<number> {
  if (args.length !== 1 || args[0] !== '--dry-run') {
    system.error(`The service reconciles every minute. From here it can be looked at.\n\nUsage:\n${reconcileUsage}`);
    return 2;
  }
  try {
    return await tell(createService(env), system);
  } catch (error) {
    sayRefusal(error, system);
    return 2;
  }
}

/** Prints a sentence for each finding. */
export async function tell(from: Looking, system: System): Promise<number> {
  let found = 0;
  let unseen = 0;
  for await (const seen of look(from, async () => 'unknown')) {
    if (seen.kind === 'unseen') unseen++;
    else found++;
    if (seen.kind === 'unseen') system.error(describeSeen(seen));
    else system.out(describeSeen(seen));
  }
  system.out('Not looked at: which requests have a living orchestration. Only the running service can ask that.');
  system.out(`${found} found${unseen > 0 ? `, ${unseen} could not be looked at` : ''}. Nothing was changed.`);
  if (unseen > 0) return 2;
  return found > 0 ? 1 : 0;
}
