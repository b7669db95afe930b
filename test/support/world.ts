import { DatabaseSync } from 'node:sqlite';
import { armAtStart, armUpcoming } from '../../functions/deadlines.ts';
import { createDurableEngine, type DurableEngineOptions } from '../../local/functions-host/durable/index.ts';
import type { Raise } from '../../orchestrations/activities/activity.ts';
import { Attempts } from '../../orchestrations/activities/attempts.ts';
import { createActivities } from '../../orchestrations/activities/index.ts';
import {
  type ActivityName,
  activityNames,
  commandEvent,
  type Message,
  orchestratorName,
} from '../../orchestrations/contract.ts';
import { createDeadlineScheduler } from '../../orchestrations/deadline/scheduler.ts';
import { accessRequest } from '../../orchestrations/lifecycle/access-request.ts';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { AnswerCommand, PersonCommand } from '../../shared/domain/decide.ts';
import type { CurfewEvent, RecordedEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { actorIdOf, type CommandId, type RequestId, requestIdOf } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { type Instant, millisecondsOf } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { upcomingOf } from '../../shared/domain/upcoming.ts';
import type { Clock, Log } from '../../shared/ports.ts';
import { type Around, watched } from './calls.ts';
import {
  MemoryDirectory,
  MemoryEvents,
  MemoryHeartbeats,
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

/** As host.json has it. Milliseconds. */
const functionTimeout = 300_000;
const visibilityTimeout = 60_000;
const never = new Promise<never>(() => {});
let worlds = 0;

/** Bytes for each number below 65,536, all alike below 256. */
function bytesOf(number: number, length = 16): Uint8Array {
  const bytes = new Uint8Array(length).fill(number);
  bytes[0] = (number & 255) ^ (number >> 8);
  return bytes;
}

/**
 * The orchestrator and its activities on the real durable SDK, with a virtual clock and outside systems in memory. `around`
 * stands between the parts: every activity (`activities.grant`), every call to an outside system (`target.revoke`) and
 * every event raised (`orchestrations.raise`) goes through it.
 */
export function createWorld({
  timers = 'exact',
  faults = {},
  around = (_, run) => run(),
  version,
  onTurn,
  steps,
  random: hubRandom,
  redeliverAfter = visibilityTimeout,
}: {
  timers?: 'exact' | 'azure-storage';
  faults?: Faults;
  around?: Around;
} & Pick<DurableEngineOptions, 'version' | 'onTurn' | 'steps' | 'random' | 'redeliverAfter'> = {}) {
  const time = new VirtualClock();
  const target = new MemoryTarget(time.clock);
  const systems = {
    events: new MemoryEvents(),
    requests: new MemoryRequests(),
    links: new MemoryLinks(),
    holds: new MemoryHolds(),
    heartbeats: new MemoryHeartbeats(),
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
  const entropy = { bytes: (count: number) => bytesOf(++random, count) };
  const calls = new Map<string, number>();
  const logged: ({ level: string; message: string } & Record<string, string | number>)[] = [];
  // What is on disk outlives the process: a database in memory lasts as long as somebody has it open.
  const statePath = `file:world-${++worlds}?mode=memory&cache=shared`;
  const disk = new DatabaseSync(statePath);
  let life = 0;
  let onSaved = (_: Instant): void => {};
  const { save } = systems.requests;
  systems.requests.save = async (request) => {
    await save.call(systems.requests, request);
    const upcoming = upcomingOf(request);
    if (upcoming) onSaved(upcoming.at);
  };

  /** A process of the service. Of one that has died nothing more is heard, whatever it was doing. */
  function live() {
    const mine = ++life;
    const alive = <Result>(work: () => Promise<Result>): Promise<Result> =>
      mine === life ? work().finally(() => (mine === life ? undefined : never)) : never;
    const through: Around = (name, run) => alive(() => around(name, run));
    const clock: Clock = {
      now: () => time.clock.now(),
      sleepUntil: (instant) => alive(() => time.clock.sleepUntil(instant)),
    };
    const providers = { 'sql-role': watched('target', target, through) };
    const ports = {
      events: watched('events', systems.events, through),
      requests: watched('requests', systems.requests, through),
      links: watched('links', systems.links, through),
      holds: watched('holds', systems.holds, through),
      notifier: watched('notifier', systems.notifier, through),
      directory: watched('directory', systems.directory, through),
      registry: watched('registry', systems.registry, through),
    };
    const log: Log = (level, message, properties) => void logged.push({ level, message, ...properties });
    const send = (id: RequestId, message: Message) =>
      through('orchestrations.raise', () => engine.raiseEvent(id, commandEvent, message)) as Promise<void>;
    const raise: Raise = send;
    const actor = actorIdOf(entropy.bytes(8));
    const attempts = new Attempts();
    const { holds, requests } = ports;
    const scheduler = createDeadlineScheduler({
      clock,
      holds,
      heartbeats: systems.heartbeats,
      providers,
      actor,
      report: send,
    });
    const activities = createActivities({
      clock,
      entropy,
      log,
      ...ports,
      providers,
      scheduler,
      actor,
      attempts,
      publicUrl: 'https://curfew.example',
    });
    // The minute timer finds nothing at most of the minutes that a test lets pass: it is left out where it wouldn't.
    const feeding = { clock, log, requests, scheduler };
    const feedAt = (instant: number): void => {
      time.host.schedule(instant, () => {
        if (mine === life) void armUpcoming(feeding).catch(() => undefined);
      });
    };
    onSaved = (at) => {
      const minute = timeline.feedIntervalMs;
      const first = Math.max(millisecondsOf(at) - timeline.feedAheadMs, time.host.now() + 1);
      feedAt(Math.ceil(first / minute) * minute);
      feedAt(Math.ceil(first / minute) * minute + minute);
    };
    const registered = Object.fromEntries(
      (Object.keys(activityNames) as ActivityName[]).map((name) => [
        activityNames[name],
        async (input: unknown) => {
          const call = (calls.get(name) ?? 0) + 1;
          calls.set(name, call);
          const fault = faults[name]?.(call);
          if (fault === 'crash-before') throw new Error('crashed');
          const activity = activities[name] as (input: unknown, raise: Raise) => Promise<unknown>;
          const result = await through(`activities.${name}`, () => activity(input, raise));
          if (fault === 'crash-after') throw new Error('crashed');
          return result;
        },
      ]),
    );
    const engine = createDurableEngine({
      statePath,
      clock: time.host,
      timers,
      version,
      onTurn,
      steps,
      ...(hubRandom && { random: hubRandom }),
      redeliverAfter,
      functionTimeout,
      orchestrators: { [orchestratorName]: accessRequest },
      activities: registered,
    });
    void armAtStart(feeding);
    return { engine, activities, providers, actor, attempts };
  }
  let { engine, activities, providers, actor, attempts } = live();
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
    get engine() {
      return engine;
    },
    calls,
    entropy,
    logged,
    get activities() {
      return activities;
    },
    get actor() {
      return actor;
    },
    get attempts() {
      return attempts;
    },
    get providers() {
      return providers;
    },
    ...systems,
    /** The process dies, with all that it has in memory, and another takes its place. */
    die(): void {
      engine.close();
      ({ engine, activities, providers, actor, attempts } = live());
    },
    close(): void {
      engine.close();
      disk.close();
    },
    async submit(event: CurfewEvent = requested()): Promise<RequestId> {
      const id = requestIdOf(bytesOf(++count));
      const first: RecordedEvent = link(id, undefined, event);
      await systems.events.append(first);
      await systems.requests.save(evolve(undefined, id, event));
      await engine.start(orchestratorName, id, { first });
      await settle();
      return id;
    },
    async command(id: RequestId, command: PersonCommand): Promise<void> {
      // As with the SDK's client: an event for an ended instance is dropped without a word.
      if (engine.status(id)?.runtimeStatus === 'Running') {
        await around('people.command', () => engine.raiseEvent(id, commandEvent, command));
      }
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
