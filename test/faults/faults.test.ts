import { describe, expect, test } from 'vitest';
import { activityNames } from '../../orchestrations/contract.ts';
import { type Row, rowsOf, sitesOf } from './run.ts';
import { type ScenarioName, scenarios } from './scenarios.ts';
import { tableOf } from './table.ts';

const names = Object.keys(scenarios) as ScenarioName[];
const sites = await sitesOf(names);
const rows = new Map<ScenarioName, Row[]>(names.map((name) => [name, []]));

describe.each(names)('%s', (name) => {
  test.each(sites.get(name) ?? [])(
    'keeps every promise, whatever befalls $call',
    { timeout: 300_000 },
    async (site) => {
      const found = await rowsOf(name, site);
      rows.get(name)?.push(...found);
      const broken = found.flatMap(({ call, fault, verdicts }) =>
        verdicts.flatMap(({ nth, broken }) =>
          broken.length > 0 ? [`${call} #${nth}, ${fault}: ${broken.join('; ')}`] : [],
        ),
      );
      expect(broken).toEqual([]);
    },
  );
});

test('every activity meets every fault', () => {
  const met = new Set([...sites.values()].flat().map(({ call }) => call));
  expect(Object.keys(activityNames).filter((name) => !met.has(`activities.${name}`))).toEqual([]);
});

test('docs/faults.md says what happens', async () => {
  await expect(tableOf(rows)).toMatchFileSnapshot('../../docs/faults.md');
});
