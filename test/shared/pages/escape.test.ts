import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { html, trusted } from '../../../shared/pages/escape.ts';

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

describe('html', () => {
  test('escapes whatever text it is given, in text and in attributes, and loses nothing of it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...`<>&"'/=a;#`) })),
        (text) => {
          const page = html`<p title="${text}">${text}</p>`.toString();
          const [, attribute = '?', content] = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(page) ?? [];
          expect(attribute).toBe(content);
          expect(attribute.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '')).toBe(text);
        },
      ),
    );
  });

  test('keeps other html as it is, once escaped', () => {
    expect(html`<ul>${['a<', 'b'].map((item) => html`<li>${item}</li>`)}</ul>`.toString()).toBe(
      '<ul><li>a&lt;</li><li>b</li></ul>',
    );
  });

  test('leaves out undefined and joins lists', () => {
    expect(html`${undefined}${['&', 1, [html`<b>`]]}`.toString()).toBe('&amp;1<b>');
  });

  test('does not take an object that only looks like markup', () => {
    const lookalike = JSON.parse('{"markup":"<b>","toString":null}');
    expect(() => html`${lookalike}`.toString()).toThrow(TypeError);
  });

  test('trusts only what it is told to', () => {
    expect(html`<style>${trusted('a > b {}')}</style>`.toString()).toBe('<style>a > b {}</style>');
  });
});
