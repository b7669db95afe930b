import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateIn, trust } from '../local/certificate.ts';
import { readCompany } from '../local/entra/index.ts';
import { type FireTime, seededRandom } from '../local/functions-host/durable/timers.ts';
import { startFunctionsHost } from '../local/functions-host/index.ts';
import { startLaptop } from '../local/laptop.ts';
import type { Report, ServiceOptions } from './system.ts';

/** What is measured, in a process of its own: the whole laptop, its stand-ins alone, or Curfew alone. */
const random = seededRandom(1);
const late: FireTime = (fireAt, created) => Math.max(fireAt, created) + Math.round(30_000 * random());

const options = JSON.parse(process.argv[2] ?? '') as ServiceOptions;
process.once('disconnect', () => process.exit(1));
process.send?.(await start());
process.on('message', () => void measure());

async function start(): Promise<Report> {
  const { folder, part, databases = [] } = options;
  const timers = options.timers === 'late' ? late : 'exact';
  if (part === 'curfew') {
    trust(await certificateIn(folder));
    Object.assign(process.env, options.report.settings);
    const app = new URL('service-app.ts', import.meta.url);
    const statePath = join(folder, 'durable.sqlite');
    await startFunctionsHost({ app, port: options.report.ports.api, statePath, timers });
    return options.report;
  }
  const company = readCompany(readFileSync(join(folder, 'company.json'), 'utf8'));
  const laptop = await startLaptop({ folder, company, databases, timers, withoutCurfew: part === 'stand-ins' });
  return { settings: laptop.settings, ports: laptop.ports, authority: laptop.entra.authority };
}

/** After collecting what is garbage, so that two measurements can be compared. */
async function measure(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await sleep(250);
  }
  process.send?.(process.memoryUsage());
}
