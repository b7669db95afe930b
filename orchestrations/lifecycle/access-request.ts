import { isEnded, type State } from '../../shared/domain/states.ts';
import type { Durable, OrchestrationContext } from '../runtime/task.ts';
import { active } from './active.ts';
import { awaitApproval } from './approval.ts';
import { announceEnd, close } from './close.ts';
import { extend } from './extend.ts';
import { awaitStart, grant } from './grant.ts';
import { revoke } from './revoke.ts';
import { Run } from './run.ts';

/** The lifecycle of one access request, from its submission to its end. Returns the state in which it ended. */
export function* accessRequest(context: OrchestrationContext): Durable<State> {
  const run = new Run(context);
  if (!isEnded(run.request)) {
    yield* live(run);
    if (run.isRenewed) return run.request.state;
    announceEnd(run);
  }
  yield* close(run);
  return run.request.state;
}

function* live(run: Run): Durable<void> {
  yield* awaitApproval(run);
  if (run.isRenewed) return;
  if (run.request.extends !== undefined) return yield* extend(run);
  yield* awaitStart(run);
  yield* grant(run);
  yield* active(run);
  yield* revoke(run);
}
