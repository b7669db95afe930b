import type { HostClock } from './clock.ts';
import { parseNcrontab, type Schedule } from './ncrontab.ts';
import { invoke, type Worker } from './worker/invoke.ts';
import type { Triggered } from './worker/registry.ts';

export interface Timers {
  stop(): void;
  /** Runs one now, beside its schedule, as `POST /admin/functions/{name}` does. */
  run(name: string): Promise<void>;
}

/** Starts every timer function. Occurrences missed while the host was down are not made up for. */
export function startTimers(worker: Worker, functions: readonly Triggered[], clock: HostClock): Timers {
  const runs = new Map<string, () => Promise<void>>();
  const cancellations = new Map<string, () => void>();
  let stopped = false;
  for (const { fn, trigger } of functions) {
    const schedule = parseNcrontab(resolveSetting(String(trigger.schedule)));
    const ring = async (last: number, next: number) => {
      try {
        await invoke(worker, fn, { json: timerInfo(schedule, last, next, clock.now()) });
      } catch (error) {
        worker.log({
          level: 'error',
          category: fn.name,
          message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
    };
    runs.set(fn.name, () => ring(clock.now(), clock.now()));
    const arm = (last: number) => {
      const at = schedule.next(clock.now());
      const cancel = clock.schedule(at, () => {
        // One run at a time: the next occurrence is looked for when this one has ended.
        void ring(last, at).finally(() => stopped || arm(at));
      });
      cancellations.set(fn.name, cancel);
    };
    if (trigger.runOnStartup === true) void ring(clock.now(), clock.now());
    arm(clock.now());
  }
  return {
    stop() {
      stopped = true;
      for (const cancel of cancellations.values()) cancel();
    },
    async run(name) {
      const found = runs.get(name);
      if (!found) throw new Error(`There is no timer function '${name}'.`);
      await found();
    },
  };
}

function timerInfo(schedule: Schedule, last: number, due: number, now: number): string {
  const iso = (time: number) => new Date(time).toISOString();
  return JSON.stringify({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: { Last: iso(last), Next: iso(schedule.next(now)), LastUpdated: iso(due) },
    IsPastDue: false,
  });
}

/** `%NAME%` stands for an app setting. */
function resolveSetting(text: string): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`The schedule names the app setting '${name}', which does not exist.`);
    return value;
  });
}
