import type { AccessRequest } from '../domain/access-request.ts';
import { CurfewError } from '../domain/errors.ts';
import { describeDuration, type Instant, millisecondsOf } from '../domain/time.ts';
import type { MailMessage } from '../ports.ts';
import { connectHint } from '../providers/index.ts';
import { writeMail } from './letter.ts';
import { remedyInMail, remedyOfFailure } from './mail-remedies.ts';
import { counted, type Notice } from './notice.ts';
import { elsewhere } from './remedy-words.ts';
import { roleOf, wishOf } from './request-words.ts';
import { heldBefore, statusOf } from './status.ts';
import { count, describeWait } from './words.ts';
import { describeInstant } from './zones.ts';

/** To the requester, where what was approved can't be given for a while, since it can't be recorded. */
export function heldUpMail({ request, recipient }: Notice): MailMessage {
  const { terms, deadline } = request;
  const [given, end] = request.extends === undefined ? ['granted', 'the access'] : ['extended', 'the grant'];
  const heading = `${wishOf(request)} is held up`;
  return writeMail({
    to: recipient.mail,
    subject: heading,
    heading,
    sentences: [
      `${terms.breakGlass ? 'The glass is broken' : 'It is approved'}, but Curfew can’t record it at the moment, and what isn’t recorded isn’t ${given}.`,
      'It goes on by itself as soon as it can, and you get a mail then. There is nothing for you to do.',
      ...(deadline === undefined
        ? []
        : [`The time is running: ${end} ends on ${describeInstant(deadline, recipient.timeZone)} all the same.`]),
    ],
    closing: ['In a hurry? Ask the people who run Curfew, and give them this number.', request.id],
  });
}

/** To the requester, once the target shows the access. */
export function grantedMail(notice: Notice): MailMessage {
  const { request, recipient } = notice;
  const deadline = deadlineOf(request);
  const connections = request.terms.entitlements.flatMap(connectHint);
  return writeMail({
    to: recipient.mail,
    subject: `You have ${roleOf(request)} until ${describeInstant(deadline, recipient.timeZone)}`,
    heading: `You have ${roleOf(request)}`,
    sentences: [
      `Until ${counted(notice, deadline)}. The access and its open sessions end at that moment.`,
      ...heldBefore(request),
      ...(request.review === 'owed' ? ['Nobody approved it. What you do with it will be reviewed.'] : []),
      ...(connections.length > 0 ? ['Connect with your own account, for example so:'] : []),
    ],
    commands: [...new Set(connections)],
    closing: [...howToGoOn(request), howToEnd, request.id],
  });
}

/** To the requester, shortly before the end. */
export function endingSoonMail(notice: Notice): MailMessage {
  const { request, recipient, now } = notice;
  const deadline = deadlineOf(request);
  const wait = describeWait(now, deadline);
  return writeMail({
    to: recipient.mail,
    subject: `${roleOf(request)} ends ${wait === undefined ? 'now' : `in ${wait}`}`,
    heading: `${roleOf(request)} ends soon`,
    sentences: [
      `It ends on ${counted(notice, deadline)}, and open sessions are cut off at that moment.`,
      'Finish what you are doing, and commit or roll back what is open.',
    ],
    closing: [
      ...howToGoOn(request, 'Need longer?', `It can’t be extended. ${remedyInMail({ kind: 'ask-for-new-access' })}`),
      request.id,
    ],
  });
}

/** To the requester, once an extension has moved the deadline. */
export function extendedMail(notice: Notice): MailMessage {
  const { request, recipient } = notice;
  const deadline = deadlineOf(request);
  return writeMail({
    to: recipient.mail,
    subject: `Extended: you have ${roleOf(request)} until ${describeInstant(deadline, recipient.timeZone)}`,
    heading: `${roleOf(request)} was extended`,
    sentences: [
      `You have it until ${counted(notice, deadline)}. The access and its open sessions end at that moment.`,
      'Sessions that are open now go on.',
    ],
    closing: [...howToGoOn(request, 'Need longer still?'), howToEnd, request.id],
  });
}

/** To the requester, once it is over: expired, ended early, failed, extended, or never begun. */
export function endedMail({ request, recipient, now }: Notice): MailMessage {
  const { heading, sentences } = statusOf(request, now, recipient.timeZone);
  const title = `${wishOf(request)}: ${heading}`;
  return writeMail({
    to: recipient.mail,
    subject: title,
    heading: title,
    sentences,
    closing: [...whatNext(request), request.id],
  });
}

function whatNext(request: AccessRequest): string[] {
  const { state, extends: extended } = request;
  if (state === 'extended') return [`${howToEnd} Its number is ${extended}.`];
  const again = remedyInMail({ kind: 'ask-for-new-access' });
  if (state === 'timed-out') return [`Still need it? ${again} Tell an approver that you wait.`];
  return [state === 'failed' ? remedyInMail(remedyOfFailure(request)) : `Need it again? ${again}`];
}

const howToEnd = `Done sooner? ${remedyInMail({ kind: 'end-the-access' })}`;

/** How to extend where the terms still allow it; otherwise what is given for that case, if anything. */
function howToGoOn(request: AccessRequest, question = 'Need longer?', otherwise?: string): string[] {
  const { terms, extensions, beganAt, deadline } = request;
  const { times, total } = terms.extension;
  const left = times - extensions.length;
  const held = beganAt && deadline ? millisecondsOf(deadline) - millisecondsOf(beganAt) : 0;
  if (left <= 0 || held >= total) return otherwise === undefined ? [] : [otherwise];
  const bounds = `${count(left, 'time')} more, up to ${describeDuration(total)} in all`;
  return [`${question} Ask to extend it ${elsewhere}, before it ends: ${bounds}.`];
}

function deadlineOf({ deadline }: AccessRequest): Instant {
  if (deadline === undefined) throw new CurfewError('CURFEW_INTERNAL', { detail: 'Nothing has been granted.' });
  return deadline;
}
