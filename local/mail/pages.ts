import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import type { StoredMessage } from './store.ts';

export interface Page {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const style = `
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{max-width:48rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin-top:2rem}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end;margin:1rem 0}
label{display:grid}
input,button{font:inherit;padding:.5rem;min-width:0}
ul{list-style:none;padding:0}
li{border-top:1px solid #8888;padding:.75rem 0;overflow-wrap:anywhere}
li a{display:block;font-weight:600}
.dim{opacity:.75}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}
dt{font-weight:600}
dd{margin:0;overflow-wrap:anywhere}
iframe{box-sizing:border-box;width:100%;height:32rem;border:1px solid #8888;background:#fff;color-scheme:light}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8888;padding:.75rem}
a:focus-visible,input:focus-visible,button:focus-visible,summary:focus-visible{outline:.2rem solid #2563eb}
`;
const styleHash = createHash('sha256').update(style).digest('base64');

export function inboxPage(messages: readonly StoredMessage[], to: string, older: string | undefined): Page {
  const title = to === '' ? 'Inbox' : `Inbox of ${to}`;
  return page(
    200,
    title,
    `'sha256-${styleHash}'`,
    html`<h1>${title}</h1>
<p class="dim">Mail sent on this computer ends here; nothing leaves it.</p>
<form method="get" action="/"><label>Recipient<input type="email" name="to" value="${to}" autocomplete="off"></label><button>Show</button></form>
${messages.length === 0 ? html`<p>No mail.</p>` : html`<ul>${messages.map(line)}</ul>`}
${older === undefined ? '' : html`<p><a href="${older}">Older mail</a></p>`}`,
  );
}

const line = (message: StoredMessage): Html => html`<li><a href="/messages/${message.id}">${subjectOf(message)}</a>
<span>To ${message.to.join(', ')}</span> <span class="dim">${time(message)}</span></li>
`;

/**
 * The message as its reader would see it. The HTML part runs in a frame of its own with no scripts, forms or origin, and
 * inherits this page's content policy, so that it loads nothing; its links open outside.
 */
export const messagePage = (message: StoredMessage, raw: string): Page =>
  page(
    200,
    subjectOf(message),
    // The mail brings its own style attributes, which no hash can foresee.
    "'unsafe-inline'",
    html`<p><a href="/">Inbox</a></p>
<h1>${subjectOf(message)}</h1>
<dl><dt>From</dt><dd>${message.from}</dd><dt>To</dt><dd>${message.to.join(', ')}</dd><dt>Received</dt><dd>${time(message)}</dd></dl>
${
  message.html === null
    ? ''
    : html`<h2>As HTML</h2>
<iframe title="The message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${`<base target="_blank">${message.html}`}"></iframe>`
}
<h2>As text</h2>
<pre>${message.text === '' ? '(no text part)' : message.text}</pre>
${
  message.attachments.length === 0
    ? ''
    : html`<h2>Attachments (not shown)</h2>
<ul>${message.attachments.map((each) => html`<li>${each.filename ?? 'without a name'} (${each.mimeType}, ${String(each.bytes)} bytes)</li>`)}</ul>`
}
<h2>Source</h2>
<details><summary>Show the source</summary><pre>${raw}</pre></details>`,
  );

export const notFoundPage = (): Page =>
  page(404, 'Not found', `'sha256-${styleHash}'`, html`<h1>Not found</h1><p><a href="/">Inbox</a></p>`);

const subjectOf = (message: StoredMessage): string => message.subject || '(no subject)';

const time = ({ receivedAt }: StoredMessage): Html =>
  html`<time datetime="${receivedAt}">${receivedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}</time>`;

function page(status: number, title: string, styles: string, body: Html): Page {
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Html(style)}</style></head>
<body><main>${body}</main></body></html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src ${styles}; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    },
    body: document.text,
  };
}
