import { createHash } from 'node:crypto';
import type { Application, Person } from './company.ts';
import type { OAuthError } from './errors.ts';
import { Html, html } from './html.ts';
import type { Reply } from './http.ts';

const style = `
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{max-width:30rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem}
.note{border-left:.25rem solid #b45309;padding-left:.75rem}
form{display:grid;gap:.5rem;margin:1.5rem 0}
button{font:inherit;text-align:left;padding:.75rem 1rem;border:1px solid #767676;border-radius:.5rem;background:Field;color:FieldText;cursor:pointer}
button:hover:enabled{border-color:#2563eb}
button:focus-visible{outline:.2rem solid #2563eb;outline-offset:.1rem}
button:disabled{cursor:not-allowed;opacity:.7}
button strong,button span{display:block;overflow-wrap:anywhere}
`;
const styleHash = createHash('sha256').update(style).digest('base64');

/** One button per person. The request travels in hidden fields and is checked again when it comes back. */
export function signInPage(
  people: readonly Person[],
  client: Application,
  redirectUri: string,
  parameters: URLSearchParams,
): Reply {
  const hint = parameters.get('login_hint')?.toLowerCase();
  const first = (person: Person): number => (person.userPrincipalName.toLowerCase() === hint ? 0 : 1);
  const ordered = people.toSorted((a, b) => first(a) - first(b));
  const body = html`<h1>Sign in to ${client.displayName}</h1>
<p class="note">This is a stand-in for Microsoft Entra ID on this computer, for trying and testing. The people are invented, and nobody needs a password.</p>
<form method="post" action="authorize">
${[...parameters]
  .filter(([name]) => name !== 'mfa')
  .map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
  )}<label><input type="checkbox" name="mfa" value="yes"> with a second factor</label>
<p id="who">Choose who you are:</p>
${ordered.map(personButton)}</form>
<p>You then go on to <strong>${new URL(redirectUri).origin}</strong>.</p>`;
  // Browsers hold the redirect that answers a form to the same rule as the form itself.
  return page(200, `Sign in to ${client.displayName}`, body, `'self' ${new URL(redirectUri).origin}`);
}

const personButton = (person: Person): Html => html`<button name="person" value="${person.id}"${new Html(
  person.accountEnabled ? '' : ' disabled',
)}><strong>${person.displayName}</strong><span>${person.userPrincipalName}</span><span>${person.jobTitle ?? ''}${
  person.accountEnabled ? '' : ' (account disabled)'
}</span></button>
`;

export const errorPage = (error: OAuthError): Reply =>
  page(
    error.status,
    'Sign-in failed',
    html`<h1>Sign-in failed</h1>
<p class="note">The stand-in for Microsoft Entra ID refused the request.</p>
<p role="alert">${error.description}</p>
<p>Error: <code>${error.error}</code></p>`,
  );

export const signedOutPage = (): Reply =>
  page(
    200,
    'Signed out',
    html`<h1>Signed out</h1><p>The stand-in for Microsoft Entra ID keeps no session of yours.</p>`,
  );

function page(status: number, title: string, body: Html, formAction = "'none'"): Reply {
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} (stand-in)</title><style>${new Html(style)}</style></head>
<body><main>${body}</main></body></html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // Same-origin keeps the Origin header on the page's own form, and tells nobody else anything.
      'referrer-policy': 'same-origin',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
    },
    body: document.text,
  };
}
