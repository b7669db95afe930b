import { describe, expect, test } from 'vitest';
import { type ErrorCode, errorCodes } from '../../../shared/domain/errors.ts';
import { errorPage, messagePage } from '../../../shared/pages/message-page.ts';
import { expectSafeMarkup } from './safe-markup.ts';
import { nasty } from './stories.ts';

const headingOf = (markup: string) => /<h1>(.*?)<\/h1>/.exec(markup)?.[1];

describe('the error page', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('shows %s', (code) => {
    const markup = errorPage({ refusal: { code } });
    expectSafeMarkup(markup);
    expect(markup).toContain(code);
  });

  test('shows the remedy, escaped, and what can be done next', () => {
    const markup = errorPage({
      refusal: {
        code: 'CURFEW_SIGNED_IN_AS_ANOTHER',
        detail: '<b>',
        remedy: { kind: 'give-ticket', example: '<i>one</i>' },
      },
      action: { label: 'Sign out', post: '/api/sign-out', csrf: 'a-token' },
    });
    expectSafeMarkup(markup);
    expect(headingOf(markup)).toBe('&lt;b&gt;');
    expect(markup).toContain('such as &lt;i&gt;one&lt;/i&gt;.');
    expect(markup).toContain('<form method="post" action="/api/sign-out"');
    expect(markup).toContain('name="csrf" value="a-token"');
  });
});

describe('the page that says something', () => {
  test('has a link where there is one to follow, and nothing to do where there is none', () => {
    const about = { title: 'Sign in to answer', sentences: ['The link was sent to a person.'] };
    const markup = messagePage({ ...about, action: { label: 'Sign in', href: '/api/sign-in?to=%2Fapi' } });
    expectSafeMarkup(markup);
    expect(markup).toContain('<a class="action" href="/api/sign-in?to=%2Fapi">Sign in</a>');
    expect(messagePage(about)).not.toMatch(/<form|<a /);
  });

  test('is safe whatever it is given', () => {
    const about = { title: nasty, sentences: [nasty], signedInAs: nasty, csrf: nasty };
    // The addresses are the caller's own, and what people wrote in them is escaped all the same.
    for (const action of [
      { label: nasty, href: `/api/sign-in?${nasty}` },
      { label: nasty, post: `/api/sign-out?${nasty}`, csrf: nasty },
    ]) {
      expect(messagePage({ ...about, action })).not.toMatch(/<script|<img/);
    }
  });
});
