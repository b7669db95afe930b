import type { RequestId } from '../../shared/domain/ids.ts';

/** The attempts at revoking that are under way in this process, whether or not they are still waited for. */
export class Attempts {
  readonly #running = new Map<RequestId, number>();

  isUnderWay(id: RequestId): boolean {
    return (this.#running.get(id) ?? 0) > 0;
  }

  async during<Result>(id: RequestId, work: () => Promise<Result>): Promise<Result> {
    this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#running.get(id) ?? 1) - 1;
      if (left > 0) this.#running.set(id, left);
      else this.#running.delete(id);
    }
  }
}
