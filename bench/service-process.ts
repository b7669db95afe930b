import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateIn, trust } from '../local/certificate.ts';
import { readCompany } from '../local/entra/index.ts';
import { type FireTime, seededRandom } from '../local/functions-host/durable/timers.ts';
import { type FunctionsHost, startFunctionsHost } from '../local/functions-host/index.ts';
import { startLaptop } from '../local/laptop.ts';
import type { Order, Report, ServiceOptions } from './system.ts';

/** What is measured, in a process of its own: the whole laptop, its stand-ins alone, or Curfew alone. */
const random = seededRandom(1);
const late: FireTime = (fireAt, created) => Math.max(fireAt, created) + Math.round(30_000 * random());

const options = JSON.parse(process.argv[2] ?? '') as ServiceOptions;
let host: FunctionsHost | undefined;
process.once('disconnect', () => process.exit(1));
process.send?.(await start());
process.on('message', (order: Order) => {
  if (order === 'measure memory') void measureMemory();
  else void host?.runTimer('armUpcoming');
});

async function start(): Promise<Report> {
  const { part } = options;
  if (part === 'curfew') {
    trust(await certificateIn(options.folder));
    Object.assign(process.env, options.report.settings);
    await startCurfew(options.report);
    return options.report;
  }
  const { folder, databases = [] } = options;
  const company = readCompany(readFileSync(join(folder, 'company.json'), 'utf8'));
  const laptop = await startLaptop({ folder, company, databases, withoutCurfew: true });
  const report = { settings: laptop.settings, ports: laptop.ports, authority: laptop.entra.authority };
  if (part === 'laptop') await startCurfew(report);
  return report;
}

async function startCurfew({ ports }: Report): Promise<void> {
  const { folder, timers = 'exact', steps = 'none' } = options;
  host = await startFunctionsHost({
    app: new URL('service-app.ts', import.meta.url),
    port: ports.api,
    statePath: join(folder, 'durable.sqlite'),
    timers: timers === 'late' ? late : timers,
    steps,
  });
}

/** After a collection of garbage, so that two measurements can be compared. */
async function measureMemory(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await sleep(250);
  }
  process.send?.(process.memoryUsage());
}
