import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, certificateIn, trust } from '../local/certificate.ts';
import type { StepPreset } from '../local/functions-host/index.ts';
import type { Ports } from '../local/laptop.ts';
import { companyOf } from './company.ts';

/** `together`: Curfew and the stand-ins in one process, as the laptop runs. `apart`: the stand-ins in one process and Curfew in another. */
export type Setup = 'together' | 'apart';

export interface Report {
  readonly settings: Record<string, string>;
  readonly ports: Ports;
  readonly authority: string;
}

export interface Variant {
  /** Databases beside `orders` that are like it. */
  readonly databases?: readonly string[];
  /** `late`: each by up to 30 s. */
  readonly timers?: 'exact' | 'late';
  /** How long work waits in the task hub; not at all if left out. */
  readonly steps?: StepPreset;
}

export type ServiceOptions = Variant & { readonly folder: string } & (
    | { readonly part: 'laptop' | 'stand-ins' }
    | { readonly part: 'curfew'; readonly report: Report }
  );

/** What the process of Curfew is asked for. */
export type Order = 'measure memory' | 'arm';

export interface System extends Report {
  readonly folder: string;
  readonly api: string;
  /** Of the process that Curfew runs in, after a collection of garbage. Bytes. */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** Runs the minute timer that arms what the store has for the next minutes, beside its schedule. Does not wait for its end. */
  arm(): void;
  /** Kills the process of Curfew with SIGKILL and starts another on the same state. Returns for how long there was none, in ms. `apart` only. */
  killAndRestart(): Promise<number>;
  /** `last` still finds the files. */
  stop(last?: (folder: string) => void): Promise<void>;
}

let certificate: Certificate | undefined;

/** A fresh system for a company with that many requesters more, in processes apart from the one that measures. */
export async function startSystem(setup: Setup, people: number, variant: Variant = {}): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
  writeFileSync(join(folder, 'company.json'), JSON.stringify(companyOf(people)));
  // One certificate for every run: a process can't tell several authorities of the same name apart.
  if (certificate === undefined) {
    certificate = await certificateIn(folder);
    trust(certificate);
  }
  writeFileSync(join(folder, 'localhost.key'), certificate.key, { mode: 0o600 });
  writeFileSync(join(folder, 'localhost.pem'), certificate.cert);
  const children: ChildProcess[] = [];
  const run = async (options: ServiceOptions) => {
    const child = fork(new URL('service-process.ts', import.meta.url), [JSON.stringify(options)], {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', process.env.CURFEW_BENCH_LOG ? 'inherit' : 'ignore', 'ipc'],
    });
    children.push(child);
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`The ${options.part} did not start.`)));
    const [report] = (await Promise.race([once(child, 'message'), died])) as [Report];
    return report;
  };
  const runCurfew = (on: Report) => run({ folder, ...variant, part: 'curfew', report: on });
  const kill = async (child: ChildProcess) => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  let report = await run({ folder, ...variant, part: setup === 'apart' ? 'stand-ins' : 'laptop' });
  if (setup === 'apart') report = await runCurfew(report);
  const order = (what: Order) => {
    const curfew = children.at(-1);
    if (!curfew) throw new Error('The system was stopped.');
    curfew.send(what);
    return curfew;
  };
  return {
    ...report,
    folder,
    api: `http://localhost:${report.ports.api}/api`,
    async memory() {
      const [usage] = (await once(order('measure memory'), 'message')) as [NodeJS.MemoryUsage];
      return usage;
    },
    arm() {
      order('arm');
    },
    async killAndRestart() {
      const curfew = children.pop();
      if (setup !== 'apart' || !curfew) throw new Error('Curfew has no process of its own.');
      const killed = Date.now();
      await kill(curfew);
      await runCurfew(report);
      return Date.now() - killed;
    },
    async stop(last) {
      for (const child of children.splice(0).reverse()) await kill(child);
      last?.(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
