import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fixedPorts, type LaptopOptions, type Ports } from '../../../local/laptop.ts';

export interface LaptopProcessOptions extends Pick<LaptopOptions, 'folder' | 'withoutCurfew' | 'policy'> {
  readonly ports: Ports;
  /** In place of the sample company. */
  readonly companyFile?: string;
}

/** What the child says once everything listens. */
export interface Report {
  readonly settings: Record<string, string>;
  readonly authority: string;
}

/** When the laptop was not up, in milliseconds since 1970: from its death until it listened again. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** A laptop that can be killed in the middle of whatever it does, and started again on what it left on disk. */
export class LaptopChild {
  readonly options: LaptopProcessOptions;
  readonly outages: Outage[] = [];
  /** How often each line of Curfew's log came, by its text without the particulars. */
  readonly warnings = new Map<string, number>();
  #child: ChildProcess | undefined;

  constructor(options: LaptopProcessOptions) {
    this.options = options;
  }

  async start(): Promise<Report> {
    const child = fork(new URL('laptop-process.ts', import.meta.url), [JSON.stringify(this.options)], {
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
    const [report] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`The laptop did not start: ${said}`))),
    ])) as [Report];
    return report;
  }

  /** kill -9, and up again at once. */
  async killAndRestart(): Promise<void> {
    const from = Date.now();
    await this.kill();
    await this.start();
    this.outages.push({ from, to: Date.now() });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/**
 * Free ports below those that systems give to outgoing connections: one of these could be taken by anybody while the laptop
 * is down.
 */
export async function findPorts(random: () => number): Promise<Ports> {
  const ports = { ...fixedPorts };
  for (let next = 15_000 + Math.floor(random() * 15_000); ; next += 10) {
    const names = Object.keys(ports) as (keyof Ports)[];
    for (const [index, name] of names.entries()) ports[name] = next + index;
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (free.every(Boolean)) return ports;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
