import { expect } from 'vitest';

/** No markup but Curfew's own, nothing that runs, nothing that is fetched. `link` is the one address that may be in it. */
export function expectSafeMarkup(markup: string, link = ''): void {
  const rest = link === '' ? markup : markup.replaceAll(link, '');
  expect(rest).not.toMatch(/<(?:script|img|iframe|object|embed|link|base|svg|video|audio|source|meta http-equiv)/i);
  expect(rest).not.toMatch(/<[^>]*\son\w+\s*=/i);
  expect(rest).not.toMatch(/\bsrc(?:set)?="|@import|url\(|https?:|javascript:|data:/i);
  expect(rest).not.toMatch(/\u202e/);
  expectSoundStructure(rest);
}

interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly inside: readonly string[];
}

const withoutEnd = ['meta', 'br', 'input'];

/** Tags nest, ids are unique, every field has its label and its hint, headings come in order, a button is in a form. */
function expectSoundStructure(markup: string): void {
  const elements = elementsOf(markup);
  const valuesOf = (attribute: string, of = elements) =>
    of.flatMap(({ attributes }) => (attributes.has(attribute) ? [attributes.get(attribute)] : []));
  const ids = valuesOf('id');
  expect(new Set(ids).size).toBe(ids.length);
  const labelled = valuesOf('for');
  const fields = elements.filter(
    ({ tag, attributes }) => tag === 'textarea' || (tag === 'input' && attributes.get('type') !== 'hidden'),
  );
  expect(labelled.toSorted()).toEqual(valuesOf('id', fields).toSorted());
  expect(fields).toHaveLength(labelled.length);
  for (const id of valuesOf('aria-describedby')) expect(ids).toContain(id);
  const levels = elements.flatMap(({ tag }) => (/^h[1-6]$/.test(tag) ? [Number(tag[1])] : []));
  expect(levels.filter((level) => level === 1)).toHaveLength(1);
  for (const [index, level] of levels.entries()) expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
  for (const { tag, inside } of elements) {
    if (tag === 'button') expect(inside).toContain('form');
    if (tag === 'form') expect(inside).not.toContain('form');
    if (tag === 'summary') expect(inside.at(-1)).toBe('details');
    if (tag === 'li') expect(inside.at(-1)).toBe('ul');
    // A paragraph ends by itself where one of these begins in it.
    if (/^(?:p|ul|dl|div|form|h\d|blockquote|details)$/.test(tag)) expect(inside).not.toContain('p');
  }
}

/** Of text everything is escaped, so that each `<` begins a tag of Curfew's own. */
function elementsOf(markup: string): Element[] {
  const elements: Element[] = [];
  const open: string[] = [];
  for (const [, slash, tag = '', rest = ''] of markup.matchAll(/<(\/?)(\w+)([^>]*)>/g)) {
    if (slash) {
      expect(tag).toBe(open.pop());
      continue;
    }
    const attributes = new Map(
      [...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    );
    elements.push({ tag, attributes, inside: [...open] });
    if (!withoutEnd.includes(tag)) open.push(tag);
  }
  expect(open).toEqual([]);
  return elements;
}

/** What a reader sees of markup, with each run of white space as one space. */
export function visibleText(markup: string): string {
  const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
  return markup
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '')
    .replace(/\s+/g, ' ');
}
