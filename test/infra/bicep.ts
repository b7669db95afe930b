import { readdirSync, readFileSync } from 'node:fs';

export const read = (path: string) => readFileSync(path, 'utf8');

/** All templates by their path below infra/, without comments. */
export const templates = new Map(
  readdirSync('infra', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.bicep'))
    .map((path) => [path, read(`infra/${path}`).replaceAll(/^\s*\/\/.*$/gm, '')]),
);

export function template(path: string): string {
  const text = templates.get(path);
  if (text === undefined) throw new Error(`There is no infra/${path}`);
  return text;
}

/** The first group of each match. */
export const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((found) => found[1] ?? '');

/** The parameters of a template: the decorators before each, its name, and what it is left to where it is left out. */
export function parametersOf(text: string): { name: string; isSecure: boolean; hasDefault: boolean }[] {
  const pattern = /((?:^@.*\n)*)^param (\w+) [\w?]+( = .*)?$/gm;
  return [...text.matchAll(pattern)].map(([, decorators = '', name = '', value]) => {
    return { name, isSecure: decorators.includes('@secure()'), hasDefault: value !== undefined };
  });
}

/** A resource, module or output by the word before its name: everything up to the next one that begins a line. */
export function declarations(text: string, word: string): { name: string; body: string }[] {
  const pattern = new RegExp(
    `^ *${word} (\\w+)([\\s\\S]*?)(?=^ *(?:resource|module|output|param|var|type|@)\\b|^@|$(?![\\s\\S]))`,
    'gm',
  );
  return [...text.matchAll(pattern)].map(([, name = '', body = '']) => ({ name, body }));
}
