import { type AccessRequest, isEnded } from '../domain/access-request.ts';
import type { Refusal } from '../domain/errors.ts';
import { type Person, reasonLength } from '../domain/policy.ts';
import type { Instant } from '../domain/time.ts';
import { type Html, html } from './escape.ts';
import { factList, layout, quotation, statusBox } from './layout.ts';
import { canBeAnswered, factsOf, roleOf, type Status, statusOf } from './request-words.ts';
import { describeInstant, fullNameOf, nameOf, refusalSentences } from './words.ts';

/** What is asked, and, while it waits for an answer, the form to answer with. */
export function approvalPage(about: {
  readonly request: AccessRequest;
  readonly approver: Person;
  readonly plans: readonly string[];
  readonly now: Instant;
}): string {
  const { request, approver, plans, now } = about;
  const title = `${nameOf(request.requester)} asks for ${roleOf(request)}`;
  return layout(
    title,
    html`<h1>${title}</h1>
${statusBox(statusOf(request, now))}
${decisionOf(request)}
${factList(factsOf(request, plans))}
${canBeAnswered(request, now) ? form(approver) : lookAgain(request)}`,
  );
}

function form(approver: Person): Html {
  return html`<form method="post">
<label for="comment">Comment</label>
<p class="hint" id="comment-hint">Optional. The requester and the other approvers read it.</p>
<textarea id="comment" name="comment" maxlength="${reasonLength}" aria-describedby="comment-hint" autocomplete="off"></textarea>
<div class="answers">
<button class="approve" name="decision" value="approve">Approve</button>
<button class="deny" name="decision" value="deny">Deny</button>
</div>
<p class="after">You answer as ${fullNameOf(approver)}.</p>
</form>`;
}

/** Who decided what, and what they wrote. */
function decisionOf({ decision }: AccessRequest): Html | undefined {
  if (!decision) return undefined;
  const { by, outcome, at, comment } = decision;
  return html`<p>${fullNameOf(by)} ${outcome} this on ${describeInstant(at)}.</p>
${comment.trim() === '' ? undefined : quotation(comment)}`;
}

/** An empty address is the page's own, asked for anew. */
function lookAgain({ state }: AccessRequest): Html | undefined {
  return isEnded(state) ? undefined : html`<p><a class="again" href="">Look again</a></p>`;
}

/** What became of an answer: of this one, or of the one that came before it. */
export function outcomePage(about: {
  readonly request: AccessRequest;
  readonly approver: Person;
  /** Why the answer changed nothing. */
  readonly refusal?: Refusal | undefined;
  /** The answer was taken, and what comes of it isn't known yet. */
  readonly pending?: boolean | undefined;
  readonly now: Instant;
}): string {
  const { request, now } = about;
  const lead = leadOf(about);
  const status = statusOf(request, now);
  return layout(
    lead.heading,
    html`<h1>${lead.heading}</h1>
${lead.sentences.map((sentence) => html`<p>${sentence}</p>`)}
<h2>${nameOf(request.requester)}: ${roleOf(request)}</h2>
${statusBox(status)}
${decisionOf(request)}
${lookAgain(request)}`,
  );
}

function leadOf(about: Parameters<typeof outcomePage>[0]): Pick<Status, 'heading' | 'sentences'> {
  const { request, approver, refusal, pending } = about;
  const { decision, state } = request;
  const own = decision?.by.principalId === approver.principalId;
  if (decision && (!own || refusal?.code === 'CURFEW_ALREADY_DECIDED')) {
    const heading = `${own ? 'You' : nameOf(decision.by)} had ${decision.outcome} it already`;
    return { heading, sentences: ['Your answer changed nothing.'] };
  }
  if (refusal) {
    return { heading: 'Your answer was not taken', sentences: [...refusalSentences(refusal), `Code: ${refusal.code}`] };
  }
  if (!decision) {
    return pending
      ? {
          heading: 'Your answer is being worked on',
          sentences: ['Curfew has received it. Whether it counts is not known yet: look again in a moment.'],
        }
      : { heading: 'The request has changed', sentences: [] };
  }
  if (decision.outcome === 'denied') return { heading: 'You denied it', sentences: [] };
  if (state === 'failed') return { heading: 'You approved it, but it could not be granted', sentences: [] };
  return { heading: 'You approved it', sentences: [] };
}

/** A refusal where there is nothing else to show. */
export function errorPage({ refusal }: { readonly refusal: Refusal }): string {
  const [sentence = '', ...more] = refusalSentences(refusal);
  return layout(
    sentence,
    html`<h1>${sentence}</h1>
${more.map((line) => html`<p>${line}</p>`)}
<p class="after">Code: <code>${refusal.code}</code></p>`,
  );
}
