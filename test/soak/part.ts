import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Place } from '../../local/laptop.ts';

export type PartName = 'curfew' | 'sql' | 'cosmos';

export interface PartOptions extends Omit<Place, 'certificate'> {
  readonly part: PartName;
  readonly settings: Readonly<Record<string, string>>;
}

/** A part that can be killed in the middle of whatever it does, and started again on what it left on disk. */
export class Part {
  readonly name: PartName;
  /** How long it was down each time, from its death until it listened again. Milliseconds. */
  readonly outages: number[] = [];
  /** How often each line of its log came, by its text without the particulars. */
  readonly warnings = new Map<string, number>();
  readonly #options: PartOptions;
  readonly #listens: (port: number) => void;
  #child: ChildProcess | undefined;
  #diedAt = 0;

  constructor(options: PartOptions, listens: (port: number) => void) {
    this.name = options.part;
    this.#options = options;
    this.#listens = listens;
  }

  async start(): Promise<void> {
    const child = fork(new URL('part-process.ts', import.meta.url), [JSON.stringify(this.#options)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
      for (const [, message = ''] of text.matchAll(/"message":"([^"]*)"/g)) {
        this.warnings.set(message, (this.warnings.get(message) ?? 0) + 1);
      }
    });
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`${this.name} did not start: ${said}`)));
    const [port] = (await Promise.race([once(child, 'message'), died])) as [number];
    // From now on nothing but `kill` may end it.
    died.catch((error: unknown) => {
      if (this.#child === child) throw new Error(`${this.name} ended by itself: ${said}`, { cause: error });
    });
    if (this.#diedAt > 0) this.outages.push(Date.now() - this.#diedAt);
    this.#listens(port);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    this.#diedAt = Date.now();
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
