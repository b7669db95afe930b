/** Markup that may stand as it is. Made by `html` and `trusted` alone. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

export type Fragment = Html | string | number | undefined | readonly Fragment[];

/**
 * A template whose values are escaped, for text and for attribute values in double quotes. Other `html` in it stays as
 * it is, lists are joined, and undefined is nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(strings.map((text, index) => text + (index < values.length ? render(values[index]) : '')).join(''));
}

/** Markup from this source code. Never for anything that came from outside. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

function render(value: Fragment): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(render).join('');
  return escaped(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
