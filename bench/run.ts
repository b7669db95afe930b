import { availableParallelism, cpus, totalmem } from 'node:os';
import { measureArmed } from './armed.ts';
import { measureColdStart } from './cold-start.ts';
import { measureCost } from './cost.ts';
import { type Figure, mebibytes } from './figures.ts';
import { measureHub } from './hub.ts';
import { measureLifecycles } from './lifecycles.ts';
import { measureMemory } from './memory.ts';
import { measureKilled, measureLateTimers, measureSharedDeadline } from './shared-deadline.ts';
import { measureStarts } from './starts.ts';
import { measureStartup } from './startup.ts';
import type { Setup } from './system.ts';

const parts: Readonly<Record<string, (setup: Setup) => Promise<Figure[]>>> = {
  startup: (setup) => (setup === 'together' ? measureStartup() : Promise.resolve([])),
  'cold-start': (setup) => (setup === 'apart' ? measureColdStart() : Promise.resolve([])),
  hub: (setup) => (setup === 'apart' ? measureHub() : Promise.resolve([])),
  armed: (setup) => (setup === 'apart' ? measureArmed() : Promise.resolve([])),
  lifecycles: measureLifecycles,
  deadline: (setup) => measureSharedDeadline(setup),
  'late-timers': (setup) => measureLateTimers(setup),
  killed: (setup) => (setup === 'apart' ? measureKilled() : Promise.resolve([])),
  starts: (setup) => measureStarts(setup),
  cost: (setup) => measureCost(setup),
  memory: measureMemory,
};

/** `npm run bench`, or `npm run bench -- deadline apart` for one part in one setup. */
const words = process.argv.slice(2);
const unknown = words.find((word) => !(word in parts) && word !== 'together' && word !== 'apart');
if (unknown !== undefined) {
  console.error(`There is no ${unknown}. There are ${Object.keys(parts).join(', ')}, and together or apart.`);
  process.exit(1);
}
const chosen = Object.entries(parts).filter(([name]) => !words.some((word) => word in parts) || words.includes(name));
const setups: Setup[] = (['together', 'apart'] as const).filter(
  (setup) => !(words.includes('together') || words.includes('apart')) || words.includes(setup),
);

console.log(
  `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${mebibytes(totalmem())}, Node ${process.versions.node}\n`,
);
console.log('| what | setup | figure |\n|---|---|---|');
for (const [name, measure] of chosen) {
  for (const setup of setups) {
    try {
      for (const [what, value] of await measure(setup)) console.log(`| ${what} | ${setup} | ${value} |`);
    } catch (error) {
      console.log(`| ${name} | ${setup} | failed: ${error instanceof Error ? error.message : String(error)} |`);
      process.exitCode = 1;
    }
  }
}
