import { assertNever } from '../domain/errors.ts';
import type { Remedy } from '../domain/remedies.ts';
import { describeDuration } from '../domain/time.ts';

/** Where people ask for access, extend it and end it: Curfew has no page of its own for that. */
export const elsewhere = 'in the portal where you ask for access, or with Curfew’s API';

/** What can't be said without a route, a button or a command: each surface has words of its own for it. */
type OwnKind =
  | 'see-targets'
  | 'ask-for-new-access'
  | 'end-the-access'
  | 'withdraw-or-deny'
  | 'deny-or-let-time-out'
  | 'sign-in-again'
  | 'sign-in-as-addressee'
  | 'open-link-again';

/** A remedy that reads the same everywhere. */
export type SharedRemedy = Exclude<Remedy, { readonly kind: OwnKind }>;

/**
 * Says a remedy in words that fit every surface. A surface handles the kinds that it has words of its own for and passes
 * the rest on; the compiler refuses one that leaves a kind without words.
 */
export function sharedRemedy(remedy: SharedRemedy): string {
  switch (remedy.kind) {
    case 'leave-out-break-glass':
      return 'Ask without breaking the glass.';
    case 'ask-for-at-least':
      return `Ask for ${describeDuration(remedy.duration)} at least.`;
    case 'ask-for-at-most':
      return `Ask for ${describeDuration(remedy.duration)} at most.`;
    case 'ask-for-multiple-of':
      return `Ask for a multiple of ${describeDuration(remedy.duration)}.`;
    case 'leave-out-start':
      return 'Leave the start out, so that the access starts at its approval.';
    case 'start-within':
      return `Start within ${describeDuration(remedy.duration)}.`;
    case 'give-reason':
      return `Say what the access is for${remedy.length > 1 ? `, in ${remedy.length} characters or more` : ''}.`;
    case 'give-ticket':
      return `Give a ticket such as ${remedy.example}.`;
    case 'name-requester':
      return 'Name the person for whom the access is.';
    case 'leave-out-requester':
      return 'Leave the person out to ask for yourself. Only an application with the role Access.RequestForOthers asks for others.';
    case 'send-json':
      return 'Send JSON.';
    case 'send-json-with-length':
      return 'Send JSON with a Content-Length: a chunked body does not arrive.';
    case 'send-json-or-nothing':
      return 'Send JSON, or no body at all.';
    case 'ask-again-later':
      return 'Wait a little, and ask again.';
    case 'try-again-in':
      return `Try again in ${remedy.seconds} s.`;
    case 'end-own-grant':
      return 'End one of your grants of this role first.';
    case 'wait-for-grant-to-end':
      return 'Wait until the grant of another person for this role ends.';
    case 'end-own-grant-or-wait':
      return 'End a grant that you don’t need any more, or wait, and ask again.';
    case 'review-after-end':
      return 'Review it once the access has ended.';
    case 'approve-for-at-least':
      return `Approve ${describeDuration(remedy.duration)} at least.`;
    case 'approve-for-at-most':
      return `Approve ${describeDuration(remedy.duration)} at most.`;
    case 'leave-it-to-requester':
      return 'Leave it to the person who has the access, or to the application that asked for it.';
    case 'sign-in-with':
      return remedy.need === 'mfa'
        ? 'Sign in with a second factor and try again.'
        : `Sign in so that the token carries the authentication context ${remedy.need}, and try again.`;
    case 'get-app-role':
      return `Ask for the application role ${remedy.roles.join(' or ')} of Curfew’s app registration.`;
    case 'name-approvers':
      return 'Ask the people who write the policy to name approvers for this role, or more of them.';
    case 'ask-operators':
      return 'Ask the people who run Curfew what to do about it.';
    case 'onboard-target':
      return 'An administrator of the database onboards it: docs/onboarding.md.';
    case 'run-statements':
      return `An administrator of the database runs: ${remedy.statements.join(' ')}`;
    case 'correct-settings':
      return 'Correct the settings and start Curfew again.';
    case 'correct-policy-file':
      return 'Correct the file. An editor that knows policy.schema.json shows most of this while you type.';
    case 'read-log':
      return 'Curfew’s log says what is wrong.';
    default:
      return assertNever(remedy);
  }
}
