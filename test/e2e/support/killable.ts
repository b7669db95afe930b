import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that can be killed in the middle of whatever it does, and started again on what it left on disk. */
export class Killable<Options extends object, Report> {
  readonly name: string;
  readonly options: Options;
  /** How long it was down each time, from its death until it listened again. Milliseconds. */
  readonly outages: number[] = [];
  /** How often each line of its log came, by its text without the particulars. */
  readonly warnings = new Map<string, number>();
  readonly #script: URL;
  #child: ChildProcess | undefined;
  #diedAt = 0;

  /** The script is given its options as JSON, and says something once everything listens. */
  constructor(name: string, script: URL, options: Options) {
    this.name = name;
    this.options = options;
    this.#script = script;
  }

  async start(): Promise<Report> {
    const child = fork(this.#script, [JSON.stringify(this.options)], {
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
    const [report] = (await Promise.race([once(child, 'message'), died])) as [Report];
    // From now on nothing but `kill` may end it.
    died.catch((error: unknown) => {
      if (this.#child === child) throw new Error(`${this.name} ended by itself: ${said}`, { cause: error });
    });
    if (this.#diedAt > 0) this.outages.push(Date.now() - this.#diedAt);
    return report;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.#diedAt = Date.now();
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
