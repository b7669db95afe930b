import type { AccessRequest } from '../shared/domain/access-request.ts';
import type { RecordedEvent } from '../shared/domain/events.ts';
import { earliest, type Instant, plus } from '../shared/domain/time.ts';
import { timeline } from '../shared/domain/timeline.ts';
import {
  alarmKinds,
  type CleanUp,
  type Delivered,
  type DeliverInput,
  type Failure,
  type Notification,
  type NotificationGroup,
  type OutboxSnapshot,
  pastKinds,
} from './contract.ts';
import { pauseAfter } from './retry.ts';

/** One thing that is still to be done, with the attempts so far and when the next is due. */
interface Entry<Work> {
  readonly work: Work;
  attempts: number;
  due: Instant;
}

type Notice = Notification & Pick<NotificationGroup, 'request'>;

/** What one call of the activity is to do. */
export interface Delivery {
  readonly input: DeliverInput;
  readonly notices: readonly Entry<Notice>[];
  readonly cleanUp: Entry<CleanUp> | undefined;
}

/** A notification that has become pointless is tried for two minutes, any other for about five hours. */
const staleAttempts = 8;
const noticeAttempts = 16;

/**
 * What a lifecycle still has to record, to notify and to clean up. Each part may fail and is tried again by one rule; none holds
 * up a revocation. Events are recorded in their order, and nothing is cleaned up before the end is recorded: a late copy of the
 * grant sees it there.
 */
export class Outbox {
  #events: RecordedEvent[];
  #recording: Omit<Entry<never>, 'work'>;
  #notices: Entry<Notice>[];
  #cleanUp: Entry<CleanUp> | undefined;

  constructor(snapshot: OutboxSnapshot, now: Instant) {
    this.#events = [...snapshot.events];
    this.#recording = { attempts: 0, due: now };
    this.#notices = snapshot.groups.flatMap(({ request, notifications }) =>
      notifications.map((notification) => entry({ ...notification, request }, now)),
    );
    this.#cleanUp = snapshot.cleanUp && entry(snapshot.cleanUp, now);
  }

  get snapshot(): OutboxSnapshot {
    return { events: this.#events, groups: grouped(this.#notices), cleanUp: this.#cleanUp?.work };
  }

  /** What is not known to be recorded, in its order. */
  get events(): readonly RecordedEvent[] {
    return this.#events;
  }

  record(event: RecordedEvent, now: Instant): void {
    this.#events.push(event);
    this.#recording.due = now;
  }

  /** Of a kind that a reader has not been sent yet, the newest says it all. */
  notify(notice: Notice, now: Instant): void {
    const reader = JSON.stringify(notice.to);
    this.#notices = this.#notices.filter(({ work }) => work.kind !== notice.kind || JSON.stringify(work.to) !== reader);
    this.#notices.push(entry(notice, now));
  }

  cleanUp(work: CleanUp, now: Instant): void {
    this.#cleanUp = entry(work, now);
  }

  /** The first so many events are recorded. */
  recorded(count: number): void {
    this.#events = this.#events.slice(count);
    this.#recording.attempts = 0;
  }

  recordFailed(failure: Failure, now: Instant): void {
    this.#recording.attempts++;
    this.#recording.due = plus(now, pauseAfter(failure, this.#recording.attempts));
  }

  /** When events are next to be recorded; undefined where all are. */
  get recordDue(): Instant | undefined {
    return this.#events.length > 0 ? this.#recording.due : undefined;
  }

  /** When there is next something to do. */
  get due(): Instant | undefined {
    const dues = [
      ...this.#notices.map(({ due }) => due),
      ...(this.#events.length > 0 ? [this.#recording.due] : this.#cleanUp ? [this.#cleanUp.due] : []),
    ];
    const [first, ...others] = dues;
    return first && earliest(first, ...others);
  }

  /** Returns what is due, or undefined where nothing is. */
  take(request: AccessRequest, now: Instant): Delivery | undefined {
    const events = this.#recording.due <= now ? [...this.#events] : [];
    const notices = this.#notices.filter(({ due }) => due <= now);
    const isRecorded = events.length === this.#events.length;
    const cleanUp = isRecorded && this.#cleanUp && this.#cleanUp.due <= now ? this.#cleanUp : undefined;
    if (events.length === 0 && notices.length === 0 && !cleanUp) return undefined;
    return { input: { request, events, groups: grouped(notices), cleanUp: cleanUp?.work }, notices, cleanUp };
  }

  /** Takes note of what became of a delivery: what failed is tried again. `request` is as it is by now. */
  settle(
    { input, notices, cleanUp }: Delivery,
    result: Delivered | Failure,
    request: AccessRequest,
    now: Instant,
  ): void {
    const outcome = 'code' in result ? allFailed(input, notices.length, result) : result;
    if (outcome.recorded) this.recordFailed(outcome.recorded, now);
    else if (input.events.length > 0) this.recorded(input.events.length);
    notices.forEach((notice, index) => {
      const failure = outcome.notified?.[index];
      notice.attempts++;
      if (!failure || notice.attempts >= attemptsFor(notice.work, request)) {
        this.#notices = this.#notices.filter((other) => other !== notice);
      } else notice.due = plus(now, pauseAfter(failure, notice.attempts, timeline.longestNotifyPauseMs));
    });
    if (cleanUp) this.#cleanUp = againOf(cleanUp, outcome.cleanedUp, now);
  }
}

function allFailed({ events }: DeliverInput, notices: number, failure: Failure): Delivered {
  return {
    recorded: events.length > 0 ? failure : undefined,
    notified: Object.fromEntries(Array.from({ length: notices }, (_, position) => [position, failure])),
    cleanedUp: failure,
  };
}

function entry<Work>(work: Work, due: Instant): Entry<Work> {
  return { work, attempts: 0, due };
}

/** Where Curfew lacks the right, trying again changes nothing. The membership is gone; a bare user may be left. */
function againOf(cleanUp: Entry<CleanUp>, outcome: Delivered['cleanedUp'], now: Instant): Entry<CleanUp> | undefined {
  if (!outcome) return undefined;
  if ('notBefore' in outcome) return { ...cleanUp, due: outcome.notBefore };
  if (outcome.code === 'CURFEW_TARGET_REFUSED') return undefined;
  const attempts = cleanUp.attempts + 1;
  return { ...cleanUp, attempts, due: plus(now, pauseAfter(outcome, attempts)) };
}

/** What must reach a reader is tried for as long as it takes, and an approver for as long as the answer is waited for. */
function attemptsFor({ kind, request: told }: Notice, { state, stage }: AccessRequest): number {
  if (alarmKinds.includes(kind)) return Number.POSITIVE_INFINITY;
  if (pastKinds.includes(kind)) return noticeAttempts;
  if (told.state !== state || told.stage !== stage) return staleAttempts;
  return state === 'waiting-for-approval' ? Number.POSITIVE_INFINITY : noticeAttempts;
}

/** By the request that they are about, in their order. */
function grouped(notices: readonly Entry<Notice>[]): NotificationGroup[] {
  const groups: { request: AccessRequest; notifications: Notification[] }[] = [];
  for (const { work } of notices) {
    const { request, ...notification } = work;
    const last = groups.at(-1);
    if (last?.request.version === request.version) last.notifications.push(notification);
    else groups.push({ request, notifications: [notification] });
  }
  return groups;
}
