import { oneLine } from '../domain/text.ts';
import type { MailMessage } from '../ports.ts';
import { type Html, html } from './escape.ts';
import { type Fact, linesOfFact } from './request-words.ts';

/** A mail before it is set in type: text and HTML are made from the same words, so that neither says more. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly heading: string;
  readonly sentences: readonly string[];
  readonly facts?: readonly Fact[];
  /** To be copied. */
  readonly commands?: readonly string[];
  readonly button?: { readonly label: string; readonly link: string };
  readonly closing: readonly string[];
}

/** Longer ones are cut off by mail programs anyway. */
const longestSubject = 120;

export function writeMail(letter: Letter): MailMessage {
  return {
    to: letter.to,
    subject: oneLine(letter.subject, longestSubject),
    text: textOf(letter),
    html: htmlOf(letter),
  };
}

function textOf({ heading, sentences, facts = [], commands = [], button, closing }: Letter): string {
  const factLines = facts.flatMap((fact) => {
    const { label, value, quoted } = fact;
    const lines = linesOfFact(fact);
    if (quoted) return [`${label}:`, ...lines.map((line) => `> ${line}`)];
    return typeof value === 'string'
      ? [`${label}: ${lines.join()}`]
      : [`${label}:`, ...lines.map((line) => `- ${line}`)];
  });
  const paragraphs = [
    [heading],
    sentences,
    factLines,
    commands,
    button ? [`${button.label}:`, button.link] : [],
    closing,
  ];
  return `${paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

// Mail programs drop what they don't know: each rule is a nicety, and without any of them the mail still reads. No
// ground is painted, so that programs with a dark mode can choose their own.
const stylesheet = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) { .soft { color: #a3adb8 !important; } .quote { border-color: #57606a !important; } }
`;
const soft = 'color:#57606a;font-size:14px;';
const small = `margin:0 0 4px;${soft}`;
const font = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,sans-serif;font-size:16px;line-height:1.5;';
const mono = 'font-family:ui-monospace,Consolas,Menlo,monospace;font-size:14px;';

function htmlOf({ heading, sentences, facts = [], commands = [], button, closing }: Letter): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${heading}</title>
<style>${stylesheet}</style>
</head>
<body style="margin:0;padding:20px;${font}overflow-wrap:anywhere;">
<div style="max-width:560px;margin:0 auto;">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;">${heading}</h1>
${sentences.map((sentence) => html`<p style="margin:0 0 12px;">${sentence}</p>\n`)}${facts.map(factHtml)}${commands.map(
  (command) => html`<pre style="margin:16px 0;white-space:pre-wrap;${mono}">${command}</pre>\n`,
)}${button && buttonHtml(button)}${closing.map((line) => html`<p class="soft" style="${small}">${line}</p>\n`)}</div>
</body>
</html>
`.toString();
}

function factHtml(fact: Fact): Html {
  const { label, quoted } = fact;
  const shown = linesOfFact(fact).map((line, index) => (index === 0 ? html`${line}` : html`<br>${line}`));
  const style = quoted ? 'margin:0 0 12px;padding-left:12px;border-left:3px solid #d5dae0;' : 'margin:0 0 12px;';
  return html`<p class="soft" style="margin:0;${soft}">${label}</p>
<p${quoted ? html` class="quote"` : undefined} style="${style}">${shown}</p>
`;
}

/** The address is there to be read too: people should see where a link leads. */
function buttonHtml({ label, link }: { label: string; link: string }): Html {
  const look = 'display:inline-block;padding:14px 28px;border-radius:8px;font-weight:600;text-decoration:none;';
  return html`<p style="margin:24px 0 12px;"><a href="${link}" style="${look}background:#0b57a4;color:#ffffff;">${label}</a></p>
<p class="soft" style="margin:0 0 16px;${soft}">${link}</p>
`;
}
