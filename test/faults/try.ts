import { createWorld } from '../support/world.ts';
import { injector, faultsOf, type Injection } from '../support/faults.ts';
import { scenarios, type Scenario } from './scenarios.ts';
import { judge } from './verdict.ts';
const only = process.argv[2];
const callOnly = process.argv[3];
let total = 0;
async function once(scenario: Scenario, injection?: Injection) {
  const { around, counts, struckAt } = injector(injection, () => world.time, () => world.die());
  const world = createWorld({ around });
  try {
    const ids = await scenario.run(world);
    return { counts, ...judge(world, ids), struck: struckAt() !== undefined };
  } finally {
    world.close();
  }
}
process.on('unhandledRejection', (e) => console.log('UNHANDLED', e));
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only && name !== only) continue;
  const began = performance.now();
  const base = await once(scenario);
  console.log('==', name, base.outcome, base.broken);
  let runs = 0;
  const tally = new Map<string, string[]>();
  for (const [call, times] of base.counts) {
    if (callOnly && !call.includes(callOnly)) continue;
    for (const fault of faultsOf(call)) for (let nth = 1; nth <= times; nth++) {
      const t = performance.now();
      let line: string;
      try {
        const { outcome, broken, struck } = await once(scenario, { call, nth, fault });
        line = `${struck ? '' : 'NOT STRUCK '}${outcome}${broken.length ? ' BROKEN ' + broken.join('; ') : ''}`;
      } catch (e) { line = 'THROWN ' + (e as Error).message; }
      runs++;
      if (line !== base.outcome) console.log(`${call} #${nth} ${fault}: ${line}`, Math.round(performance.now() - t));
    }
  }
  total += runs;
  console.log('==', name, runs, Math.round(performance.now() - began), 'ms');
}
