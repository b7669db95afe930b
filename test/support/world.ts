import { createDurableEngine, type DurableEngineOptions } from '../../local/functions-host/durable/index.ts';
import { accessRequest } from '../../orchestrations/access-request.ts';
import { createAlarm } from '../../orchestrations/activities/alarm.ts';
import { createActivities, type Raise } from '../../orchestrations/activities/index.ts';
import { type ActivityName, activityNames, commandEvent, orchestratorName } from '../../orchestrations/names.ts';
import { type AccessRequest, evolve } from '../../shared/domain/access-request.ts';
import type { AnswerCommand, PersonCommand } from '../../shared/domain/decide.ts';
import type { CurfewEvent, RecordedEvent } from '../../shared/domain/events.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { type CommandId, type RequestId, requestIdOf } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import type { Instant } from '../../shared/domain/time.ts';
import {
  MemoryDirectory,
  MemoryEvents,
  MemoryHolds,
  MemoryLinks,
  MemoryMail,
  MemoryRegistry,
  MemoryRequests,
  MemoryTarget,
} from './memory.ts';
import { ada, analysts, bob, carla, owners, requested } from './samples.ts';
import { VirtualClock } from './virtual-clock.ts';

type Faults = { [Name in ActivityName]?: (call: number) => 'crash-before' | 'crash-after' | undefined };

/** The orchestrator and its activities on the real durable SDK, with a virtual clock and outside systems in memory. */
export function createWorld({
  timers = 'exact',
  faults = {},
  version,
  onTurn,
}: {
  timers?: 'exact' | 'azure-storage';
  faults?: Faults;
} & Pick<DurableEngineOptions, 'version' | 'onTurn'> = {}) {
  const time = new VirtualClock();
  const target = new MemoryTarget(time.clock);
  const systems = {
    events: new MemoryEvents(),
    requests: new MemoryRequests(),
    links: new MemoryLinks(),
    holds: new MemoryHolds(),
    notifier: new MemoryMail(),
    registry: new MemoryRegistry(),
    directory: new MemoryDirectory(
      [ada, bob, carla],
      new Map([
        [analysts, [ada.principalId]],
        [owners, [bob.principalId, carla.principalId]],
      ]),
    ),
  };
  let random = 0;
  const entropy = { bytes: (count: number) => new Uint8Array(count).fill(++random) };
  const providers = { 'sql-role': target };
  const logged: ({ level: string; message: string } & Record<string, string | number>)[] = [];
  const activities = createActivities({
    clock: time.clock,
    entropy,
    log: (level, message, properties) => void logged.push({ level, message, ...properties }),
    ...systems,
    providers,
    alarm: createAlarm({ clock: time.clock, holds: systems.holds, providers }),
    publicUrl: 'https://curfew.example',
  });
  const calls = new Map<string, number>();
  const registered = Object.fromEntries(
    (Object.keys(activityNames) as ActivityName[]).map((name) => [
      activityNames[name],
      async (input: unknown) => {
        const call = (calls.get(name) ?? 0) + 1;
        calls.set(name, call);
        const fault = faults[name]?.(call);
        if (fault === 'crash-before') throw new Error('crashed');
        const raise: Raise = async (id, command) => engine.raiseEvent(id, commandEvent, command);
        const result = await (activities[name] as (input: unknown, raise: Raise) => Promise<unknown>)(input, raise);
        if (fault === 'crash-after') throw new Error('crashed');
        return result;
      },
    ]),
  );
  const engine = createDurableEngine({
    statePath: ':memory:',
    clock: time.host,
    timers,
    version,
    onTurn,
    orchestrators: { [orchestratorName]: accessRequest },
    activities: registered,
  });
  let count = 0;
  /** Until nothing moves but the clock. What an activity awaits in memory takes a few turns of the loop. */
  const settle = async () => {
    for (let round = 0; round < 4; round++) {
      await engine.idle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    time,
    target,
    engine,
    calls,
    logged,
    activities,
    providers,
    ...systems,
    async submit(event: CurfewEvent = requested()): Promise<RequestId> {
      const id = requestIdOf(new Uint8Array(16).fill(++count));
      const first: RecordedEvent = link(id, undefined, event);
      await systems.events.append(first);
      await systems.requests.save(evolve(undefined, id, event));
      await engine.start(orchestratorName, id, { first });
      await settle();
      return id;
    },
    async command(id: RequestId, command: PersonCommand): Promise<void> {
      // As with the SDK's client: an event for an ended instance is dropped without a word.
      if (engine.status(id)?.runtimeStatus === 'Running') await engine.raiseEvent(id, commandEvent, command);
      await settle();
    },
    async approve(id: RequestId, by: Person = bob, more: Partial<AnswerCommand> = {}): Promise<void> {
      const { stage } = this.request(id);
      const commandId = `approve-${++count}` as CommandId;
      await this.command(id, { kind: 'approve', stage, through: 'link', commandId, by, comment: 'Fine', ...more });
    },
    request(id: RequestId): AccessRequest {
      const request = systems.requests.all.get(id);
      if (!request) throw new Error('no such request');
      return request;
    },
    types(id: RequestId): string[] {
      return (systems.events.chains.get(id) ?? []).map(({ event }) => event.type);
    },
    settle,
    advanceTo: (instant: Instant) => time.advanceTo(instant, settle),
  };
}
export type World = ReturnType<typeof createWorld>;
