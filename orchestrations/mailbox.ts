import type { OrchestrationContext, Task } from 'durable-functions';
import { isOutsideCommand, type OutsideCommand } from '../shared/domain/decide.ts';
import { type Instant, instantOf, millisecondsOf } from '../shared/domain/time.ts';
import { commandEvent } from './names.ts';

/** A timer of up to a second fires at once in Azure Storage, so a shorter wait would spin. Milliseconds. */
const shortestWait = 1_100;

/**
 * Waits for commands and for the clock together. Three habits of durable-functions 3.5 shape it: a timer may fire almost a
 * second early; no task may stand in two races, so each wait makes its own; and a wait that lost its race stays open and
 * swallows the next event that comes while nobody else waits. So lost waits are kept and asked first.
 */
export class Mailbox {
  readonly #context: OrchestrationContext;
  #open: Task[] = [];

  constructor(context: OrchestrationContext) {
    this.#context = context;
  }

  now(): Instant {
    return instantOf(this.#context.df.currentUtcDateTime.getTime());
  }

  /** The next command, or undefined once `until` has really come. */
  *next(until: Instant): Generator<Task, OutsideCommand | undefined, unknown> {
    let wake = millisecondsOf(until);
    for (;;) {
      const swallowed = this.#open.find((task) => task.isCompleted);
      if (swallowed) {
        const command = this.#take(swallowed);
        if (command) return command;
        continue;
      }
      if (this.now() >= until) return undefined;
      const timer = this.#context.df.createTimer(new Date(wake));
      const command = this.#context.df.waitForExternalEvent(commandEvent);
      this.#open.push(command);
      yield this.#context.df.Task.any([command, timer]);
      if (!timer.isCompleted) timer.cancel();
      if (command.isCompleted) continue;
      wake = Math.max(millisecondsOf(until), millisecondsOf(this.now()) + shortestWait);
    }
  }

  /** Waits, and leaves commands for later. */
  *pause(milliseconds: number): Generator<Task, void, unknown> {
    yield this.#context.df.createTimer(new Date(millisecondsOf(this.now()) + milliseconds));
  }

  /** The command, or undefined for an event that is none. */
  #take(task: Task): OutsideCommand | undefined {
    this.#open = this.#open.filter((other) => other !== task);
    return isOutsideCommand(task.result) ? task.result : undefined;
  }
}
