export type LockMode = 'shared' | 'update' | 'exclusive' | 'intent-shared' | 'intent-exclusive';
export type LockScope = 'transaction' | 'session';
export type LockOutcome = 'granted' | 'granted-after-wait' | 'timeout' | 'cancelled' | 'deadlock';

const COMPATIBLE: Record<LockMode, readonly LockMode[]> = {
  'intent-shared': ['intent-shared', 'shared', 'update', 'intent-exclusive'],
  shared: ['intent-shared', 'shared', 'update'],
  update: ['intent-shared', 'shared'],
  'intent-exclusive': ['intent-shared', 'intent-exclusive'],
  exclusive: [],
};

interface Held<Owner> {
  owner: Owner;
  mode: LockMode;
  scope: LockScope;
  count: number;
}

interface Waiting<Owner> {
  owner: Owner;
  resource: string;
  mode: LockMode;
  scope: LockScope;
  settle: (outcome: LockOutcome) => void;
}

/** First come, first served locks on named resources, with time-outs, cancelling, and detection of deadlocks. */
export class Locks<Owner extends object> {
  readonly #held = new Map<string, Held<Owner>[]>();
  readonly #waiting = new Map<string, Waiting<Owner>[]>();

  /** `timeout` in ms; undefined waits without end, 0 doesn't wait. */
  acquire(
    owner: Owner,
    resource: string,
    mode: LockMode,
    scope: LockScope,
    timeout?: number,
    signal?: AbortSignal,
  ): LockOutcome | Promise<LockOutcome> {
    const queue = this.#waiting.get(resource);
    const reentrant = this.mode(owner, resource) === mode;
    if ((reentrant || !queue?.length) && this.#free(owner, resource, mode)) {
      this.#grant({ owner, mode, scope, count: 1 }, resource);
      return 'granted';
    }
    if (timeout === 0) return 'timeout';
    if (this.#wouldDeadlock(owner, resource, mode)) return 'deadlock';
    return this.#wait(owner, resource, mode, scope, timeout, signal);
  }

  #wait(owner: Owner, resource: string, mode: LockMode, scope: LockScope, timeout?: number, signal?: AbortSignal) {
    return new Promise<LockOutcome>((resolve) => {
      const timer = timeout === undefined ? undefined : setTimeout(() => waiting.settle('timeout'), timeout);
      const cancel = () => waiting.settle('cancelled');
      const waiting: Waiting<Owner> = {
        owner,
        resource,
        mode,
        scope,
        settle: (outcome) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', cancel);
          const queue = this.#waiting.get(resource)?.filter((other) => other !== waiting) ?? [];
          if (queue.length > 0) this.#waiting.set(resource, queue);
          else this.#waiting.delete(resource);
          resolve(outcome);
          if (outcome !== 'granted-after-wait') this.#serve(resource);
        },
      };
      this.#waiting.set(resource, [...(this.#waiting.get(resource) ?? []), waiting]);
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  mode(owner: Owner, resource: string): LockMode | undefined {
    return this.#held.get(resource)?.find((held) => held.owner === owner)?.mode;
  }

  /** Undoes one acquisition; false when there is none. */
  release(owner: Owner, resource: string, scope: LockScope): boolean {
    const held = this.#held.get(resource)?.find((lock) => lock.owner === owner && lock.scope === scope);
    if (!held) return false;
    held.count--;
    if (held.count === 0) this.#drop(resource, held);
    return true;
  }

  /** Lets go of all that the owner holds in the scope, or in both. */
  releaseAll(owner: Owner, scope?: LockScope) {
    for (const [resource, locks] of [...this.#held]) {
      for (const lock of locks.filter(
        (held) => held.owner === owner && (scope === undefined || held.scope === scope),
      )) {
        this.#drop(resource, lock);
      }
    }
  }

  #free(owner: Owner, resource: string, mode: LockMode): boolean {
    return (this.#held.get(resource) ?? []).every(
      (held) => held.owner === owner || COMPATIBLE[mode].includes(held.mode),
    );
  }

  #grant(lock: Held<Owner>, resource: string) {
    const locks = this.#held.get(resource) ?? [];
    const same = locks.find(
      (held) => held.owner === lock.owner && held.mode === lock.mode && held.scope === lock.scope,
    );
    if (same) same.count++;
    else locks.push(lock);
    this.#held.set(resource, locks);
  }

  #drop(resource: string, lock: Held<Owner>) {
    const left = (this.#held.get(resource) ?? []).filter((held) => held !== lock);
    if (left.length > 0) this.#held.set(resource, left);
    else this.#held.delete(resource);
    this.#serve(resource);
  }

  #serve(resource: string) {
    for (const waiting of this.#waiting.get(resource) ?? []) {
      if (!this.#free(waiting.owner, resource, waiting.mode)) return;
      this.#grant({ owner: waiting.owner, mode: waiting.mode, scope: waiting.scope, count: 1 }, resource);
      waiting.settle('granted-after-wait');
    }
  }

  /** Would waiting close a ring of owners that wait for each other? */
  #wouldDeadlock(owner: Owner, resource: string, mode: LockMode): boolean {
    const waits = [...this.#waiting.values()].flat();
    const seen = new Set<Owner>();
    const blockers = (waiter: Owner, name: string, wanted: LockMode) => [
      ...(this.#held.get(name) ?? [])
        .filter((held) => !COMPATIBLE[wanted].includes(held.mode))
        .map((held) => held.owner),
      ...(this.#waiting.get(name) ?? []).filter((other) => other.owner !== waiter).map((other) => other.owner),
    ];
    const open = blockers(owner, resource, mode).filter((blocker) => blocker !== owner);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const blocker = next;
      if (blocker === owner) return true;
      if (seen.has(blocker)) continue;
      seen.add(blocker);
      for (const wait of waits.filter((other) => other.owner === blocker)) {
        open.push(...blockers(blocker, wait.resource, wait.mode).filter((other) => other !== blocker));
      }
    }
    return false;
  }
}
