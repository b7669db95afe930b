import type { ActorId } from '../../shared/domain/ids.ts';
import { type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Clock, HeartbeatStore } from '../../shared/ports.ts';

/** Whether the processes that hold claims still live. */
export interface Liveness {
  /** Says that this process lives, again and again until the instant. */
  liveUntil(instant: Instant): void;
  /** Resolves to whether the other process was silent for so long, before `until`, that it counts as dead. */
  isDead(other: ActorId, until: Instant): Promise<boolean>;
}

/** Compares heartbeats with each other, never with a clock: two processes' clocks differ. */
export function createLiveness(
  { clock, heartbeats }: { readonly clock: Clock; readonly heartbeats: Pick<HeartbeatStore, 'beat' | 'pulse'> },
  self: ActorId,
): Liveness {
  const watches = new Map<ActorId, Promise<boolean>>();
  let last: Instant | undefined;

  const live = async () => {
    while (last !== undefined && clock.now() < last) {
      await heartbeats.beat(self, clock.now()).catch(() => undefined);
      await clock.sleepUntil(plus(clock.now(), timeline.heartbeatMs));
    }
    last = undefined;
  };

  const watch = async (other: ActorId, until: Instant): Promise<boolean> => {
    let pulse: Instant | undefined;
    let since = clock.now();
    while (clock.now() < until) {
      try {
        const found = await heartbeats.pulse(other);
        if (found !== pulse) since = clock.now();
        else if (clock.now() >= plus(since, timeline.deadAfterMs)) return true;
        pulse = found;
      } catch {
        // A store that does not answer says nothing of the other process.
        since = clock.now();
      }
      await clock.sleepUntil(plus(clock.now(), timeline.heartbeatMs));
    }
    return false;
  };

  return {
    liveUntil(instant) {
      const isLiving = last !== undefined;
      last = latest(instant, last);
      if (!isLiving) void live();
    },
    isDead(other, until) {
      const known = watches.get(other) ?? watch(other, until).finally(() => watches.delete(other));
      watches.set(other, known);
      return known;
    },
  };
}
