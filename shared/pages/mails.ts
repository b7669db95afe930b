import type { AccessRequest } from '../domain/access-request.ts';
import { CurfewError } from '../domain/errors.ts';
import type { Person } from '../domain/policy.ts';
import { describeDuration, type Instant } from '../domain/time.ts';
import type { MailMessage } from '../ports.ts';
import { writeMail } from './letter.ts';
import { type Fact, factsOf, heldBefore, roleOf, statusOf } from './request-words.ts';
import { describeInstant, describeWait, fullNameOf, nameOf, sentenceOf } from './words.ts';

/** A mail about the request as it is, written now. */
interface Notice {
  readonly request: AccessRequest;
  readonly now: Instant;
}

/** To an approver: what is asked, and the link to answer by. The link is in this mail and nowhere else. */
export function approvalMail(about: {
  readonly request: AccessRequest;
  readonly approver: Person;
  readonly link: string;
  readonly plans: readonly string[];
  readonly now: Instant;
}): MailMessage {
  const { request, approver, link, plans, now } = about;
  const asked = `${nameOf(request.requester)} asks for ${roleOf(request)}`;
  return writeMail({
    to: approver.mail,
    subject: `${asked} for ${describeDuration(request.terms.duration)}`,
    heading: asked,
    sentences: [
      `Approve or deny it by ${describeInstant(request.terms.approveBy)}${within(now, request.terms.approveBy)}.`,
    ],
    facts: factsOf(request, plans),
    button: { label: 'Look and answer', link },
    closing: [
      'Opening the link decides nothing. It was made for you: don’t pass it on.',
      `Sent to ${fullNameOf(approver)}. ${request.id}`,
    ],
  });
}

/** To the requester, or to an approver who now need not answer. */
export function decidedMail({ request, recipient, now }: Notice & { recipient: Person }): MailMessage {
  const { decision, requester } = request;
  if (!decision) throw new CurfewError('CURFEW_INTERNAL', { detail: 'Nobody has decided on the request.' });
  const own = recipient.principalId === requester.principalId;
  const heading = `${nameOf(decision.by)} ${decision.outcome} ${roleOf(request)} for ${own ? 'you' : nameOf(requester)}`;
  const status = statusOf(request, now);
  return writeMail({
    to: recipient.mail,
    subject: heading,
    heading,
    sentences: own || recipient.principalId === decision.by.principalId ? [] : ['You need not answer any more.'],
    facts: [
      { label: 'Decided by', value: fullNameOf(decision.by) },
      { label: 'When', value: describeInstant(decision.at) },
      ...(decision.comment.trim() === '' ? [] : [{ label: 'Comment', value: decision.comment, quoted: true } as const]),
      { label: `As of ${describeInstant(now)}`, value: [status.heading, ...status.sentences] },
    ],
    closing: [request.id],
  });
}

/** To the requester, once the target shows the access. */
export function grantedMail({ request, now }: Notice): MailMessage {
  const { terms, deadline } = request;
  if (deadline === undefined) throw new CurfewError('CURFEW_INTERNAL', { detail: 'Nothing has been granted.' });
  const connections = terms.entitlements.map(
    ({ server, port, database }) => `sqlcmd -S ${shellWord(`${server},${port}`)} -d ${shellWord(database)} -G`,
  );
  return writeMail({
    to: request.requester.mail,
    subject: `You have ${roleOf(request)} until ${describeInstant(deadline)}`,
    heading: `You have ${roleOf(request)}`,
    sentences: [
      `Until ${describeInstant(deadline)}${within(now, deadline)}. The access and its open sessions end at that moment.`,
      ...heldBefore(request),
      'Connect with your own account, for example so:',
    ],
    commands: [...new Set(connections)],
    closing: [`Done sooner? POST /api/requests/${request.id}/revoke ends the access at once.`],
  });
}

/** To the requester, once it is over: expired, ended early, failed, or never begun. */
export function endedMail({ request, now }: Notice): MailMessage {
  const { heading, sentences } = statusOf(request, now);
  return writeMail({
    to: request.requester.mail,
    subject: `${roleOf(request)}: ${heading}`,
    heading: `${roleOf(request)}: ${heading}`,
    sentences,
    closing: [request.id],
  });
}

/** An alarm to the address `to`: the access should have ended, and nobody can say that it is gone. */
export function overdueMail({ request, to, now }: Notice & { to: string }): MailMessage {
  const { requester, terms, deadline, delay } = request;
  const alarm = `OVERDUE: ${roleOf(request)} may still be held by ${nameOf(requester)}`;
  const facts: Fact[] = [
    { label: 'Who', value: `${fullNameOf(requester)}, object id ${requester.principalId}` },
    ...(deadline === undefined ? [] : [{ label: 'Deadline', value: describeInstant(deadline) }]),
    ...(delay
      ? [
          {
            label: 'Tried',
            value: `Attempt ${delay.attempt}, ${describeInstant(delay.at)}: ${sentenceOf(delay.code)} (${delay.code})`,
          },
        ]
      : []),
    {
      label: 'Where',
      value: terms.entitlements.map(
        ({ server, port, database, role }) => `Role ${role} in database ${database} on ${server}, port ${port}`,
      ),
    },
    {
      label: 'What to do',
      value: [
        'Tell the people who run Curfew and this database.',
        'See that the server answers, and that Curfew’s identity may still alter the role.',
        'If the access must end at once, take the person out of the role and end their sessions by hand. Curfew goes on trying, and records the end once the target shows it.',
      ],
    },
  ];
  return writeMail({
    to,
    subject: alarm,
    heading: alarm,
    sentences: [`As of ${describeInstant(now)} the end of this access can’t be confirmed.`],
    facts,
    closing: [request.id],
  });
}

/** A mail is read later than it is written: what is left is counted from the mail. */
function within(now: Instant, instant: Instant): string {
  const wait = describeWait(now, instant);
  return wait === undefined ? '' : ` (${wait} after this mail)`;
}

/** One word for a shell. A database may have a name with spaces, quotes and worse. */
function shellWord(text: string): string {
  return /^[\w.,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
