import { armAtStart, armUpcoming } from '../../functions/deadlines.ts';
import { createDurableEngine, type StepTimes } from '../../local/functions-host/durable/index.ts';
import { seededRandom } from '../../local/functions-host/durable/timers.ts';
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
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import { actorIdOf, type PrincipalId, type RequestId } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { type Instant, instantOf, millisecondsOf } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { upcomingOf } from '../../shared/domain/upcoming.ts';
import type { Clock, MailMessage } from '../../shared/ports.ts';
import type { Member, Principal } from '../../shared/providers/provider.ts';
import type { SqlRoleEntitlement } from '../../shared/providers/sql-role/entitlement.ts';
import {
  MemoryDirectory,
  MemoryEvents,
  MemoryHeartbeats,
  MemoryHolds,
  MemoryLinks,
  MemoryRegistry,
  MemoryRequests,
  MemoryTarget,
} from '../support/memory.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

export const parts = ['events', 'holds', 'orders', 'stock', 'directory', 'mail'] as const;
export type Part = (typeof parts)[number];
/** What it does meanwhile: fails at once, fails after long, or does what it is asked and fails to say so. */
export type Outage = 'refuses' | 'hangs' | 'loses answers';

type Outages = Map<Part, { readonly outage: Outage; readonly until: number }>;

/** How long a call hangs at most, and how long one takes otherwise. Milliseconds. */
export const longestHang = 20_000;
const latencies = [0, 0, 0, 0, 0, 3, 15, 40];
/** How soon an activity whose process died is begun again elsewhere. Milliseconds. */
const redeliveries = [500, 3_000, 8_000];

export interface Change {
  readonly at: number;
  readonly what: 'joined' | 'left';
  readonly principalId: PrincipalId;
  readonly entitlement: string;
}

export const nameOf = ({ database, role }: SqlRoleEntitlement): string => `${database}/${role}`;

/** Databases that remember who was in which role from when until when. They outlive every process. */
class Databases {
  readonly members = new Set<string>();
  readonly sessions = new Set<string>();
  readonly log: Change[] = [];

  change(now: number, what: Change['what'], entitlement: SqlRoleEntitlement, { principalId }: Principal): boolean {
    const member = `${principalId} ${nameOf(entitlement)}`;
    if (this.members.has(member) === (what === 'joined')) return false;
    if (what === 'joined') this.members.add(member);
    else this.members.delete(member);
    if (what === 'joined') this.sessions.add(`${principalId} ${entitlement.database}`);
    this.log.push({ at: now, what, principalId, entitlement: nameOf(entitlement) });
    return true;
  }
}

/** The databases as one process reaches them. */
class ReachedTarget extends MemoryTarget {
  readonly #process: Process;
  readonly #databases: Databases;

  constructor(process: Process, databases: Databases) {
    super(process.clock);
    this.#process = process;
    this.#databases = databases;
  }

  #on<Answer>({ database }: SqlRoleEntitlement, work: (now: number) => Answer): Promise<Answer> {
    return this.#process.call(database as Part, () => work(this.#process.time.host.now()));
  }

  override isHeld(entitlement: SqlRoleEntitlement, { principalId }: Principal) {
    return this.#on(entitlement, () => this.#databases.members.has(`${principalId} ${nameOf(entitlement)}`));
  }

  override grant(entitlement: SqlRoleEntitlement, principal: Principal, notAfter?: Instant) {
    return this.#on(entitlement, (now) => {
      if (notAfter !== undefined && this.clock.now() >= notAfter) throw new CurfewError('CURFEW_DEADLINE_PASSED');
      const isGranted = this.#databases.change(now, 'joined', entitlement, principal);
      if (isGranted) this.#process.onGranted();
      return isGranted ? 'granted' : 'already-held';
    });
  }

  override async revoke(entitlement: SqlRoleEntitlement, principal: Principal, notBefore: Instant, notAfter?: Instant) {
    await this.clock.sleepUntil(notBefore);
    return this.#on(entitlement, (now) => {
      if (notAfter !== undefined && instantOf(now) >= notAfter) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
      const isDropped = this.#databases.change(now, 'left', entitlement, principal);
      return { outcome: isDropped ? ('revoked' as const) : ('absent' as const), droppedAt: instantOf(now) };
    });
  }

  override batchKey({ database }: SqlRoleEntitlement) {
    return database;
  }

  /** Each by itself: one that fails is not to stop the others. */
  override revokeTogether(members: readonly Member<SqlRoleEntitlement>[]) {
    return Promise.all(
      members.map(async ({ entitlement, principal }) => {
        try {
          const drop = await this.revoke(entitlement, principal, this.clock.now());
          return { ...drop, sessionsEnded: await this.endSessions(entitlement, principal) };
        } catch (error) {
          if (error instanceof CurfewError) return error;
          throw error;
        }
      }),
    );
  }

  override endSessions(entitlement: SqlRoleEntitlement, { principalId }: Principal) {
    return this.#on(entitlement, () =>
      Number(this.#databases.sessions.delete(`${principalId} ${entitlement.database}`)),
    );
  }
}

