import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Needs } from '../functions/callers.ts';
import { routes } from '../functions/routes.ts';

const security = readFileSync('SECURITY.md', 'utf8');

describe('SECURITY.md says what the code does', () => {
  test('who may call what', () => {
    const section = security.split('\n## Who may call what\n')[1]?.split('\n## ')[0] ?? '';
    const rows = section.split('\n').filter((line) => line.startsWith('|'));
    const cells = rows.slice(2).map((row) => row.split('|').map((cell) => cell.trim()));
    expect(cells.map(([, route, needs]) => [route, needs])).toEqual(
      routes.map(({ method, path, needs }) => [`\`${method} /api/${path}\``, wordsOf(needs)]),
    );
    expect(cells.filter(([, , , beyond]) => !beyond)).toEqual([]);
  });
  test('the tests that it names exist', () => {
    const named = [...security.matchAll(/`(test\/[^`]+)`|\]\(([^)#:]+)\)/g)].map(
      ([, test, link]) => test ?? link ?? '',
    );
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });
});

function wordsOf(needs: Needs): string {
  if (needs === 'nothing') return 'nothing';
  return needs === 'token' ? 'a token' : needs.map((role) => `\`${role}\``).join(' or ');
}
