import { oneLine } from '../domain/text.ts';
import { type Html, html, trusted } from './escape.ts';
import { type Fact, linesOfFact } from './request-words.ts';
import type { Status } from './status.ts';
import { stylesheet } from './stylesheet.ts';

/** Who has signed in, and the token without which no form of theirs counts. */
export interface SignedIn {
  readonly signedInAs?: string | undefined;
  readonly csrf?: string | undefined;
}

/** A whole page. `title` is plain text. */
export function layout(title: string, content: Html, { signedInAs, csrf }: SignedIn = {}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Curfew</title>
<style>${trusted(stylesheet)}</style>
</head>
<body>
<header>Curfew</header>
<main>
${content}
</main>
${signedInAs === undefined ? undefined : signOut(signedInAs, csrf)}
</body>
</html>
`.toString();
}

function signOut(signedInAs: string, csrf: string | undefined): Html {
  return html`<footer>
<form method="post" action="/api/sign-out">
${csrfField(csrf)}
<span>Signed in as ${oneLine(signedInAs, 200)}</span>
<button class="quiet">Sign out</button>
</form>
</footer>`;
}

export function csrfField(csrf: string | undefined): Html | undefined {
  return csrf === undefined ? undefined : html`<input type="hidden" name="csrf" value="${csrf}">`;
}

/** A hint is tied to its field, so that who can't see how near it stands hears it too. */
export function commentField(hint: string, longest: number): Html {
  return html`<label for="comment">Comment</label>
<p class="hint" id="comment-hint">${hint}</p>
<textarea id="comment" name="comment" rows="2" maxlength="${longest}" aria-describedby="comment-hint" autocomplete="off"></textarea>`;
}

export function factList(facts: readonly Fact[]): Html | undefined {
  if (facts.length === 0) return undefined;
  return html`<dl>${facts.map((fact) => {
    const lines = linesOfFact(fact).map((line) => html`<p>${line}</p>`);
    return html`
<dt>${fact.label}</dt>
<dd>${fact.quoted ? html`<blockquote>${lines}</blockquote>` : lines}</dd>`;
  })}
</dl>`;
}

export function statusBox({ tone, heading, sentences }: Status): Html {
  return html`<div class="status ${tone}"><strong>${heading}</strong>${sentences.map((line) => html`<p>${line}</p>`)}</div>`;
}

/** An empty address is the page's own, asked for anew. */
export function lookAgain(): Html {
  return html`<p><a class="again" href="">Look again</a></p>`;
}
