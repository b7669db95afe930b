import type { AccessRequest } from '../domain/access-request.ts';
import { CurfewError } from '../domain/errors.ts';
import { describeDuration, type Instant, plus } from '../domain/time.ts';
import type { MailMessage } from '../ports.ts';
import { describePlace, endByHand } from '../providers/index.ts';
import { writeMail } from './letter.ts';
import { linkNotes, type Notice } from './notice.ts';
import { type Fact, factsOf, roleOf, whatWasDone } from './request-words.ts';
import { sayWay, statusOf } from './status.ts';
import { fullNameOf, nameOf, sentenceOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** To the requester and the approvers: the access should have ended, and nobody can say that it is gone. */
export function overdueMail({ request, recipient, now }: Notice): MailMessage {
  const { requester, terms, deadline, delay } = request;
  const at = (instant: Instant) => describeInstant(instant, recipient.timeZone);
  const byHand = terms.entitlements.map(endByHand);
  const alarm = `OVERDUE: ${roleOf(request)} may still be held by ${nameOf(requester)}`;
  const facts: Fact[] = [
    { label: 'Who', value: exactly(request) },
    ...(deadline === undefined ? [] : [{ label: 'Deadline', value: at(deadline) }]),
    ...(delay
      ? [
          {
            label: 'Tried',
            value: `Attempt ${delay.attempt}, ${at(delay.at)}: ${sentenceOf(delay.code)} (${delay.code})`,
          },
        ]
      : []),
    {
      label: 'Where',
      value: byHand.map(({ what }) => what),
    },
    {
      label: 'What to do',
      value: [...new Set(byHand.flatMap(({ steps }) => steps))],
    },
  ];
  return writeMail({
    to: recipient.mail,
    subject: alarm,
    heading: alarm,
    sentences: [`As of ${at(now)} the end of this access can’t be confirmed.`],
    facts,
    closing: [request.id],
  });
}

/** To the approvers and to whoever looks after Curfew: the access has ended, and something else lets the same person in. */
export function stillHeldMail({ request, recipient, now }: Notice): MailMessage {
  const { requester, terms, revoked } = request;
  const title = `${nameOf(requester)} is still let in: ${roleOf(request)} has ended, and something else gives the same`;
  const { heading, sentences } = statusOf(request, now, recipient.timeZone);
  return writeMail({
    to: recipient.mail,
    subject: title,
    heading: title,
    sentences: ['Curfew took away what it had given. What it did not give it does not take.'],
    facts: [
      { label: 'Who', value: exactly(request) },
      { label: 'How it ended', value: [heading, ...sentences] },
      {
        label: 'What still lets them in',
        value: (revoked?.evidence ?? []).flatMap(({ entitlement, stillBy = [] }) =>
          stillBy.map((way) => `${sayWay(way)}, in ${describePlace(entitlement)}`),
        ),
      },
      {
        label: 'What to do',
        value: [
          'If it is meant to be so, nothing.',
          `If it is not, take them out of it. ${roleOf(request)} can then be asked for whenever it is needed: ${terms.roleDescription}`,
        ],
      },
    ],
    closing: [request.id],
  });
}

/** The bell: to everybody whom the policy names, at once. */
export function glassBrokenMail({
  request,
  recipient,
  now,
  plans,
}: Notice & { readonly plans: readonly string[] }): MailMessage {
  const alarm = `BREAK-GLASS: ${nameOf(request.requester)} took ${roleOf(request)} without approval`;
  const at = (instant: Instant) => describeInstant(instant, recipient.timeZone);
  const { deadline, duration, changedAt, id } = request;
  return writeMail({
    to: recipient.mail,
    subject: alarm,
    heading: alarm,
    sentences: [
      `Nobody approved this. It lasts ${describeDuration(duration)}, until ${
        deadline === undefined ? `about ${at(plus(changedAt, duration))}` : at(deadline)
      }.`,
      'If this is not expected, end the access now: with Curfew’s API, or by way of the people who run Curfew. Give them the number below.',
    ],
    facts: [
      ...factsOf(request, plans, recipient.timeZone),
      { label: 'Object id', value: request.requester.principalId },
    ],
    closing: [
      `Once it has ended somebody has to review it. Written on ${at(now)}.`,
      `Sent to ${fullNameOf(recipient)}. ${id}`,
    ],
  });
}

/** To whoever owes the review of a broken glass, again and again until one of them has given it. */
export function reviewMail(notice: Notice & { readonly link: string }): MailMessage {
  const { request, recipient, now, link } = notice;
  const { breakGlass } = request.terms;
  if (!breakGlass) throw new CurfewError('CURFEW_INTERNAL', { detail: 'No glass was broken.' });
  const at = (instant: Instant) => describeInstant(instant, recipient.timeZone);
  const heading = `Review what ${nameOf(request.requester)} did with ${roleOf(request)}`;
  const { heading: end, sentences } = statusOf(request, now, recipient.timeZone);
  return writeMail({
    to: recipient.mail,
    subject: `Review owed: ${nameOf(request.requester)} broke the glass for ${roleOf(request)}`,
    heading,
    sentences: [
      `${nameOf(request.requester)} took this access without approval. Find out whether it was needed and what was done.`,
      `The review has been owed since ${at(request.changedAt)}. You are reminded every ${describeDuration(
        breakGlass.review.within,
      )} until somebody has given it.`,
    ],
    facts: [...whatWasDone(request, recipient.timeZone), { label: 'How it ended', value: [end, ...sentences] }],
    button: { label: 'Look and confirm the review', link },
    closing: linkNotes(notice),
  });
}

/** Of names there are many alike. */
function exactly({ requester }: AccessRequest): string {
  return `${fullNameOf(requester)}, object id ${requester.principalId}`;
}
