import { activityNames } from '../../orchestrations/contract.ts';
import { type Fault, faultsOf, type Injection, injector, systemOf } from '../support/faults.ts';
import { createWorld } from '../support/world.ts';
import { type ScenarioName, scenarios } from './scenarios.ts';
import { judge, type Verdict } from './verdict.ts';

/** A call that a story makes, and the times that it is made, counted from 1, at which faults are to befall it. */
export interface Site {
  readonly call: string;
  readonly times: readonly number[];
}

export interface Row {
  readonly call: string;
  readonly fault: Fault;
  readonly verdicts: readonly (Verdict & { readonly nth: number })[];
}

/** One run, with at most one fault. Throws where the fault found no call to befall. */
export async function run(name: ScenarioName, injection?: Injection) {
  const { around, instants, hasStruck } = injector(
    injection,
    () => world.time,
    () => world.die(),
  );
  const world = createWorld({ around });
  try {
    const ids = await scenarios[name].run(world);
    if (injection && !hasStruck()) throw new Error('the fault befell nothing');
    return { ...judge(world, ids, instants.get('notifier.send') ?? [], injection?.fault), instants };
  } finally {
    world.close();
  }
}

/** These have no part in giving the access and taking it away. */
const beside = ['askApprovers', 'deliver'].map((name) => `activities.${name}`);
const besides = ['notifier', 'links', 'directory', 'events', 'requests', 'people'];

/** What is asked of people and told to them. */
const ofPeople = ['notifier', 'links', 'directory'];

/**
 * Where faults are to befall the scenarios: at each call, every time that the story makes it when nothing fails. What is beside
 * the access's way is met in the first story that makes the call, and where requests overlap, and of people only the first and
 * the last time.
 */
export async function sitesOf(names: readonly ScenarioName[]): Promise<Map<ScenarioName, Site[]>> {
  const sites = new Map<ScenarioName, Site[]>();
  for (const name of names) {
    const { instants, broken } = await run(name);
    if (broken.length > 0) throw new Error(`without any fault: ${broken.join('; ')}`);
    const met = new Set([...sites.values()].flat().map(({ call }) => call));
    const found = [...instants].flatMap(([call, made]): Site[] => {
      const times = made.flatMap((at, index) => (at >= scenarios[name].from ? [index + 1] : []));
      const isBeside = beside.includes(call) || besides.includes(systemOf(call));
      if (times.length === 0 || (isBeside && met.has(call) && name !== 'two that overlap')) return [];
      const isSparse =
        isBeside && (name !== 'one request' || ofPeople.includes(systemOf(call)) || call === 'activities.deliver');
      return [
        { call, times: isSparse ? times.filter((_, index) => index === 0 || index === times.length - 1) : times },
      ];
    });
    sites.set(name, found);
  }
  return sites;
}

export async function rowsOf(name: ScenarioName, { call, times }: Site): Promise<Row[]> {
  const rows: Row[] = [];
  for (const fault of faultsOf(call)) {
    const verdicts: (Verdict & { nth: number })[] = [];
    for (const nth of times) {
      const { outcome, broken } = await run(name, { call, nth, fault });
      verdicts.push({ nth, outcome, broken });
    }
    rows.push({ call, fault, verdicts });
  }
  return rows;
}

/** Activities first, then the outside systems. */
export function inOrder(one: string, other: string): number {
  const places = ['activities', 'orchestrations', 'people', 'target', 'holds', 'events', 'requests', 'directory'];
  const place = (call: string) => (places.indexOf(systemOf(call)) + 99) % 99;
  const step = (call: string) => Object.keys(activityNames).indexOf(call.split('.')[1] ?? '');
  return place(one) - place(other) || step(one) - step(other) || one.localeCompare(other);
}