/** One process of the service: its clock, its scheduler, and all that dies with it. */
class Process {
  readonly died = Promise.withResolvers<'died'>();
  isDead = false;
  readonly time: VirtualClock;
  readonly clock: Clock;
  /** By how much its clock is ahead. Milliseconds. */
  skew: number;
  onGranted = (): void => {};
  readonly #outages: Outages;
  readonly #random: () => number;

  constructor(time: VirtualClock, skew: number, outages: Outages, random: () => number) {
    this.time = time;
    this.skew = skew;
    this.#outages = outages;
    this.#random = random;
    this.clock = {
      now: () => instantOf(time.host.now() + this.skew),
      sleepUntil: async (instant) => {
        // The clock may be set while it sleeps.
        while (this.clock.now() < instant) await this.sleep(millisecondsOf(instant) - this.skew);
        await this.#outlive(Promise.resolve());
      },
    };
  }

  die(): void {
    this.isDead = true;
    this.died.resolve('died');
  }

  /** A call on the way to another system arrives though its sender has died; no answer comes back. */
  async call<Answer>(part: Part, work: () => Answer | Promise<Answer>): Promise<Answer> {
    await this.#travel();
    const { outage, until } = this.#outages.get(part) ?? { outage: undefined, until: 0 };
    if (outage === 'hangs') await this.sleep(Math.min(until, this.time.host.now() + longestHang));
    const answer = outage === undefined || outage === 'loses answers' ? await work() : undefined;
    await this.#outlive(this.#travel());
    if (outage !== undefined) throw new CurfewError(unavailable[part]);
    return answer as Answer;
  }

  wire<System extends object>(part: Part, system: System): System {
    return new Proxy(system, {
      get: (of, name) => {
        const found: unknown = Reflect.get(of, name);
        return typeof found === 'function'
          ? (...words: unknown[]) => this.call(part, () => Reflect.apply(found, of, words) as unknown)
          : found;
      },
    });
  }

  sleep(until: number): Promise<void> {
    if (until <= this.time.host.now()) return Promise.resolve();
    return new Promise((resolve) => this.time.host.schedule(until, resolve));
  }

  async #travel(): Promise<void> {
    const latency = latencies[Math.floor(this.#random() * latencies.length)] ?? 0;
    if (latency > 0) await this.sleep(this.time.host.now() + latency);
  }

  /** What a dead process awaits never comes. */
  async #outlive(awaited: Promise<void>): Promise<void> {
    await awaited;
    if (this.isDead) await new Promise(() => {});
  }
}

const unavailable: { readonly [Each in Part]: ErrorCode } = {
  events: 'CURFEW_STORE_UNAVAILABLE',
  holds: 'CURFEW_STORE_UNAVAILABLE',
  orders: 'CURFEW_TARGET_UNAVAILABLE',
  stock: 'CURFEW_TARGET_UNAVAILABLE',
  directory: 'CURFEW_DIRECTORY_UNAVAILABLE',
  mail: 'CURFEW_MAIL_UNAVAILABLE',
};

/** Each activity waits for up to so long, each message for a moment, and a result now and then for longer. */
function slowSteps(longest: number): StepTimes {
  return {
    activityWait: (random) => longest * random(),
    turnWait: (random) => 8 * random(),
    eventWait: (random) => 50 * random(),
    resultWait: (random) => (random() < 0.2 ? (longest / 4) * random() : 5 * random()),
  };
}

/**
 * The service as two processes beside one durable engine, each with its own clock and its own scheduler; calls take time, and
 * activities run on either, sometimes on both. Processes die and come back, and outside systems fail, when told to.
 */
