import { type AccessRequest, isOutcomeOf, missingApprovals } from '../domain/access-request.ts';
import type { PersonCommand } from '../domain/decide.ts';
import type { Refusal } from '../domain/errors.ts';
import type { Person } from '../domain/policy.ts';
import { isEnded } from '../domain/states.ts';
import { describeDuration, type Instant } from '../domain/time.ts';
import { html } from './escape.ts';
import { factList, layout, lookAgain, type SignedIn, statusBox } from './layout.ts';
import { refusalSentences } from './page-remedies.ts';
import { answersOf, deciderOf, shortened, wishOf } from './request-words.ts';
import { reviewOf } from './review-page.ts';
import { statusOf } from './status.ts';
import { count, nameOf } from './words.ts';

interface Answered extends SignedIn {
  readonly request: AccessRequest;
  readonly approver: Person;
  /** The answer that was given; without it, whatever this person has answered counts. */
  readonly command?: Pick<PersonCommand, 'commandId'> | undefined;
  /** Why the answer changed nothing. */
  readonly refusal?: Refusal | undefined;
  /** The answer was taken, and what comes of it isn't known yet. */
  readonly pending?: boolean | undefined;
  readonly now: Instant;
}

interface Lead {
  readonly heading: string;
  readonly sentences: readonly string[];
}

/** What became of an answer or a review: of this one, or of the one that came before it. */
export function outcomePage(about: Answered): string {
  const { request, approver, now } = about;
  const { timeZone } = approver;
  const { heading, sentences } = request.terms.breakGlass ? leadOfReview(about) : leadOfAnswer(about);
  return layout(
    heading,
    html`<h1>${heading}</h1>
${sentences.map((sentence) => html`<p>${sentence}</p>`)}
<h2>${nameOf(request.requester)}: ${wishOf(request)}</h2>
${statusBox(statusOf(request, now, timeZone))}
${factList([...answersOf(request, timeZone), ...reviewOf(request, timeZone)])}
${isEnded(request.state) ? undefined : lookAgain()}`,
    about,
  );
}

function leadOfAnswer(about: Answered): Lead {
  const { request, approver, command, refusal } = about;
  const { decision, approvals } = request;
  const own = [...approvals, ...(decision ? [decision] : [])].find(
    ({ by }) => by?.principalId === approver.principalId,
  );
  const isTaken = command ? isOutcomeOf(request, command.commandId) : own !== undefined && refusal === undefined;
  if (own && isTaken) return leadOfTaken(request, own === decision && decision.outcome === 'denied');
  const changedNothing = ['Your answer changed nothing.'];
  if (own && refusal?.code === 'CURFEW_ALREADY_DECIDED') {
    const verb = own === decision ? decision.outcome : 'approved';
    return { heading: `You had ${verb} it already`, sentences: changedNothing };
  }
  if (decision && (refusal === undefined || refusal.code === 'CURFEW_ALREADY_DECIDED')) {
    return { heading: `${deciderOf(decision)} had ${decision.outcome} it already`, sentences: changedNothing };
  }
  return leadOfUntaken(about, 'answer');
}

/** Between the answer and this page others may have answered: what they made of it is said as well. */
function leadOfTaken(request: AccessRequest, isDenial: boolean): Lead {
  if (isDenial) return { heading: 'You denied it', sentences: [] };
  const { state, decision, terms, duration } = request;
  const yours = `You approved it${duration < terms.duration ? ` for ${describeDuration(duration)}` : ''}`;
  const sentences = shortened(request);
  if (state === 'waiting-for-approval') {
    const missing = missingApprovals(request);
    const needed = missing === 1 ? 'one more approval is' : `${count(missing, 'more approval')} are`;
    return { heading: `${yours}; ${needed} needed`, sentences };
  }
  if (decision?.outcome === 'denied') return { heading: `${yours}, but ${deciderOf(decision)} denied it`, sentences };
  if (state === 'failed') {
    const what = request.extends === undefined ? 'granted' : 'extended';
    return { heading: `${yours}, but it could not be ${what}`, sentences };
  }
  return { heading: yours, sentences };
}

function leadOfReview(about: Answered): Lead {
  const { request, approver, command, refusal } = about;
  const { review } = request;
  if (typeof review !== 'object') return leadOfUntaken(about, 'review');
  const isOwn = review.by.principalId === approver.principalId;
  const isTaken = command ? isOutcomeOf(request, command.commandId) : isOwn && refusal === undefined;
  if (isTaken) return { heading: 'You reviewed it', sentences: ['Thank you. Nobody is reminded of it any more.'] };
  const heading = `${isOwn ? 'You' : nameOf(review.by)} had reviewed it already`;
  return { heading, sentences: ['Your review changed nothing.'] };
}

function leadOfUntaken({ refusal, pending }: Answered, thing: 'answer' | 'review'): Lead {
  if (refusal) {
    const sentences = [...refusalSentences(refusal), `Code: ${refusal.code}`];
    return { heading: `Your ${thing} was not taken`, sentences };
  }
  if (!pending) return { heading: 'The request has changed', sentences: [] };
  return {
    heading: `Your ${thing} is being worked on`,
    sentences: ['Curfew has received it. Whether it counts is not known yet: look again in a moment.'],
  };
}
