import type { Remedy } from '../shared/domain/remedies.ts';
import { describeDuration } from '../shared/domain/time.ts';
import { sharedRemedy } from '../shared/pages/remedy-words.ts';

/** Says a remedy to somebody at a terminal, who has commands and their options. */
export function remedyInCli(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'see-targets':
      return 'The policy file lists the targets, their roles, and who may ask for each.';
    case 'leave-out-break-glass':
      return 'Leave out --break-glass.';
    case 'ask-for-at-least':
      return `Give --duration ${argument(remedy.duration)} or more.`;
    case 'ask-for-at-most':
      return `Give --duration ${argument(remedy.duration)} or less.`;
    case 'ask-for-multiple-of':
      return `Give --duration as a multiple of ${argument(remedy.duration)}.`;
    case 'leave-out-start':
      return 'Leave out --start, so that the access starts at its approval.';
    case 'start-within':
      return `Give a --start within ${argument(remedy.duration)}.`;
    case 'give-reason':
      return `Give a --reason${remedy.length > 1 ? ` of ${remedy.length} characters or more` : ''}.`;
    case 'give-ticket':
      return `Give a --ticket such as ${remedy.example}.`;
    case 'sign-in-with':
      return `The sign-in has to prove more: --authentication ${remedy.need}.`;
    case 'end-own-grant':
      return 'A grant of this person has to end first: --held-by-person says how many there are.';
    case 'wait-for-grant-to-end':
      return 'A grant of this role has to end first: --held-by-all says how many there are.';
    case 'name-approvers':
      return 'Name approvers for this role in the policy file, or an automatic approval.';
    case 'ask-for-new-access':
      return 'Ask for new access; there is no command for it.';
    case 'end-the-access':
      return 'End the access; there is no command for it.';
    case 'withdraw-or-deny':
      return 'Withdraw or deny the request; there is no command for it.';
    case 'deny-or-let-time-out':
      return 'Deny the request, or let it time out.';
    case 'sign-in-again':
      return 'Sign in again: az login.';
    case 'sign-in-as-addressee':
      return 'Sign in as the person to whom the link was sent.';
    case 'open-link-again':
      return 'Open the link in the mail once more.';
    case 'onboard-target':
      return 'An administrator of the database onboards it: npx curfew targets check prints how.';
    case 'correct-settings':
      return 'Correct the settings in the environment, and run the command again.';
    default:
      return sharedRemedy(remedy);
  }
}

/** `1h30m`, as options take it. */
const argument = (duration: number) => describeDuration(duration).replaceAll(' ', '');
