import { awaitedApprovers } from '../domain/access-request.ts';
import { CurfewError } from '../domain/errors.ts';
import { describeDuration } from '../domain/time.ts';
import type { MailMessage } from '../ports.ts';
import { writeMail } from './letter.ts';
import { counted, linkNotes, type Notice } from './notice.ts';
import { elsewhere } from './remedy-words.ts';
import { answersOf, deciderOf, factsOf, shortened, wishOf } from './request-words.ts';
import { progressOf, statusOf } from './status.ts';
import { fullNameOf, nameOf } from './words.ts';
import { describeInstant } from './zones.ts';

/** So many names are read; of more, the number says enough. */
const mostNames = 8;

/** To an approver: what is asked, and the link to answer by. The link is in this mail and nowhere else. */
export function approvalMail(
  notice: Notice & { readonly link: string; readonly plans: readonly string[]; readonly isReminder: boolean },
): MailMessage {
  const { request, recipient, link, plans, isReminder } = notice;
  const asked = `${nameOf(request.requester)} asks for ${wishOf(request)}`;
  const length = request.extends === undefined ? ` for ${describeDuration(request.duration)}` : '';
  return writeMail({
    to: recipient.mail,
    subject: `${isReminder ? 'Reminder: ' : ''}${asked}${length}`,
    heading: asked,
    sentences: [
      ...(isReminder ? ['Your answer is still missing.'] : []),
      ...progressOf(request),
      `Approve or deny it by ${counted(notice, request.approveBy)}.`,
    ],
    facts: [...factsOf(request, plans, recipient.timeZone), ...answersOf(request, recipient.timeZone)],
    button: { label: 'Look and answer', link },
    closing: linkNotes(notice),
  });
}

/** To the requester, when a stage begins: who is asked now, and until when. */
export function waitingMail(notice: Notice): MailMessage {
  const { request, recipient } = notice;
  const awaited = awaitedApprovers(request).map(fullNameOf);
  const more = awaited.length - mostNames;
  const { length } = request.terms.stages;
  return writeMail({
    to: recipient.mail,
    subject: `Waiting for approval${length > 1 ? `, stage ${request.stage + 1} of ${length}` : ''}: ${wishOf(request)}`,
    heading: `${wishOf(request)} waits for approval`,
    sentences: [...progressOf(request), `It can be answered until ${counted(notice, request.approveBy)}.`],
    facts: [
      {
        label: awaited.length === 1 ? 'Asked now' : 'Any of these can answer',
        value: more > 0 ? [...awaited.slice(0, mostNames), `and ${more} more`] : awaited,
      },
      ...answersOf(request, recipient.timeZone),
    ],
    closing: [`Not needed any more? Withdraw the request ${elsewhere}.`, request.id],
  });
}

/** To the requester; and to those who approved or were asked, and now need not answer. */
export function decidedMail({ request, recipient, now }: Notice): MailMessage {
  const { decision, requester, approvals } = request;
  if (!decision) throw new CurfewError('CURFEW_INTERNAL', { detail: 'Nobody has decided on the request.' });
  const own = recipient.principalId === requester.principalId;
  const heading = `${deciderOf(decision)} ${decision.outcome} ${wishOf(request)} for ${own ? 'you' : nameOf(requester)}`;
  const status = statusOf(request, now, recipient.timeZone);
  const done = [requester, decision.by, ...approvals.map(({ by }) => by)];
  const hasAnswered = done.some((person) => person?.principalId === recipient.principalId);
  return writeMail({
    to: recipient.mail,
    subject: heading,
    heading,
    sentences: [
      ...(decision.outcome === 'approved' && request.extends === undefined
        ? [`It is for ${describeDuration(request.duration)}.`, ...shortened(request)]
        : shortened(request)),
      ...(hasAnswered ? [] : ['You need not answer any more.']),
    ],
    facts: [
      ...answersOf(request, recipient.timeZone),
      {
        label: `As of ${describeInstant(now, recipient.timeZone)}`,
        value: [status.heading, ...status.sentences],
      },
    ],
    closing: [request.id],
  });
}
