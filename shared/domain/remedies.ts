import type { Authentication } from './policy.ts';

/**
 * What the reader can do about a refusal. The domain names it, and each surface says it in its own words: the API by routes,
 * a page by its buttons, a mail by its link, the command line by commands. Durations are in milliseconds.
 */
export type Remedy =
  // What to change in what is asked for.
  | { readonly kind: 'see-targets' }
  | { readonly kind: 'leave-out-break-glass' }
  | { readonly kind: 'ask-for-at-least'; readonly duration: number }
  | { readonly kind: 'ask-for-at-most'; readonly duration: number }
  | { readonly kind: 'ask-for-multiple-of'; readonly duration: number }
  | { readonly kind: 'leave-out-start' }
  | { readonly kind: 'start-within'; readonly duration: number }
  /** `length` in characters. */
  | { readonly kind: 'give-reason'; readonly length: number }
  | { readonly kind: 'give-ticket'; readonly example: string }
  | { readonly kind: 'name-requester' }
  | { readonly kind: 'leave-out-requester' }
  | { readonly kind: 'send-json' }
  | { readonly kind: 'send-json-with-length' }
  | { readonly kind: 'send-json-or-nothing' }
  // What to do instead, before or later.
  | { readonly kind: 'ask-for-new-access' }
  | { readonly kind: 'ask-again-later' }
  | { readonly kind: 'try-again-in'; readonly seconds: number }
  | { readonly kind: 'end-the-access' }
  | { readonly kind: 'withdraw-or-deny' }
  | { readonly kind: 'end-own-grant' }
  | { readonly kind: 'wait-for-grant-to-end' }
  | { readonly kind: 'end-own-grant-or-wait' }
  | { readonly kind: 'review-after-end' }
  | { readonly kind: 'approve-for-at-least'; readonly duration: number }
  | { readonly kind: 'approve-for-at-most'; readonly duration: number }
  | { readonly kind: 'deny-or-let-time-out' }
  | { readonly kind: 'leave-it-to-requester' }
  // How to sign in.
  | { readonly kind: 'sign-in-with'; readonly need: Authentication }
  | { readonly kind: 'sign-in-again' }
  | { readonly kind: 'sign-in-as-addressee' }
  | { readonly kind: 'open-link-again' }
  // What others have to do, and the people who run Curfew.
  | { readonly kind: 'get-app-role'; readonly roles: readonly string[] }
  | { readonly kind: 'name-approvers' }
  | { readonly kind: 'ask-operators' }
  | { readonly kind: 'onboard-target' }
  /** T-SQL, as an administrator of the database runs it. */
  | { readonly kind: 'run-statements'; readonly statements: readonly string[] }
  | { readonly kind: 'correct-settings' }
  | { readonly kind: 'correct-policy-file' }
  | { readonly kind: 'read-log' };

export type RemedyKind = Remedy['kind'];
