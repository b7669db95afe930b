/** Everything that Curfew mails. Each mail is about the request as it is at the moment `now`. */
export { endedMail, endingSoonMail, extendedMail, grantedMail, heldUpMail } from './access-mails.ts';
export { glassBrokenMail, overdueMail, reviewMail, stillHeldMail } from './alarm-mails.ts';
export { approvalMail, decidedMail, waitingMail } from './asking-mails.ts';
