import type { AccessRequest } from '../domain/access-request.ts';
import { type Person, reasonLength } from '../domain/policy.ts';
import type { Instant } from '../domain/time.ts';
import { type Html, html } from './escape.ts';
import { commentField, csrfField, factList, layout, lookAgain, type SignedIn, statusBox } from './layout.ts';
import { type Fact, roleOf, whatWasDone } from './request-words.ts';
import { canBeReviewed, statusOf } from './status.ts';
import { fullNameOf, nameOf } from './words.ts';
import { describeInstant } from './zones.ts';

interface Reviewed extends SignedIn {
  readonly request: AccessRequest;
  readonly reviewer: Person;
  readonly plans: readonly string[];
  readonly csrf: string;
  readonly now: Instant;
}

/** What was done with a broken glass, and, while a review is owed and can be given, the form to confirm it with. */
export function reviewPage(about: Reviewed): string {
  const { request, reviewer, plans, now } = about;
  const { timeZone } = reviewer;
  const title = `${nameOf(request.requester)} broke the glass for ${roleOf(request)}`;
  return layout(
    title,
    html`<h1>${title}</h1>
${statusBox(statusOf(request, now, timeZone))}
${factList(reviewOf(request, timeZone))}
${factList([...whatWasDone(request, timeZone), { label: 'What was granted', value: plans }])}
${answer(about)}`,
    about,
  );
}

/** Who has looked at it, and what they wrote. */
export function reviewOf({ review }: AccessRequest, timeZone?: string): Fact[] {
  if (typeof review !== 'object') return [];
  const label = `Reviewed by ${fullNameOf(review.by)} on ${describeInstant(review.at, timeZone)}`;
  return review.comment.trim() === ''
    ? [{ label, value: 'Without a comment.' }]
    : [{ label, value: review.comment, quoted: true }];
}

function answer({ request, reviewer, csrf }: Reviewed): Html | undefined {
  if (request.review !== 'owed') return undefined;
  if (reviewer.principalId === request.requester.principalId) {
    return html`<p>You broke the glass yourself: somebody else has to review it.</p>`;
  }
  if (!canBeReviewed(request)) return html`<p>It can be reviewed once the access has ended.</p>${lookAgain()}`;
  return html`<h2>Your review</h2>
<form method="post">
${csrfField(csrf)}
${commentField('Optional: what you found. It stays with the request.', reasonLength)}
<div class="answers">
<button class="approve" name="decision" value="reviewed">I have reviewed it</button>
</div>
<p class="after">You answer as ${fullNameOf(reviewer)}.</p>
</form>`;
}
