import { type AccessRequest, awaitedApprovers } from '../domain/access-request.ts';
import { type Person, reasonLength } from '../domain/policy.ts';
import { isEnded } from '../domain/states.ts';
import { oneLine } from '../domain/text.ts';
import { describeDuration, type Instant, plus } from '../domain/time.ts';
import { type Html, html } from './escape.ts';
import { commentField, csrfField, factList, layout, lookAgain, type SignedIn, statusBox } from './layout.ts';
import { answersOf, factsOf, wishOf } from './request-words.ts';
import { canBeAnswered, statusOf } from './status.ts';
import { fullNameOf, nameOf } from './words.ts';
import { describeInstant } from './zones.ts';

interface Asked extends SignedIn {
  readonly request: AccessRequest;
  readonly approver: Person;
  readonly plans: readonly string[];
  /** The requester's other requests, newest first. */
  readonly history: readonly AccessRequest[];
  /** What the policy says, a sentence each. */
  readonly rules: readonly string[];
  /** The stage that the link answers; the one that is being answered where it is left out. */
  readonly stage?: number | undefined;
  readonly csrf: string;
  readonly now: Instant;
}

const shownOfHistory = 5;

/** What is asked, and, while it waits for this person's answer, the form to answer with. */
export function approvalPage(about: Asked): string {
  const { request, approver, plans, now } = about;
  const { timeZone } = approver;
  const title = `${nameOf(request.requester)} asks for ${wishOf(request)}`;
  return layout(
    title,
    html`<h1>${title}</h1>
${statusBox(statusOf(request, now, timeZone))}
${factList(answersOf(request, timeZone))}
${factList(factsOf(request, plans, timeZone))}
${past(about)}
${policy(about)}
${isAwaited(about) ? form(about) : whyNot(about)}`,
    about,
  );
}

function isAwaited({ request, approver, stage = request.stage, now }: Asked): boolean {
  const isAsked = awaitedApprovers(request).some(({ principalId }) => principalId === approver.principalId);
  return isAsked && stage === request.stage && canBeAnswered(request, now);
}

function form({ request, approver, csrf, now }: Asked): Html {
  const longest = describeDuration(request.duration);
  return html`<h2>Your answer</h2>
<form method="post">
${csrfField(csrf)}
${commentField('Optional. The requester and the other approvers read it.', reasonLength)}
<label for="duration">For less time</label>
<p class="hint" id="duration-hint">Optional, such as 30m or 1h30m. At most ${longest}.</p>
<input id="duration" name="duration" maxlength="40" aria-describedby="duration-hint" autocomplete="off" autocapitalize="none" spellcheck="false">
${untilWhen(request, now, approver.timeZone)}
<div class="answers">
<button class="approve" name="decision" value="approve">Approve</button>
<button class="deny" name="decision" value="deny">Deny</button>
</div>
<p class="after">You answer as ${fullNameOf(approver)}.</p>
</form>`;
}

/** Of an extension only the other request knows the end that it moves; of an early stage nobody knows when the last is passed. */
function untilWhen({ terms, stage, duration, extends: extended }: AccessRequest, now: Instant, timeZone?: string) {
  if (extended !== undefined || stage + 1 < terms.stages.length) return undefined;
  const end = plus(terms.startsAt ?? now, duration);
  return html`<p class="after">Approved now, it ends on ${describeInstant(end, timeZone)}.</p>`;
}

function whyNot({ request, approver, now }: Asked): Html | undefined {
  const own = request.approvals.find(({ by }) => by.principalId === approver.principalId);
  const sentence = canBeAnswered(request, now)
    ? `Nothing is asked of you${own ? ' any more: you have approved it.' : ' in this stage.'}`
    : undefined;
  return html`${sentence === undefined ? undefined : html`<p>${sentence}</p>`}${isEnded(request.state) ? undefined : lookAgain()}`;
}

function past({ request, approver, history, now }: Asked): Html {
  const { timeZone } = approver;
  const others = history.filter(({ id }) => id !== request.id).slice(0, shownOfHistory);
  if (others.length === 0) return html`<p class="hint">No other requests by ${nameOf(request.requester)} lately.</p>`;
  return html`<details>
<summary>Earlier requests by ${nameOf(request.requester)} (${others.length})</summary>
<ul>${others.map(
    (other) => html`
<li><strong>${wishOf(other)}</strong>
<p>${describeInstant(other.submittedAt, timeZone)}</p>
<p>${statusOf(other, now, timeZone).heading}</p>
${other.reason.trim() === '' ? undefined : html`<p class="hint">${oneLine(other.reason, 160)}</p>`}</li>`,
  )}
</ul>
</details>`;
}

function policy({ rules }: Asked): Html | undefined {
  if (rules.length === 0) return undefined;
  return html`<details>
<summary>What the policy says (${rules.length})</summary>
<ul>${rules.map((rule) => html`\n<li>${oneLine(rule, 1000)}</li>`)}
</ul>
</details>`;
}