export function createHostileWorld({
  seed,
  timers,
  skews,
  isDoubled,
  hubWait,
  people,
  groups,
}: {
  readonly seed: number;
  readonly timers: 'exact' | 'azure-storage';
  /** Of the two processes' clocks. Milliseconds. */
  readonly skews: readonly number[];
  /** Whether some activities run twice at once, as a queue may have it. */
  readonly isDoubled: boolean;
  /** How long an activity waits in the task hub at most. Milliseconds. */
  readonly hubWait: number;
  readonly people: readonly Person[];
  readonly groups: ReadonlyMap<PrincipalId, PrincipalId[]>;
}) {
  const time = new VirtualClock();
  const random = seededRandom(seed);
  const databases = new Databases();
  const mails: (MailMessage & { readonly at: number })[] = [];
  const outages: Outages = new Map();
  const systems = {
    events: new MemoryEvents(),
    requests: new MemoryRequests(),
    links: new MemoryLinks(),
    holds: new MemoryHolds(),
    heartbeats: new MemoryHeartbeats(),
    registry: new MemoryRegistry(),
    directory: new MemoryDirectory([...people], new Map(groups)),
    notifier: {
      send: async (message: MailMessage) => {
        mails.push({ ...message, at: time.host.now() });
      },
    },
  };
  let onGranted: ((which: number) => void) | undefined;
  const begin = (skew: number, which: number) => {
    const process = new Process(time, skew, outages, random);
    process.onGranted = () => {
      const told = onGranted;
      onGranted = undefined;
      told?.(which);
    };
    const { clock } = process;
    const holds = process.wire('holds', systems.holds);
    const providers = { 'sql-role': new ReachedTarget(process, databases) };
    const entropy = { bytes: (count: number) => new Uint8Array(count).map(() => Math.floor(random() * 256)) };
    const send = async (id: RequestId, message: Message) => {
      if (process.isDead) await new Promise(() => {});
      if (engine.status(id)?.runtimeStatus === 'Running') await engine.raiseEvent(id, commandEvent, message);
    };
    const actor = actorIdOf(entropy.bytes(8));
    const attempts = new Attempts();
    const heartbeats = process.wire('holds', systems.heartbeats);
    const scheduler = createDeadlineScheduler({ clock, holds, heartbeats, providers, actor, report: send });
    const requests = process.wire('events', systems.requests);
    const feeding = { clock, log: () => {}, requests, scheduler };
    void armAtStart(feeding);
    const activities = createActivities({
      clock,
      entropy,
      log: () => {},
      events: process.wire('events', systems.events),
      requests,
      links: process.wire('events', systems.links),
      holds,
      directory: process.wire('directory', systems.directory),
      notifier: process.wire('mail', systems.notifier),
      providers,
      registry: systems.registry,
      scheduler,
      actor,
      attempts,
      alertAddress: 'engineers@contoso.example',
      publicUrl: 'https://curfew.example',
    });
    const act = (name: ActivityName, input: unknown): Promise<unknown> =>
      (activities[name] as (input: unknown, raise: Raise) => Promise<unknown>)(input, send);
    return { process, act, feeding };
  };
  const running = skews.map(begin);
  const pick = async () => {
    for (;;) {
      const alive = running.filter(({ process }) => !process.isDead);
      const found = alive[Math.floor(random() * alive.length)];
      if (found) return { found, other: alive.find((each) => each !== found) };
      await new Promise<void>((resolve) => time.host.schedule(time.host.now() + 250, resolve));
    }
  };
  const run = async (name: ActivityName, input: unknown): Promise<unknown> => {
    for (;;) {
      const { found, other } = await pick();
      if (isDoubled && random() < 0.1) void other?.act(name, structuredClone(input));
      const answer = await Promise.race([found.act(name, input), found.process.died.promise]);
      if (answer !== 'died') return answer;
      const pause = redeliveries[Math.floor(random() * redeliveries.length)] ?? 0;
      await new Promise<void>((resolve) => time.host.schedule(time.host.now() + pause, resolve));
    }
  };
  const engine = createDurableEngine({
    statePath: ':memory:',
    clock: time.host,
    timers,
    random,
    ...(hubWait > 0 && { steps: slowSteps(hubWait) }),
    orchestrators: { [orchestratorName]: accessRequest },
    activities: Object.fromEntries(
      (Object.keys(activityNames) as ActivityName[]).map((name) => [
        activityNames[name],
        (input: unknown) => run(name, input),
      ]),
    ),
  });
  const settle = () => engine.idle();
  /** The minute timer runs in one process. It finds nothing at most of the minutes of weeks, and is left out where it wouldn't. */
  const fed = new Set<number>();
  const feedAt = (minute: number): void => {
    if (minute <= time.host.now() || fed.has(minute)) return;
    fed.add(minute);
    time.host.schedule(minute, () => {
      const alive = running.find(({ process }) => !process.isDead);
      if (alive) void armUpcoming(alive.feeding).catch(() => undefined);
    });
  };
  const { save } = systems.requests;
  systems.requests.save = async (request) => {
    await save.call(systems.requests, request);
    const upcoming = upcomingOf(request);
    if (!upcoming) return;
    const { feedIntervalMs: interval, feedAheadMs, feedBehindMs } = timeline;
    const at = millisecondsOf(upcoming.at);
    // Where a process's clock is wrong it reads another stretch of time.
    const first = Math.floor((at - feedAheadMs) / interval) * interval - interval;
    for (let minute = first; minute <= at + feedBehindMs + interval; minute += interval) feedAt(minute);
  };
  return {
    time,
    engine,
    databases,
    mails,
    ...systems,
    settle,
    advanceBy: (milliseconds: number) => time.advanceTo(instantOf(time.host.now() + milliseconds), settle),
    isDown: (part: Part) => outages.has(part),
    breakDown(part: Part, outage: Outage, until: number): void {
      const entry = { outage, until };
      outages.set(part, entry);
      time.host.schedule(until, () => outages.get(part) === entry && outages.delete(part));
    },
    /** Calls back within the next grant, when the database has changed and the process has not heard of it yet. */
    atNextGrant(run: (which: number) => void): void {
      onGranted = run;
    },
    /** Kills a process; another takes its place later, with a clock of its own. */
    crash(which: number, downFor: number, skew: number): void {
      running[which]?.process.die();
      const dead = running[which];
      time.host.schedule(time.host.now() + downFor, () => {
        if (running[which] === dead) running[which] = begin(skew, which);
      });
    },
    setClock(which: number, skew: number): void {
      const process = running[which]?.process;
      if (process) process.skew = skew;
    },
  };
}
