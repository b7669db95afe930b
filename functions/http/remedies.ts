import type { Remedy } from '../../shared/domain/remedies.ts';
import { sharedRemedy } from '../../shared/pages/remedy-words.ts';

/** Says a remedy to a caller of the API, who has routes. */
export function remedyInApi(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'see-targets':
      return 'GET /api/targets lists what you may ask for.';
    case 'ask-for-new-access':
      return 'Ask for new access with POST /api/requests.';
    case 'end-the-access':
      return 'End the access with POST /api/requests/{id}/revoke.';
    case 'withdraw-or-deny':
      return 'Use POST /api/requests/{id}/withdraw as the requester or POST /api/requests/{id}/decision as an approver, or try again in a moment.';
    case 'deny-or-let-time-out':
      return 'Deny it with POST /api/requests/{id}/decision, or let it time out.';
    case 'leave-out-requester':
      return 'Leave `for` out to ask for yourself. Only an application with the role Access.RequestForOthers asks for others.';
    case 'name-requester':
      return 'Name in `for` the person for whom the access is.';
    case 'sign-in-again':
      return 'Get a new token and try again.';
    case 'sign-in-as-addressee':
      return 'Sign in as the person to whom the link was sent.';
    case 'open-link-again':
      return 'Open the link in the mail once more.';
    default:
      return sharedRemedy(remedy);
  }
}
