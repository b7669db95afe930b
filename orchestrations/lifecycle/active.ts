import { plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Durable } from '../runtime/task.ts';
import type { Run } from './run.ts';

/**
 * While the access stands: until its revocation is reported, or it is ended early. The deadline scheduler revokes at the instant;
 * where nothing is heard of it the lifecycle goes on soon afterwards. An extension moves the deadline meanwhile.
 */
export function* active(run: Run): Durable<void> {
  const { requester, revocation } = run.request;
  while (run.is('granted') && !run.fired) {
    const { deadline } = run;
    const warning = plus(deadline, -timeline.warningLeadMs);
    const guard = plus(deadline, revocation.isScheduled ? timeline.guardMs : 0);
    const stands = () => run.is('granted') && run.deadline === deadline && !run.fired;
    if (run.now() < warning) {
      yield* run.until(warning, { while: stands, limit: guard });
      if (stands()) run.notify('ending-soon', [requester]);
    }
    yield* run.until(guard, { while: stands, limit: guard });
    if (stands()) yield* run.catchUp();
    if (stands()) return;
    if (run.is('granted') && run.deadline !== deadline) run.notify('extended', [requester]);
  }
}
