import { describe, expect, test } from 'vitest';
import {
  signedInAsAnotherPage,
  signedOutPage,
  signInFailedPage,
  signInRequiredPage,
} from '../../../shared/pages/sign-in-pages.ts';
import { expectSafeMarkup } from './safe-markup.ts';

const csrf = 'x'.repeat(43);
const link = `/api/approvals/${'A'.repeat(43)}`;
const refusal = { code: 'CURFEW_SIGN_IN_FAILED' } as const;

describe('the pages around the sign-in', () => {
  test('are whole, whatever somebody is called', () => {
    const name = `<script>alert(1)</script>"'\u202e`;
    for (const markup of [
      signedInAsAnotherPage({ signedInAs: name, csrf }),
      signInRequiredPage(),
      signInFailedPage({ refusal }),
      signInFailedPage({ refusal, tryAgain: link }),
      signedOutPage(),
    ]) {
      expectSafeMarkup(markup);
    }
    expect(signedInAsAnotherPage({ signedInAs: name, csrf })).toContain('&lt;script&gt;');
  });

  test('offer whoever is the wrong person a way out', () => {
    const markup = signedInAsAnotherPage({ signedInAs: 'Carla Reyes (carla@contoso.example)', csrf });
    expect(markup).toContain('Signed in as Carla Reyes (carla@contoso.example)');
    expect(markup).toContain('<form method="post" action="/api/sign-out">');
    expect(markup).toContain(`<input type="hidden" name="csrf" value="${csrf}">`);
  });

  test('offer another try where it is known what was asked for, and say what to do where it is not', () => {
    expect(signInFailedPage({ refusal, tryAgain: link })).toContain(`href="${link}"`);
    expect(signInFailedPage({ refusal })).not.toContain('href=');
  });

  test('lead on to the issuer after signing out, and to nowhere else', () => {
    const next = 'https://login.example/logout?a=b&c=d';
    expect(signedOutPage(next)).toContain('href="https://login.example/logout?a=b&amp;c=d"');
    expectSafeMarkup(signedOutPage(next), next.replace('&', '&amp;'));
    expect(signedOutPage()).not.toContain('href=');
  });
});
