import type { Refusal } from '../domain/errors.ts';
import type { Remedy } from '../domain/remedies.ts';
import { elsewhere, sharedRemedy } from './remedy-words.ts';
import { sentenceOf } from './words.ts';

/** Says a remedy to the reader of a page, who has its buttons. */
export function remedyOnPage(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'see-targets':
      return 'The portal where you ask for access lists what is offered to you.';
    case 'ask-for-new-access':
      return `Ask for new access ${elsewhere}.`;
    case 'end-the-access':
      return `End the access ${elsewhere}.`;
    case 'withdraw-or-deny':
      return 'Press “Deny” while the request waits, or look again in a moment.';
    case 'approve-for-at-most':
    case 'approve-for-at-least':
      return `${sharedRemedy(remedy)} Go back and correct “For less time”.`;
    case 'deny-or-let-time-out':
      return 'Go back and press “Deny”, or let the request time out.';
    case 'sign-in-with':
      return remedy.need === 'mfa'
        ? 'Sign out, open the link again, and sign in with a second factor.'
        : `Sign out, open the link again, and sign in as your organization asks for the authentication context ${remedy.need}.`;
    case 'sign-in-again':
      return 'Your sign-in has run out, and your answer was not taken. Sign in, and answer again.';
    case 'sign-in-as-addressee':
      return 'If it was sent to you under another name, sign out and open the link again.';
    case 'open-link-again':
      return 'Another sign-in may have overtaken it, or your browser keeps no cookies here. Open the link in your mail once more.';
    default:
      return sharedRemedy(remedy);
  }
}

/** What a page says of a refusal: what it is, and what can be done about it. */
export function refusalSentences({ code, detail, remedy }: Refusal): string[] {
  return [detail ?? sentenceOf(code), ...(remedy === undefined ? [] : [remedyOnPage(remedy)])];
}
