import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { timeline } from '../../shared/domain/timeline.ts';

const page = readFileSync('docs/timeline.md', 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$/gm)];

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** Milliseconds as people write them: in the largest unit that gives a whole number, below a minute in seconds. */
function written(milliseconds: number): string {
  for (const [unit, length] of units) if (milliseconds % length === 0) return `${milliseconds / length} ${unit}`;
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${milliseconds / 1_000} s`;
}

describe('docs/timeline.md', () => {
  test('has every duration of timeline.ts with its value, in its order, and no other', () => {
    expect(rows.map(([, name, value]) => [name, value])).toEqual(
      Object.entries(timeline).map(([name, milliseconds]) => [name, written(milliseconds)]),
    );
  });
  test('says in a sentence what each is for', () => {
    for (const [, , , meaning = ''] of rows) expect(meaning).toMatch(/^[A-Z].{10,}\.$/);
  });
});
