import type { Refusal } from '../domain/errors.ts';
import type { SignedIn } from './layout.ts';
import { errorPage, messagePage } from './message-page.ts';

/** Nothing here is about the request: it isn't theirs to see. */
export function signedInAsAnotherPage(signedIn: SignedIn): string {
  const wayOut = 'If it was sent to you under another name, sign out and open the link again.';
  return errorPage({ refusal: { code: 'CURFEW_SIGNED_IN_AS_ANOTHER', wayOut }, ...signedIn });
}

/** In answer to a form: its page, asked for anew, leads to the sign-in. */
export function signInRequiredPage(): string {
  return errorPage({
    refusal: { code: 'CURFEW_SIGN_IN_REQUIRED', wayOut: 'Your sign-in has run out, and your answer was not taken.' },
    action: { label: 'Sign in and look again', href: '' },
  });
}

/** `tryAgain` is the path of the page that was asked for, where it is known. */
export function signInFailedPage({ refusal, tryAgain }: { refusal: Refusal; tryAgain?: string | undefined }): string {
  if (tryAgain !== undefined) return errorPage({ refusal, action: { label: 'Try again', href: tryAgain } });
  const wayOut =
    'It may have been overtaken by another one, or your browser keeps no cookies here. Open the link in your mail once more.';
  return errorPage({ refusal: { ...refusal, wayOut } });
}

/** `next` is where the browser goes on to by itself, to sign out at the issuer as well. */
export function signedOutPage(next?: string): string {
  return messagePage({
    title: 'You have signed out',
    sentences: next === undefined ? ['You can close this page.'] : [],
    action: next === undefined ? undefined : { label: 'Sign out of your account as well', href: next },
  });
}
