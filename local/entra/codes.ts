import { createHash, randomBytes } from 'node:crypto';
import { OAuthError } from './errors.ts';
import type { Methods } from './tokens.ts';

export interface CodeGrant {
  clientId: string;
  redirectUri: string;
  /** S256 of the verifier that the client keeps. */
  challenge: string;
  scope: string;
  nonce?: string;
  personId: string;
  methods: Methods;
}

const lifetimeMs = 5 * 60_000;

/** Authorization codes, in memory: a restart in the middle of a sign-in means signing in again. */
export class Codes {
  readonly #codes = new Map<string, { grant: CodeGrant; until: number; used: boolean }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(grant: CodeGrant): string {
    for (const [code, { until }] of this.#codes) if (until <= this.#now()) this.#codes.delete(code);
    const code = randomBytes(32).toString('base64url');
    this.#codes.set(code, { grant, until: this.#now() + lifetimeMs, used: false });
    return code;
  }

  /** Spends the code, also where what comes with it is wrong: nobody gets a second guess. */
  redeem(code: string, by: { clientId: string; redirectUri: string; verifier: string }): CodeGrant {
    const kept = this.#codes.get(code);
    if (!kept) throw new OAuthError('invalid_grant', 70000, 'The code is not known.');
    if (kept.used) throw new OAuthError('invalid_grant', 54005, 'The code was already redeemed.');
    kept.used = true;
    const { grant, until } = kept;
    if (until <= this.#now()) throw new OAuthError('invalid_grant', 70008, 'The code has expired.');
    if (grant.clientId !== by.clientId) throw new OAuthError('invalid_grant', 70000, 'The code is for another client.');
    if (grant.redirectUri !== by.redirectUri)
      throw new OAuthError('invalid_grant', 500112, 'The redirect URI is not the one that the code was sent to.');
    if (grant.challenge !== challengeOf(by.verifier))
      throw new OAuthError('invalid_grant', 501481, 'The code verifier does not match the code challenge.');
    return grant;
  }
}

const challengeOf = (verifier: string): string => {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier))
    throw new OAuthError('invalid_grant', 501481, 'The code verifier is not 43 to 128 unreserved characters.');
  return createHash('sha256').update(verifier).digest('base64url');
};
