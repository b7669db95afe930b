import type { Refusal } from '../domain/errors.ts';
import { type Html, html } from './escape.ts';
import { csrfField, layout, type SignedIn } from './layout.ts';
import { refusalSentences } from './page-remedies.ts';

/** What can be done next: a link to follow, or a form to send. */
export type Action =
  | { readonly label: string; readonly href: string }
  | { readonly label: string; readonly post: string; readonly csrf: string };

/** A page about no request: to sign in, signed in as somebody else, signed out. */
export function messagePage(
  about: SignedIn & {
    readonly title: string;
    readonly sentences: readonly string[];
    readonly action?: Action | undefined;
  },
): string {
  const { title, sentences, action } = about;
  return layout(
    title,
    html`<h1>${title}</h1>
${sentences.map((sentence) => html`<p>${sentence}</p>`)}
${action && next(action)}`,
    about,
  );
}

/** A refusal where there is nothing else to show. It says nothing of any request. */
export function errorPage(
  about: SignedIn & { readonly refusal: Refusal; readonly action?: Action | undefined },
): string {
  const { refusal, action } = about;
  const [sentence = '', ...more] = refusalSentences(refusal);
  return layout(
    sentence,
    html`<h1>${sentence}</h1>
${more.map((line) => html`<p>${line}</p>`)}
${action && next(action)}
<p class="after">Code: <code>${refusal.code}</code></p>`,
    about,
  );
}

function next(action: Action): Html {
  if ('href' in action) return html`<p class="answers"><a class="action" href="${action.href}">${action.label}</a></p>`;
  return html`<form method="post" action="${action.post}" class="answers">
${csrfField(action.csrf)}
<button class="action">${action.label}</button>
</form>`;
}
