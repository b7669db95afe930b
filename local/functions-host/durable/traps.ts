import { Refusal } from './errors.ts';

interface SdkTask {
  readonly hasResult?: boolean;
  readonly alreadyScheduled?: boolean;
  readonly actionObj?: { readonly actionType?: number };
}

type Combine = (tasks: readonly SdkTask[]) => unknown;

const WAIT_FOR_EXTERNAL_EVENT = 6;

/**
 * durable-functions 3.5 repeats a task's action whenever the task stands in a `Task.any` or `Task.all`, and the extension then runs it
 * again under another number: results go to the wrong task. On Azure that is silent, so here it stops the instance.
 * Waits for events are exempt: repeating one schedules nothing.
 */
export function watchForTraps(context: object): { caught(): Refusal | undefined } {
  let caught: Refusal | undefined;
  let df: { Task: { any: Combine; all: Combine } } | undefined;
  const guard =
    (kind: string, combine: Combine): Combine =>
    (tasks) => {
      const reused = Array.isArray(tasks) && tasks.find(isReused);
      if (!reused) return combine(tasks);
      caught = new Refusal(
        `Task.${kind} was given a task that ${reused.hasResult ? 'has already ended' : 'was already awaited'}. ` +
          'The Durable extension would run it a second time and mix up the results: create a new task for every wait.',
      );
      throw caught;
    };
  Object.defineProperty(context, 'df', {
    configurable: true,
    enumerable: true,
    get: () => df,
    set(value: { Task: { any: Combine; all: Combine } }) {
      value.Task.any = guard('any', value.Task.any);
      value.Task.all = guard('all', value.Task.all);
      df = value;
    },
  });
  return { caught: () => caught };
}

function isReused(task: SdkTask): boolean {
  if (task.actionObj?.actionType === WAIT_FOR_EXTERNAL_EVENT) return false;
  return task.hasResult === true || task.alreadyScheduled === true;
}
