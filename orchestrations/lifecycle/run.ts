import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { type Command, decide } from '../../shared/domain/decide.ts';
import type { Refusal } from '../../shared/domain/errors.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { isEnding, type State } from '../../shared/domain/states.ts';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import {
  type ActivityName,
  type ActivityTypes,
  activityNames,
  commandEvent,
  type Fired,
  type Message,
  type NotificationKind,
  type OrchestratorInput,
  type Outcome,
  type Recipient,
  type Snapshot,
} from '../contract.ts';
import { readMessage } from '../messages.ts';
import { Outbox } from '../outbox.ts';
import { type Call, Calls } from '../runtime/calls.ts';
import { Mailbox } from '../runtime/mailbox.ts';
import { continueAsNew, type Durable, inputOf, nowOf, type OrchestrationContext } from '../runtime/task.ts';
import { readersIn } from './recipients.ts';

/** For how long a wait goes on: while the request is in one of these states, or while this holds. */
interface While {
  readonly while: State | readonly State[] | (() => boolean);
  /** What is under way at this instant is left to itself. */
  readonly limit?: Instant | undefined;
}

/** One run of the lifecycle of a request: its state, what is still to be recorded and sent, and the means to wait and to act. */
export class Run {
  request: AccessRequest;
  readonly outbox: Outbox;
  /** Attempts at revoking, when the next is due, and why the last one failed. */
  attempts: number;
  retry: Snapshot['retry'];
  /** What was said to be dropped. */
  fired: Fired | undefined;
  /** A booked start is near enough to be waited for in a process. */
  isStartNear = false;
  /** It goes on in a new history; this one has to return. */
  isRenewed = false;
  readonly #context: OrchestrationContext;
  readonly #mailbox: Mailbox<Message>;
  readonly #calls: Calls;
  readonly #first: RecordedEvent;
  readonly #trace: OrchestratorInput['trace'];
  #last: RecordedEvent;
  /** An activity was called, and messages may have come since the last that was received. */
  #isBehind = false;

  constructor(context: OrchestrationContext) {
    const { first, resumed, trace } = inputOf<OrchestratorInput>(context);
    this.#context = context;
    this.#mailbox = new Mailbox(context, commandEvent, readMessage);
    this.#calls = new Calls(context);
    this.#first = first;
    this.#trace = trace;
    this.#last = resumed?.last ?? first;
    this.request = resumed?.request ?? evolve(undefined, first.requestId, first.event);
    this.outbox = new Outbox(resumed?.outbox ?? { events: [], groups: [] }, this.now());
    this.attempts = resumed?.attempts ?? 0;
    this.retry = resumed?.retry;
    this.fired = resumed?.fired;
  }

