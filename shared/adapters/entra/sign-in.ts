import { createHash } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientError,
  Configuration,
  clockTolerance,
  discovery,
  enableNonRepudiationChecks,
  type IDToken,
  None,
  ResponseBodyError,
  type ServerMetadata,
} from 'openid-client';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Authentication } from '../../domain/policy.ts';
import type { Entropy, Session, SignIn } from '../../ports.ts';

export interface SignInOptions {
  readonly issuer: string;
  /** Of Curfew's app registration, which trusts the service's own identity (a federated credential) and has no secret. */
  readonly clientId: string;
  readonly tenantId: string;
  readonly credential: TokenCredential;
  readonly entropy: Entropy;
}

/** Seconds, for each call. */
const patience = 4;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const claimsShape = z.object({
  oid: z.guid(),
  tid: z.guid(),
  name: z.string().default(''),
  preferred_username: z.string().default(''),
  amr: z.array(z.string()).default([]),
  acrs: z.array(z.string()).default([]),
});

/**
 * Signs people in at Entra ID: OpenID Connect Core 1.0 with PKCE. The library checks state, nonce, issuer, audience, expiry and
 * signature (RS256) of the ID token; the tenant and the person are checked here.
 */
export function createSignIn({ issuer, clientId, tenantId, credential, entropy }: SignInOptions): SignIn {
  let server: Promise<ServerMetadata> | undefined;
  const findServer = () => {
    server ??= discovery(new URL(issuer), clientId, undefined, None(), { timeout: patience }).then(
      (found) => found.serverMetadata(),
      (error: unknown) => {
        server = undefined;
        throw new CurfewError('CURFEW_ISSUER_UNAVAILABLE', { cause: error });
      },
    );
    return server;
  };
  // One for each use: it asks for the issuer's keys anew, so that keys may roll at any time.
  const configure = async (authentication: ClientAuth = None()) => {
    const metadata = { id_token_signed_response_alg: 'RS256', [clockTolerance]: 60 };
    const configuration = new Configuration(await findServer(), clientId, metadata, authentication);
    configuration.timeout = patience;
    enableNonRepudiationChecks(configuration);
    return configuration;
  };
  const unguessable = () => Buffer.from(entropy.bytes(32)).toString('base64url');
  return {
    async begin({ redirectUri, loginHint, needs, isAgain }) {
      const memory = { state: unguessable(), nonce: unguessable(), verifier: unguessable() };
      const url = buildAuthorizationUrl(await configure(), {
        redirect_uri: redirectUri,
        scope: 'openid profile',
        response_mode: 'query',
        state: memory.state,
        nonce: memory.nonce,
        code_challenge: createHash('sha256').update(memory.verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...(loginHint !== undefined && { login_hint: loginHint }),
        ...(needs.length > 0 && { claims: claimsFor(needs) }),
        ...(isAgain && { prompt: 'login' }),
      });
      return { url: url.href, memory };
    },
    async finish({ callbackUrl, redirectUri, memory }) {
      const configuration = await configure(await assertionOf(credential));
      const own = new URL(redirectUri);
      own.search = callbackUrl.search;
      const claims = await redeem(configuration, own, memory);
      return personIn(claims, tenantId);
    },
    async endUrl(returnTo) {
      const configuration = await configure();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      return buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }).href;
    },
  };
}

/** The service's own token in place of a secret (RFC 7523, section 2.2; in Entra ID a federated identity credential). */
async function assertionOf(credential: TokenCredential): Promise<ClientAuth> {
  try {
    const token = await credential.getToken('api://AzureADTokenExchange/.default');
    if (!token) throw new Error('the credential gave no token');
    return (_server, { client_id }, body) => {
      body.set('client_id', client_id);
      body.set('client_assertion_type', assertionType);
      body.set('client_assertion', token.token);
    };
  } catch (error) {
    throw new CurfewError('CURFEW_ISSUER_UNAVAILABLE', { cause: error });
  }
}

async function redeem(
  configuration: Configuration,
  callback: URL,
  { state, nonce, verifier }: Parameters<SignIn['finish']>[0]['memory'],
): Promise<IDToken | undefined> {
  try {
    const tokens = await authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    return tokens.claims();
  } catch (error) {
    throw new CurfewError(isOutage(error) ? 'CURFEW_ISSUER_UNAVAILABLE' : 'CURFEW_SIGN_IN_FAILED', { cause: error });
  }
}

/** What may be better in a moment. All else is an answer, and a bad one. */
function isOutage(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return error.status === 429;
  if (error instanceof ClientError) {
    const { cause, code } = error;
    return code === 'OAUTH_TIMEOUT' || (cause instanceof Response && (cause.status === 429 || cause.status >= 500));
  }
  // What fetch throws where nobody answers. The library's own have a code.
  return error instanceof TypeError && !('code' in error);
}

function personIn(
  claims: IDToken | undefined,
  tenantId: string,
): Pick<Session, 'principalId' | 'name' | 'authentication'> {
  const parsed = claimsShape.safeParse(claims);
  if (!parsed.success || parsed.data.tid.toLowerCase() !== tenantId.toLowerCase()) {
    throw new CurfewError('CURFEW_SIGN_IN_FAILED');
  }
  const { oid, name, preferred_username: userName, amr, acrs } = parsed.data;
  return {
    principalId: oid.toLowerCase() as PrincipalId,
    name: name === '' ? userName : `${name} (${userName})`,
    authentication: [...amr.filter((method) => method === 'mfa'), ...acrs.filter(isContext)],
  };
}

function isContext(context: string): context is `c${number}` {
  return /^c\d{1,3}$/.test(context);
}

/** OpenID Connect Core 1.0, section 5.5. */
function claimsFor(needs: readonly Authentication[]): string {
  const contexts = needs.filter(isContext);
  return JSON.stringify({
    id_token: {
      ...(needs.includes('mfa') && { amr: { essential: true, values: ['mfa'] } }),
      ...(contexts.length > 0 && { acrs: { essential: true, values: contexts } }),
    },
  });
}
