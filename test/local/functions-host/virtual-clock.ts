import type { HostClock } from '../../../local/functions-host/clock.ts';

export interface VirtualClock extends HostClock {
  /** Moves to `time`, stopping at each alarm on the way; `settle` runs after every stop. */
  moveTo(time: number, settle: () => Promise<void>): Promise<void>;
  /** Instants of the alarms that are set, earliest first. */
  pending(): number[];
}

export function virtualClock(start: number): VirtualClock {
  let now = start;
  const alarms = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    schedule(at, run) {
      const alarm = { at, run };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    pending: () => [...alarms].map(({ at }) => at).sort((a, b) => a - b),
    async moveTo(time, settle) {
      await settle();
      for (;;) {
        const next = Math.min(...[...alarms].map(({ at }) => at));
        if (next > time) break;
        now = Math.max(now, next);
        for (const alarm of [...alarms].filter(({ at }) => at <= now)) {
          alarms.delete(alarm);
          alarm.run();
        }
        await settle();
      }
      now = Math.max(now, time);
      await settle();
    },
  };
}
