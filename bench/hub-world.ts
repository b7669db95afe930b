import { randomBytes } from 'node:crypto';
import { armUpcoming } from '../functions/deadlines.ts';
import { createDurableEngine } from '../local/functions-host/durable/index.ts';
import type { StepPreset } from '../local/functions-host/index.ts';
import { Attempts } from '../orchestrations/activities/attempts.ts';
import { createActivities } from '../orchestrations/activities/index.ts';
import {
  type ActivityName,
  activityNames,
  commandEvent,
  type Message,
  type OrchestratorInput,
  orchestratorName,
} from '../orchestrations/contract.ts';
import { createDeadlineScheduler } from '../orchestrations/deadline/scheduler.ts';
import { accessRequest } from '../orchestrations/lifecycle/access-request.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { evolve } from '../shared/domain/evolve.ts';
import { link } from '../shared/domain/hash-chain.ts';
import { actorIdOf, type CommandId, type PrincipalId, type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import type { Person } from '../shared/domain/policy.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import { timeline } from '../shared/domain/timeline.ts';
import type { MailMessage } from '../shared/ports.ts';
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
} from '../test/support/memory.ts';
import { analysts, bob, carla, owners, requested } from '../test/support/samples.ts';
import type { HubTime } from './hub-time.ts';
import { analystOf, buildGranted } from './seed.ts';

/** The approver decides so long after the mail, when the orchestration waits for it. Milliseconds. */
const decisionMs = 100;

/** The instants of one lifecycle, in epoch milliseconds. */
export interface Course {
  readonly submitted: number;
  granted?: number;
  dropped?: number;
  revocationRecorded?: number;
}

export type HubWorld = ReturnType<typeof openHubWorld>;

