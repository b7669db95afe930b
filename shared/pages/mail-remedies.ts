import type { AccessRequest } from '../domain/access-request.ts';
import { isRetryable } from '../domain/errors.ts';
import type { Remedy } from '../domain/remedies.ts';
import { elsewhere, sharedRemedy } from './remedy-words.ts';

/** Says a remedy to the reader of a mail, who has the link in it and whatever they asked by. */
export function remedyInMail(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'see-targets':
      return 'The portal where you ask for access lists what is offered to you.';
    case 'ask-for-new-access':
      return `Ask for new access ${elsewhere}.`;
    case 'end-the-access':
      return `End the access ${elsewhere}.`;
    case 'withdraw-or-deny':
      return `The requester withdraws the request ${elsewhere}. An approver denies it by the link in their own mail.`;
    case 'deny-or-let-time-out':
      return 'Open the link in your mail and deny it, or let it time out.';
    case 'sign-in-again':
    case 'open-link-again':
      return 'Open the link in your mail once more.';
    case 'sign-in-as-addressee':
      return 'Open the link in your mail, and sign in under the name that it was sent to.';
    case 'ask-operators':
      return 'Ask the people who run Curfew what to do about it, and give them the number below.';
    default:
      return sharedRemedy(remedy);
  }
}

/** Returns what the requester can do about a request that could not be granted or extended. */
export function remedyOfFailure({ failure }: Pick<AccessRequest, 'failure'>): Remedy {
  if (failure === 'CURFEW_LIMIT_REACHED') return { kind: 'end-own-grant-or-wait' };
  return { kind: failure !== undefined && isRetryable(failure) ? 'ask-again-later' : 'ask-operators' };
}
