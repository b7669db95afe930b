import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { Person } from '../../../shared/domain/policy.ts';
import * as mails from '../../../shared/pages/mails.ts';
import type { MailMessage } from '../../../shared/ports.ts';
import { ada, bob } from '../../support/samples.ts';
import { now, plans, waiting } from './stories.ts';

export const link = 'https://curfew.contoso.example/api/approvals/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';
export const about = (request: AccessRequest, recipient: Person = ada) => ({ request, recipient, now });
export const wanted = (request = waiting, recipient = bob, isReminder = false) =>
  mails.approvalMail({ ...about(request, recipient), link, plans, isReminder });

type Write = (request: AccessRequest, recipient: Person) => MailMessage;
/** Every mail, and of which stories it can be written. */
export const mailKinds: readonly [
  name: string,
  write: Write,
  fits: (request: AccessRequest) => boolean,
  hasLink: boolean,
][] = [
  ['approval', (request, to) => wanted(request, to), () => true, true],
  ['reminder', (request, to) => wanted(request, to, true), () => true, true],
  ['waiting', (request, to) => mails.waitingMail(about(request, to)), () => true, false],
  ['decided', (request, to) => mails.decidedMail(about(request, to)), ({ decision }) => decision !== undefined, false],
  ['held up', (request, to) => mails.heldUpMail(about(request, to)), () => true, false],
  ['granted', (request, to) => mails.grantedMail(about(request, to)), ({ deadline }) => deadline !== undefined, false],
  [
    'ending soon',
    (request, to) => mails.endingSoonMail(about(request, to)),
    ({ deadline }) => deadline !== undefined,
    false,
  ],
  [
    'extended',
    (request, to) => mails.extendedMail(about(request, to)),
    ({ deadline }) => deadline !== undefined,
    false,
  ],
  ['ended', (request, to) => mails.endedMail(about(request, to)), () => true, false],
  ['overdue', (request, to) => mails.overdueMail(about(request, to)), () => true, false],
  ['still held', (request, to) => mails.stillHeldMail(about(request, to)), () => true, false],
  ['glass broken', (request, to) => mails.glassBrokenMail({ ...about(request, to), plans }), () => true, false],
  [
    'review',
    (request, to) => mails.reviewMail({ ...about(request, to), link }),
    ({ terms }) => terms.breakGlass !== undefined,
    true,
  ],
];
