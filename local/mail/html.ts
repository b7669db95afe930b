/** Text that is HTML already; everything else is escaped on its way in. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | Html | readonly Part[];

export const html = (texts: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(texts.reduce((whole, text, at) => whole + render(parts[at - 1] ?? '') + text));

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  return typeof part === 'string'
    ? part.replace(/[&<>"']/g, (sign) => entities[sign] ?? '')
    : part.map(render).join('');
}