  now(): Instant {
    return nowOf(this.#context);
  }

  /** The newest event, recorded or not. */
  get last(): RecordedEvent {
    return this.#last;
  }

  is(...states: readonly State[]): boolean {
    return states.includes(this.request.state);
  }

  get deadline(): Instant {
    const { deadline } = this.request;
    if (deadline === undefined) throw new Error('there is no deadline yet');
    return deadline;
  }

  // What happens.

  /** Lets the domain decide. What happens is to be recorded; a refusal changes nothing. */
  apply(command: Command, now: Instant = this.now()): Refusal | undefined {
    const decision = decide(this.request, command, now);
    if ('refusal' in decision) return decision.refusal;
    this.happen(link(this.request.id, this.#last, decision.event));
    return undefined;
  }

  /** Applies a command that must be possible here: if the domain refuses it, the lifecycle itself is wrong. */
  must(command: Command, now?: Instant): void {
    this.happen(this.propose(command, now));
  }

  /** Returns what would happen, and the request as it would be, for an activity to record it before anything else. */
  propose(command: Command, now: Instant = this.now()): RecordedEvent {
    const decision = decide(this.request, command, now);
    if ('refusal' in decision) {
      throw new Error(`${command.kind} was refused in ${this.request.state}: ${decision.refusal.code}`);
    }
    return link(this.request.id, this.#last, decision.event);
  }

  /** Takes an event for what has happened next. It is to be recorded, unless an activity has recorded it. */
  happen(event: RecordedEvent, isRecorded = false): void {
    if (event.previousHash !== this.#last.hash) throw new Error(`${event.event.type} does not follow what happened`);
    this.#last = event;
    this.request = evolve(this.request, this.request.id, event.event);
    if (!isRecorded) this.outbox.record(event, this.now());
  }

  /** Sends a notification about the request as it is now. */
  notify(kind: NotificationKind, recipients: readonly Recipient[]): void {
    for (const to of readersIn(recipients)) this.outbox.notify({ kind, to, request: this.request }, this.now());
  }

  // Waiting and acting.

  /** Waits until the instant, or for as long as `while` says; records, notifies and obeys commands meanwhile. */
  *until(instant: Instant, { while: goesOn, limit }: While): Durable<void> {
    const holds = typeof goesOn === 'function' ? goesOn : () => this.is(...[goesOn].flat());
    while (holds() && this.now() < instant) {
      yield* this.flush(limit);
      if (!holds()) return;
      const next = earliest(instant, this.outbox.due);
      const isWait = this.now() < next;
      const message = yield* this.#mailbox.next(next);
      if (message) yield* this.#receive(message, limit);
      else if (isWait) this.#isBehind = false;
    }
  }

  /** Receives what came while an activity was under way: where the instant of a wait had come by then, nobody looked. */
  *catchUp(): Durable<void> {
    while (this.#isBehind) {
      const message = yield* this.#mailbox.next(plus(this.now(), 1));
      if (message) yield* this.#receive(message, this.now());
      else this.#isBehind = false;
    }
  }

  /** Waits, and leaves messages for later. */
  *pause(milliseconds: number): Durable<void> {
    yield* this.#mailbox.pause(plus(this.now(), milliseconds));
  }

  /** Records, notifies and cleans up what is due, once each. */
  *flush(limit?: Instant): Durable<void> {
    const delivery = this.outbox.take(this.request, this.now());
    if (!delivery) return;
    const outcome = yield* this.call('deliver', delivery.input, this.nearby(limit));
    this.outbox.settle(delivery, outcome.ok ? outcome.result : outcome, this.request, this.now());
  }

  /** Calls an activity. With a limit it counts as failed once that has come. */
  *call<Name extends ActivityName>(
    name: Name,
    input: ActivityTypes[Name]['input'],
    limit?: Instant,
  ): Durable<Outcome<ActivityTypes[Name]['result']>> {
    const limited = limit !== undefined && { giveUp: limit };
    const asked = { ...limited, ...input, trace: this.#trace, askedAt: this.now() };
    const call = yield* this.#calls.call(activityNames[name], asked, limit);
    this.#isBehind = true;
    return this.#outcomeOf(call);
  }

  /** The answer of an earlier call that had been left to itself, if it has come since. */
  lateAnswer<Name extends ActivityName>(name: Name): Outcome<ActivityTypes[Name]['result']> | undefined {
    const call = this.#calls.lateAnswer(activityNames[name]);
    return call === 'late' ? undefined : this.#outcomeOf(call);
  }

  // A new history.

  get isLong(): boolean {
    return this.#calls.isLong;
  }

  /** Goes on in a new history. What came while nobody waited would be dropped with the old one, so it is received first. */
  *renew(): Durable<void> {
    const next = () => this.#mailbox.next(plus(this.now(), 1));
    for (let message = yield* next(); message; message = yield* next()) yield* this.#receive(message);
    this.isRenewed = true;
    const resumed: Snapshot = {
      request: this.request,
      last: this.#last,
      outbox: this.outbox.snapshot,
      attempts: this.attempts,
      retry: this.retry,
      fired: this.fired,
    };
    const input: OrchestratorInput = { first: this.#first, resumed, trace: this.#trace };
    continueAsNew(this.#context, input);
  }

  *#receive(message: Message, limit?: Instant): Durable<void> {
    switch (message.kind) {
      case 'extend':
        return yield* this.#extend(message.extension, limit);
      case 'revocation-fired':
        if (this.#isDue()) this.#noteFired(message);
        return;
      case 'start-near':
        this.isStartNear ||= this.#startsSoon();
        return;
      default:
        this.apply(message);
    }
  }

  /** Any event may say that it is a report: before its time nobody has one to make. */
  #isDue(): boolean {
    const { deadline } = this.request;
    const isNear = deadline !== undefined && this.now() >= plus(deadline, -timeline.claimWindowMs);
    return isNear || isEnding(this.request);
  }

  #startsSoon(): boolean {
    const { startsAt } = this.request.terms;
    return startsAt !== undefined && this.now() >= plus(startsAt, -2 * timeline.startLeadMs);
  }

  /** Of two reports the one that knows when something was dropped is the better. */
  #noteFired({ actor, evidence }: Fired): void {
    if (!this.fired || evidence.some(({ droppedAt }) => droppedAt !== undefined)) this.fired = { actor, evidence };
  }

  /** Any event may say that it is an approved extension: the activity looks it up. */
  *#extend(extension: RequestId, limit: Instant | undefined): Durable<void> {
    if (!this.is('granted')) return;
    const found = yield* this.call('extendHolds', { request: this.request, extension }, this.nearby(limit));
    if (found.ok)
      this.apply(
        { kind: 'move-deadline', extension, duration: found.result },
        latest(this.request.changedAt, found.at),
      );
  }

  /** A limit that is far away is none: the host gives up on an activity before. */
  nearby(limit: Instant | undefined): Instant | undefined {
    return limit !== undefined && limit <= plus(this.now(), timeline.raceWithinMs) ? limit : undefined;
  }

  #outcomeOf<Result>(call: Call): Outcome<Result> {
    if (call === 'late') return { ok: false, code: 'CURFEW_HUB_BUSY', at: this.now() };
    if (call === 'died') return { ok: false, code: 'CURFEW_INTERNAL', at: this.now() };
    return call.answer as Outcome<Result>;
  }
}
