import type { Remedy } from '../domain/remedies.ts';
import { sharedRemedy } from './remedy-words.ts';

/** Says a remedy to the people who run Curfew, as they read it in the log. What a requester can do is named by its kind. */
export function remedyInLog(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'see-targets':
    case 'ask-for-new-access':
    case 'end-the-access':
    case 'withdraw-or-deny':
    case 'deny-or-let-time-out':
    case 'sign-in-again':
    case 'sign-in-as-addressee':
    case 'open-link-again':
      return remedy.kind;
    case 'onboard-target':
      return 'An administrator of the database onboards it: npx curfew targets check prints how, docs/onboarding.md has the rest.';
    default:
      return sharedRemedy(remedy);
  }
}
