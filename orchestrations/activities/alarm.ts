import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { RevocationEvidence } from '../../shared/domain/events.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { type Revoking, revokeAll } from './revoke.ts';

/** Takes accesses away at their instant, without any other timer than the process's own. */
export interface Alarm {
  /** Once per request: a second call changes nothing. `raise` is called when all of it is done and seen, or with nothing where it failed. */
  arm(
    request: AccessRequest,
    deadline: Instant,
    raise: (evidence: readonly RevocationEvidence[]) => Promise<void>,
  ): void;
  /** What it did for the request, and waits for it where it is ringing. One that has not rung yet never will. */
  settle(id: RequestId): Promise<readonly RevocationEvidence[] | undefined>;
}

interface Armed {
  hasBegun: boolean;
  isOff: boolean;
  evidence?: Promise<readonly RevocationEvidence[] | undefined>;
}

export function createAlarm(dependencies: Revoking): Alarm {
  const { clock } = dependencies;
  const all = new Map<RequestId, Armed>();
  return {
    arm(request, deadline, raise) {
      if (all.has(request.id)) return;
      const armed: Armed = { hasBegun: false, isOff: false };
      all.set(request.id, armed);
      void (async () => {
        await clock.sleepUntil(deadline);
        if (armed.isOff) return;
        armed.hasBegun = true;
        armed.evidence = revokeAll(dependencies, request, deadline).catch(() => undefined);
        const evidence = await armed.evidence;
        // Where it failed the story is to go on at once.
        await raise(evidence ?? []).catch(() => undefined);
        await clock.sleepUntil(plus(clock.now(), 60_000));
        all.delete(request.id);
      })();
    },
    async settle(id) {
      const armed = all.get(id);
      if (!armed) return undefined;
      armed.isOff = true;
      return armed.evidence;
    },
  };
}
