import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { statusOf } from '../functions/http/problem.ts';
import { routes } from '../functions/routes.ts';
import { settings } from '../shared/configuration.ts';
import { type ErrorCode, errorCodes } from '../shared/domain/errors.ts';

const readme = readFileSync('README.md', 'utf8');

/** The rows of the table that follows a heading. */
function rowsUnder(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('README says what the code does', () => {
  test('its routes', () => {
    expect(rowsUnder('Ask over HTTP')).toEqual(
      routes.map(({ method, path, about }) => [`\`${method} /api/${path}\``, about]),
    );
  });
  test('its settings', () => {
    const expected = settings.map(({ name, required, default: value, description }) => {
      const optional = value === undefined ? 'optional' : `\`${value}\``;
      return [`\`${name}\``, required ? 'required' : optional, description];
    });
    expect(rowsUnder('Settings')).toEqual(expected);
  });
  test('its codes', () => {
    const expected = (Object.keys(errorCodes) as ErrorCode[]).map((code) => [
      `\`${code}\``,
      String(statusOf[code]),
      ...errorCodes[code],
    ]);
    expect(rowsUnder('Codes')).toEqual(expected);
  });
  test('its commands are scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run (?:-s )?([a-z]+)/g)].map((found) => found[1] ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('routes', () => {
  test('no function’s name decides between two routes, and none begins with admin', () => {
    const shapes = routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '*')}`);
    expect(new Set(shapes).size).toBe(shapes.length);
    expect(routes.filter(({ path }) => path.startsWith('admin'))).toEqual([]);
  });
});
