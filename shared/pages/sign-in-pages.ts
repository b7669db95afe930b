import type { Refusal } from '../domain/errors.ts';
import type { Remedy } from '../domain/remedies.ts';
import type { SignedIn } from './layout.ts';
import { errorPage, messagePage } from './message-page.ts';

/** Nothing here is about the request: it isn't theirs to see. */
export function signedInAsAnotherPage(signedIn: SignedIn): string {
  const remedy: Remedy = { kind: 'sign-in-as-addressee' };
  return errorPage({ refusal: { code: 'CURFEW_SIGNED_IN_AS_ANOTHER', remedy }, ...signedIn });
}

/** In answer to a form: its page, asked for anew, leads to the sign-in. */
export function signInRequiredPage(): string {
  return errorPage({
    refusal: { code: 'CURFEW_SIGN_IN_REQUIRED', remedy: { kind: 'sign-in-again' } },
    action: { label: 'Sign in and look again', href: '' },
  });
}

/** `tryAgain` is the path of the page that was asked for, where it is known. */
export function signInFailedPage({ refusal, tryAgain }: { refusal: Refusal; tryAgain?: string | undefined }): string {
  if (tryAgain !== undefined) return errorPage({ refusal, action: { label: 'Try again', href: tryAgain } });
  return errorPage({ refusal: { ...refusal, remedy: { kind: 'open-link-again' } } });
}

/** `next` is where the browser goes on to by itself, to sign out at the issuer as well. */
export function signedOutPage(next?: string): string {
  return messagePage({
    title: 'You have signed out',
    sentences: next === undefined ? ['You can close this page.'] : [],
    action: next === undefined ? undefined : { label: 'Sign out of your account as well', href: next },
  });
}
