import type { OrchestrationContext, Task } from 'durable-functions';
import type { AccessRequest } from '../shared/domain/access-request.ts';
import { type Command, decide } from '../shared/domain/decide.ts';
import type { Refusal } from '../shared/domain/errors.ts';
import type { DropEvidence, RecordedEvent } from '../shared/domain/events.ts';
import { evolve } from '../shared/domain/evolve.ts';
import { digestOf, link } from '../shared/domain/hash-chain.ts';
import type { RequestId } from '../shared/domain/ids.ts';
import type { Audience } from '../shared/domain/policy.ts';
import { earliest, type Instant, instantOf, latest, millisecondsOf, plus } from '../shared/domain/time.ts';
import {
  type ActivityName,
  type ActivityTypes,
  activityNames,
  alarmKinds,
  type Notice,
  type NoticeKind,
  type NotifyInput,
  type OrchestratorInput,
  type Outcome,
  pastKinds,
  type Recipient,
  type Snapshot,
} from './names.ts';

/** Milliseconds before attempt `attempt` + 1: 1 s, 2 s, 4 s … and a minute at most, or what is given. */
export function backOff(attempt: number, longest = 60_000): number {
  return Math.min(longest, 1000 * 2 ** (attempt - 1));
}

/** Milliseconds until the next try: the back-off, or as long as a server that is busy asks for, within reason. */
export function pauseAfter({ retryAfter = 0 }: { retryAfter?: number | undefined }, attempt: number, longest?: number) {
  return Math.max(backOff(attempt, longest), Math.min(retryAfter * 1000, patientPause));
}

/** The longest pause where nothing stands that should not: each try makes the history longer. Milliseconds. */
export const patientPause = 300_000;

/** Notices are tried less and less often: what is of no use any more for two minutes, what still is for about five hours. */
const staleAttempts = 8;
const noticeAttempts = 16;
const noticePause = 3_600_000;

/** After so many activities a story that has no end in sight goes on in a new history: every turn runs through all of it. */
const longestHistory = 64;

/** 0.5 to 1, and the same whenever the story is told again: many that failed together don't all come back together. */
export function jitter(id: RequestId, attempt: number): number {
  return 0.5 + Number.parseInt(digestOf([id, attempt]).slice(0, 8), 16) / 2 ** 33;
}

/** An application reads no mail. */
export function readersIn(recipients: readonly Recipient[]): Recipient[] {
  return recipients.filter((to) => !('mail' in to) || to.mail !== '');
}

/** Everybody in it, to be looked up when they are told: whoever is named hears of it even while the directory is down. */
export function recipientsIn({ people, groups }: Audience): Recipient[] {
  return [...people.map((user) => ({ user })), ...groups.map((group) => ({ group }))];
}

/**
 * The request as the orchestrator knows it, with what it still has to write and to tell. Writing and telling may fail and
 * are tried again beside the story; they never hold up a revocation.
 */
export class Story {
  readonly #context: OrchestrationContext;
  request: AccessRequest;
  /** Tries at taking the access away. */
  attempts: number;
  /** When it is tried again, and why the last try failed. */
  retry: Snapshot['retry'];
  /** What the alarm says that it did. */
  rung: readonly DropEvidence[] | undefined;
  isRenewed = false;
  readonly #first: RecordedEvent;
  readonly #trace: OrchestratorInput['trace'];
  #last: RecordedEvent;
  #unwritten: RecordedEvent[];
  #writeAttempts = 0;
  #writeDue: Instant;
  #notices: Notice[];
  #releaseAttempts = 0;
  #releaseDue: Instant | undefined;
  #calls = 0;

  constructor(context: OrchestrationContext) {
    const { first, resumed, trace } = context.df.getInput() as OrchestratorInput;
    this.#context = context;
    this.#first = first;
    this.#trace = trace;
    this.#last = resumed?.last ?? first;
    this.#writeDue = this.now();
    this.request = resumed?.request ?? evolve(undefined, first.requestId, first.event);
    this.#unwritten = [...(resumed?.unwritten ?? [])];
    this.#notices = [...(resumed?.notices ?? [])];
    this.#releaseDue = resumed?.releaseDue;
    this.attempts = resumed?.attempts ?? 0;
    this.retry = resumed?.retry;
    this.rung = resumed?.rung;
  }

  /** Goes on in a new history, where the one so far has become long. The orchestrator has to return then. */
  renew(): void {
    this.isRenewed = true;
    const resumed: Snapshot = {
      request: this.request,
      last: this.#last,
      unwritten: this.#unwritten,
      notices: this.#notices,
      releaseDue: this.#releaseDue,
      attempts: this.attempts,
      retry: this.retry,
      rung: this.rung,
    };
    this.#context.df.continueAsNew({ first: this.#first, resumed, trace: this.#trace } satisfies OrchestratorInput);
  }

  get isLong(): boolean {
    return this.#calls >= longestHistory;
  }

