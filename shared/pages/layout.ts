import { type Html, html, trusted } from './escape.ts';
import type { Fact, Status } from './request-words.ts';
import { stylesheet } from './stylesheet.ts';
import { linesOf } from './words.ts';

/** A whole page. `title` is plain text. */
export function layout(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Curfew</title>
<style>${trusted(stylesheet)}</style>
</head>
<body>
<header>Curfew</header>
<main>
${content}
</main>
<footer>All times are in UTC.</footer>
</body>
</html>
`.toString();
}

export function factList(facts: readonly Fact[]): Html {
  return html`<dl>${facts.map(
    ({ label, value, quoted }) => html`
<dt>${label}</dt>
<dd>${quoted ? quotation(String(value)) : [value].flat().map((line) => html`<p>${line}</p>`)}</dd>`,
  )}
</dl>`;
}

export function quotation(text: string): Html {
  return html`<blockquote>${linesOf(text).map((line) => html`<p>${line}</p>`)}</blockquote>`;
}

export function statusBox({ tone, heading, sentences }: Status): Html {
  return html`<div class="status ${tone}"><strong>${heading}</strong>${sentences.map((line) => html`<p>${line}</p>`)}</div>`;
}
