import { expect, test } from 'vitest';
import { stylesheet } from '../../../shared/pages/stylesheet.ts';

const [light = '', dark = ''] = [...stylesheet.matchAll(/:root \{([^}]*)\}/g)].map(([, rules]) => rules);

/** WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.replace(/[^#]/g, '$&$&') : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((from) => Number.parseInt(hex.slice(from, from + 2), 16) / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(rules: string, one: string, other: string): number {
  const colour = (name: string) => new RegExp(`--${name}: (#\\w+);`).exec(rules)?.[1] ?? '';
  const [least = 0, most = 0] = [luminance(colour(one)), luminance(colour(other))].sort((a, b) => a - b);
  return (most + 0.05) / (least + 0.05);
}

test.each([
  ['light', light],
  ['dark', dark],
])('every text has the contrast of WCAG AA on what it stands on (%s)', (_, rules) => {
  for (const [text, grounds] of [
    ['ink', ['card', 'quote', 'ground']],
    ['soft', ['card', 'ground']],
    ['blue', ['card', 'ground']],
    ['green', ['card']],
    ['red', ['card']],
  ] as const) {
    for (const ground of grounds) expect(contrast(rules, text, ground), `${text} on ${ground}`).toBeGreaterThan(4.5);
  }
});

test('nothing moves, so that nobody has to ask for less motion', () => {
  expect(stylesheet).not.toMatch(/transition|animation|scroll-behavior/);
});