  now(): Instant {
    return instantOf(this.#context.df.currentUtcDateTime.getTime());
  }

  /** Lets the domain decide. What happens is to be written; a refusal changes nothing. */
  apply(command: Command, now: Instant = this.now()): Refusal | undefined {
    const decision = decide(this.request, command, now);
    if ('refusal' in decision) return decision.refusal;
    this.#last = link(this.request.id, this.#last, decision.event);
    this.request = evolve(this.request, this.request.id, decision.event);
    this.#unwritten.push(this.#last);
    this.#writeDue = this.now();
    return undefined;
  }

  /** A command that must be possible here: if the domain refuses it, the story itself is wrong. */
  must(command: Command, now?: Instant): void {
    const refusal = this.apply(command, now);
    if (refusal) throw new Error(`${command.kind} was refused in ${this.request.state}: ${refusal.code}`);
  }

  /** Of a kind that somebody has not been told yet, the newest says it all. */
  tell(kind: NoticeKind, recipients: readonly Recipient[]): void {
    const { request } = this;
    for (const to of readersIn(recipients)) {
      const reader = JSON.stringify(to);
      this.#notices = this.#notices.filter(({ input }) => input.kind !== kind || JSON.stringify(input.to) !== reader);
      this.#notices.push({ input: { kind, to, request }, attempts: 0, due: this.now() });
    }
  }

  /** What the request held and made is to be cleared up, not before this instant. */
  release(notBefore: Instant): void {
    this.#releaseDue = latest(notBefore, this.now());
  }

  get isWritten(): boolean {
    return this.#unwritten.length === 0;
  }

  get writeDue(): Instant {
    return this.#writeDue;
  }

  /** When there is next something to write or to tell. */
  get choresDue(): Instant | undefined {
    const dues = [...this.#notices.map(({ due }) => due), this.isWritten ? this.#releaseDue : this.#writeDue];
    const [first, ...others] = dues.filter((due) => due !== undefined);
    return first && earliest(first, ...others);
  }

  /** Clears up, writes and tells what is due, once each; gives up waiting at `until`. */
  *chores(until?: Instant): Generator<Task, void, unknown> {
    yield* this.write(until);
    if (this.isWritten) yield* this.#clearUp();
    for (const notice of this.#notices.filter(({ due }) => due <= this.now())) {
      const outcome = yield* this.call('notify', notice.input, until);
      this.#notices = this.#notices.filter((other) => other !== notice);
      const attempts = notice.attempts + 1;
      if (!outcome.ok && attempts < this.#attemptsFor(notice.input)) {
        const due = plus(this.now(), pauseAfter(outcome, attempts, noticePause));
        this.#notices.push({ ...notice, attempts, due });
      }
    }
  }

  /** An alarm is tried for as long as it takes, and who is to answer is asked for as long as that is waited for. */
  #attemptsFor({ kind, request: told }: NotifyInput): number {
    const { state, stage } = this.request;
    if (alarmKinds.includes(kind)) return Number.POSITIVE_INFINITY;
    if (pastKinds.includes(kind)) return noticeAttempts;
    if (told.state !== state || told.stage !== stage) return staleAttempts;
    return state === 'waiting-for-approval' ? Number.POSITIVE_INFINITY : noticeAttempts;
  }

  *#clearUp(): Generator<Task, void, unknown> {
    if (this.#releaseDue === undefined || this.#releaseDue > this.now()) return;
    const outcome = yield* this.call('release', { request: this.request });
    this.#releaseAttempts++;
    // Where Curfew lacks the right, trying again changes nothing. The membership is gone; a bare user may be left.
    const isOver = outcome.ok || outcome.code === 'CURFEW_TARGET_REFUSED';
    this.#releaseDue = isOver ? undefined : plus(this.now(), pauseAfter(outcome, this.#releaseAttempts));
  }

  *write(until?: Instant): Generator<Task, void, unknown> {
    if (this.isWritten || this.#writeDue > this.now()) return;
    const events = this.#unwritten;
    const outcome = yield* this.call('record', { events, request: this.request }, until);
    this.#writeAttempts = outcome.ok ? 0 : this.#writeAttempts + 1;
    if (outcome.ok) this.#unwritten = this.#unwritten.slice(events.length);
    else this.#writeDue = plus(this.now(), pauseAfter(outcome, this.#writeAttempts));
  }

  /** Calls an activity. Where `until` comes first, it is left to itself and counts as failed. */
  *call<Name extends ActivityName>(
    name: Name,
    input: ActivityTypes[Name]['input'],
    until?: Instant,
  ): Generator<Task, Outcome<ActivityTypes[Name]['result']>, unknown> {
    const { df } = this.#context;
    const failed = { ok: false, code: 'CURFEW_INTERNAL' } as const;
    if (until !== undefined && until <= this.now()) return { ...failed, at: this.now() };
    this.#calls++;
    const task = df.callActivity(activityNames[name], { ...input, trace: this.#trace });
    const tasks: Task[] = [task];
    const timer = until === undefined ? undefined : df.createTimer(new Date(millisecondsOf(until)));
    if (timer) tasks.push(timer);
    yield df.Task.any(tasks);
    if (timer && !timer.isCompleted) timer.cancel();
    if (!task.isCompleted || task.isFaulted) return { ...failed, at: this.now() };
    return task.result as Outcome<ActivityTypes[Name]['result']>;
  }
}
