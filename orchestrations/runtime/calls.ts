import type { Instant } from '../../shared/domain/time.ts';
import { type Durable, nowOf, type OrchestrationContext, startTimer, type Task } from './task.ts';

/** After so many calls a lifecycle that has no end in sight goes on in a new history: every turn runs through all of it. */
const longestHistory = 32;

/** What became of a call: `died` where the host says that it failed, `late` where nothing was heard by its limit. */
export type Call = { readonly answer: unknown } | 'died' | 'late';

/** Calls activities. */
export class Calls {
  readonly #context: OrchestrationContext;
  readonly #late = new Map<string, Task[]>();
  #count = 0;

  constructor(context: OrchestrationContext) {
    this.#context = context;
  }

  get isLong(): boolean {
    return this.#count >= longestHistory;
  }

  /**
   * Calls an activity. With a limit the call is left to itself once that has come, and its answer may still be asked for. Each
   * limit costs the hub a timer, and a turn where it comes: without one the host gives up on what hangs, and begins again what died.
   */
  *call(name: string, input: unknown, limit?: Instant): Durable<Call> {
    const { df } = this.#context;
    if (limit !== undefined && limit <= nowOf(this.#context)) return 'late';
    this.#count++;
    const task = df.callActivity(name, input);
    const timer = limit === undefined ? undefined : startTimer(this.#context, limit);
    yield df.Task.any(timer ? [task, timer] : [task]);
    if (timer && !timer.isCompleted) timer.cancel();
    const outcome = outcomeOf(task);
    if (outcome === 'late') this.#late.set(name, [...(this.#late.get(name) ?? []), task]);
    return outcome;
  }

  /** The answer of a call of that name that had been left to itself, of which one has come since. Each is given once. */
  lateAnswer(name: string): Call {
    const calls = this.#late.get(name) ?? [];
    const answered = calls.find((task) => outcomeOf(task) !== 'late');
    if (!answered) return 'late';
    this.#late.set(
      name,
      calls.filter((task) => task !== answered),
    );
    return outcomeOf(answered);
  }
}

function outcomeOf(task: Task): Call {
  if (task.isFaulted) return 'died';
  return task.isCompleted ? { answer: task.result } : 'late';
}