/** The orchestrator, its activities and the deadline scheduler on the stand-in's durable engine; all other systems are in memory and answer at once. */
export function openHubWorld(time: HubTime, steps: StepPreset, people: number) {
  const pattern = requestedBy(analystOf(0));
  const { clock, host } = time;
  const requesters = Array.from({ length: people }, (_, number) => analystOf(number));
  const courses = new Map<RequestId, Course>();
  const byRequester = new Map<string, Course>();
  const target = new MemoryTarget(clock);
  const events = new (class extends MemoryEvents {
    override async append(event: RecordedEvent): Promise<void> {
      await super.append(event);
      note(event);
    }
  })();
  const systems = {
    events,
    requests: new MemoryRequests(),
    links: new MemoryLinks(),
    holds: new MemoryHolds(),
    notifier: new (class extends MemoryMail {
      override async send(message: MailMessage): Promise<void> {
        await super.send(message);
        decide(message);
      }
    })(),
    registry: new MemoryRegistry(),
    directory: new MemoryDirectory(
      [...requesters, bob, carla],
      new Map([
        [analysts, requesters.map(({ principalId }) => principalId)],
        [owners, [bob.principalId, carla.principalId]],
      ]),
    ),
  };
  const providers = { 'sql-role': target };
  const actor = actorIdOf(randomBytes(8));
  const send = (id: RequestId, message: Message) => engine.raiseEvent(id, commandEvent, message);
  const scheduler = createDeadlineScheduler({
    clock,
    holds: systems.holds,
    heartbeats: new MemoryHeartbeats(),
    providers,
    actor,
    report: send,
  });
  const feeding = { clock, log: () => {}, requests: systems.requests, scheduler };
  const activities = createActivities({
    ...feeding,
    ...systems,
    providers,
    actor,
    attempts: new Attempts(),
    entropy: { bytes: (count) => randomBytes(count) },
    publicUrl: 'https://curfew.example',
  });
  const registered = (Object.keys(activityNames) as ActivityName[]).map((name) => {
    const activity = activities[name] as (input: unknown, raise: typeof send) => Promise<unknown>;
    return [activityNames[name], (input: unknown) => activity(input, send)] as const;
  });
  const engine = createDurableEngine({
    statePath: ':memory:',
    clock: host,
    steps,
    orchestrators: { [orchestratorName]: accessRequest },
    activities: Object.fromEntries(registered),
  });

  function note({ requestId, event }: RecordedEvent): void {
    const course = courses.get(requestId);
    if (!course) return;
    if (event.type === 'access-revoked') course.revocationRecorded ??= host.now();
  }

  /** Bob approves what he is asked to decide on. */
  function decide({ to, text }: MailMessage): void {
    const [id] = (/\breq-[0-9a-z]{26}\b/.exec(text) ?? []) as RequestId[];
    if (to !== bob.mail || id === undefined || !text.includes('/approvals/')) return;
    const commandId = `approve-${id}` as CommandId;
    const command = { kind: 'approve', stage: 0, through: 'link', commandId, by: bob, comment: 'Fine' } as const;
    host.schedule(host.now() + decisionMs, () => void send(id, command));
  }

  /** Reads the instants from what the target noted. */
  function readTarget(): void {
    for (const { at, what, who } of target.log.splice(0)) {
      const course = byRequester.get(who);
      if (what === 'granted' && course) course.granted = millisecondsOf(at);
      if (what === 'dropped' && course) course.dropped = millisecondsOf(at);
    }
  }

  function begin(id: RequestId, requester: PrincipalId): void {
    const course = { submitted: host.now() };
    courses.set(id, course);
    byRequester.set(requester, course);
  }

  async function submit(requester: Person, duration: number): Promise<RequestId> {
    const id = requestIdOf(randomBytes(16));
    const event = { ...pattern, at: clock.now(), requester, terms: { ...pattern.terms, duration } };
    const first = link(id, undefined, event);
    await systems.events.append(first);
    await systems.requests.save(evolve(undefined, id, event));
    begin(id, requester.principalId);
    await engine.start(orchestratorName, id, { first });
    return id;
  }

  const minute = () => {
    void armUpcoming(feeding).catch(() => undefined);
    const next = (Math.floor(host.now() / timeline.feedIntervalMs) + 1) * timeline.feedIntervalMs;
    cancelMinute = host.schedule(next, minute);
  };
  let cancelMinute = host.schedule(host.now(), minute);

  return {
    engine,
    courses,
    /** Submits so many requests at once, and has each approved. */
    submitAll: (durationMs: number) => Promise.all(requesters.map((requester) => submit(requester, durationMs))),
    /** Starts as many lifecycles where access is granted until one instant, and arms them. */
    async startGranted(deadline: number): Promise<void> {
      const inputs: OrchestratorInput[] = [];
      for (const [number, { principalId }] of requesters.entries()) {
        const seed = { number, database: 'orders', deadline, isScheduled: true };
        const input = await buildGranted(systems, pattern, seed, instantOf(host.now()));
        target.members.add(principalId);
        begin(input.first.requestId, principalId);
        inputs.push(input);
      }
      await Promise.all(inputs.map((input) => engine.start(orchestratorName, input.first.requestId, input)));
      void armUpcoming(feeding);
    },
    /** Lets time pass until all revocations are recorded and all orchestrations have ended. */
    async finish(limitMs: number): Promise<void> {
      const isOver = (id: RequestId) => engine.status(id)?.runtimeStatus === 'Completed';
      const open = new Set(courses.keys());
      const isDone = () => {
        for (const id of open) {
          if (!isOver(id)) return false;
          open.delete(id);
        }
        return true;
      };
      await time.pass(isDone, limitMs, async () => {
        for (let round = 0; round < 2; round++) {
          await engine.idle();
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      readTarget();
    },
    close(): void {
      cancelMinute();
      engine.close();
    },
  };
}

/** The first event of an access request; the pattern for those that are submitted and those that are granted already. */
function requestedBy(requester: Person) {
  const event = requested({}, requester);
  if (event.type !== 'access-requested') throw new Error('There is no first event.');
  return event;
}
