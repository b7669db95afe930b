import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import { type Instant, instantOf, millisecondsOf } from '../../shared/domain/time.ts';

export type { OrchestrationContext, Task };

/** A part of an orchestration: runs to its result over any number of turns, and is replayed in each. */
export type Durable<Result> = Generator<Task, Result, unknown>;

/** The instant of the turn, the same in each replay. */
export function nowOf({ df }: OrchestrationContext): Instant {
  return instantOf(df.currentUtcDateTime.getTime());
}

export function startTimer({ df }: OrchestrationContext, instant: Instant): TimerTask {
  return df.createTimer(new Date(millisecondsOf(instant)));
}

export function inputOf<Input>({ df }: OrchestrationContext): Input {
  return df.getInput() as Input;
}

/** Goes on in a new history with this input, once the orchestration has returned. Events that nobody waited for are dropped. */
export function continueAsNew({ df }: OrchestrationContext, input: object): void {
  df.continueAsNew(input);
}
