import { describe, expect, test } from 'vitest';
import { metricNames } from '../../shared/metrics.ts';
import { changed } from '../../shared/request-log.ts';
import { all, read, template } from './bicep.ts';

const text = template('monitoring.bicep');
const runbook = read('docs/runbook.md');
const headings = all(runbook, /^## (.*)$/gm);
/** As GitHub makes them. */
const anchors = headings.map((heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

describe('alerts', () => {
  test('name each a heading of the runbook, and each heading is named', () => {
    expect(all(text, /runbook: 'docs\/runbook\.md#([\w-]+)'/g)).toEqual(anchors);
    expect(all(text, /title: '(Curfew: )/g)).toHaveLength(anchors.length);
  });

  test.each(headings)('“%s” says what it means, what to look at and what to do', (heading) => {
    const section = runbook.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    for (const part of ['**It means**', '**Look at**', '**Do**']) expect(section).toContain(part);
  });

  test('ask for metrics that are emitted, and so does the workbook', () => {
    const workbook = JSON.parse(read('infra/workbook.json')) as { items: { content: { query?: string } }[] };
    const queries = [...all(text, /query: '(.*)'$/gm), ...workbook.items.flatMap(({ content }) => content.query ?? [])];
    const asked = new Set(queries.flatMap((query) => all(query, /"(curfew\.[\w.]+)"/g)));
    expect(asked).toEqual(new Set(metricNames));
    const messages = queries.flatMap((query) => all(query, /line\.message\) == "([^"]*)"/g));
    expect(new Set(messages)).toEqual(new Set([changed]));
  });
});
