import type { OrchestrationContext } from 'durable-functions';
import { earliest, type Instant, latest, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import { type Durable, nowOf, startTimer, type Task } from './task.ts';

/**
 * Waits for messages and for the clock together. Four habits of durable-functions 3.5 shape it: a timer may fire almost a
 * second early; a timer of more than six days loses its place when it is cancelled; no task may stand in two races, so each wait makes
 * its own; and a wait that lost its race stays open and swallows the next event that comes while nobody else waits. So waits
 * are cut to legs, and lost waits are kept and asked first.
 */
export class Mailbox<Message> {
  readonly #context: OrchestrationContext;
  readonly #event: string;
  readonly #read: (value: unknown) => Message | undefined;
  #open: Task[] = [];

  /** `read` returns undefined for what is no message: anything may be raised as an event. */
  constructor(context: OrchestrationContext, event: string, read: (value: unknown) => Message | undefined) {
    this.#context = context;
    this.#event = event;
    this.#read = read;
  }

  /** Returns the next message, or undefined once `until` has really come. */
  *next(until: Instant): Durable<Message | undefined> {
    const { df } = this.#context;
    let wake = until;
    for (;;) {
      const swallowed = this.#open.find((task) => task.isCompleted);
      if (swallowed) {
        this.#open = this.#open.filter((other) => other !== swallowed);
        const message = this.#read(swallowed.result);
        if (message !== undefined) return message;
        continue;
      }
      const now = nowOf(this.#context);
      if (now >= until) return undefined;
      const timer = startTimer(this.#context, earliest(wake, plus(now, timeline.longestWaitMs)));
      const event = df.waitForExternalEvent(this.#event);
      this.#open.push(event);
      yield df.Task.any([event, timer]);
      if (!timer.isCompleted) timer.cancel();
      if (!event.isCompleted) wake = latest(until, plus(nowOf(this.#context), timeline.shortestWaitMs));
    }
  }

  /** Waits, and leaves messages for later. */
  *pause(until: Instant): Durable<void> {
    yield startTimer(this.#context, until);
  }
}
