import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { errorPage } from '../../../shared/pages/message-page.ts';
import { securityHeaders } from '../../../shared/pages/security-headers.ts';

test('the policy allows the stylesheet of the pages by its hash, forms to the same site, and nothing else', () => {
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(errorPage({ refusal: { code: 'CURFEW_INTERNAL' } })) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(securityHeaders()['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  );
});

test('pages have no style attributes, which the policy would ignore', () => {
  expect(errorPage({ refusal: { code: 'CURFEW_INTERNAL' } })).not.toContain('style="');
});

test('nobody keeps, frames or guesses a page, and no Referer holds its path', () => {
  expect(securityHeaders()).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
  });
  // `no-referrer` would make browsers send `Origin: null` with the form.
  expect(securityHeaders()['referrer-policy']).toBe('strict-origin');
});
