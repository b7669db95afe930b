import { createHash } from 'node:crypto';
import { stylesheet } from './stylesheet.ts';

const styleHash = createHash('sha256').update(stylesheet).digest('base64');

/** For every page: nothing is loaded, nothing is run, nobody frames it, nobody keeps it. */
export function securityHeaders(): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${styleHash}'`,
      // It holds for redirects after a form's POST as well: no form may lead on to the identity provider, only a link.
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    // The path of an approval page holds its token, which no Referer may carry: this one sends the origin alone. With
    // `no-referrer` browsers send `Origin: null` with the form, and it could not be told from another site's.
    'referrer-policy': 'strict-origin',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  };
}
