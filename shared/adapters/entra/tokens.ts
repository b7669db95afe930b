import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import type { Authentication } from '../../domain/policy.ts';
import { millisecondsOf, plus } from '../../domain/time.ts';
import type { Clock } from '../../ports.ts';

/** Whose tokens, for whom: a token's `iss` and `aud`, to the letter. */
interface Trust {
  readonly issuer: string;
  readonly audience: string;
}

export interface TokenOptions extends Trust {
  /** Of v1.0 tokens, where they are taken too. The keys are those of `issuer`, whose discovery document names them. */
  readonly v1?: Trust | undefined;
  readonly tenantId: string;
  readonly clock: Clock;
}

/** Who calls. An application calls as itself where `isPerson` is false. */
export interface Caller {
  readonly principalId: PrincipalId;
  /** The application that got the token: for a person the one they signed in with, for an application itself. */
  readonly clientId: PrincipalId;
  readonly isPerson: boolean;
  readonly roles: readonly string[];
  /** How a person signed in; empty for an application. */
  readonly authentication: readonly Authentication[];
}

/** Gives the caller, or CURFEW_UNAUTHENTICATED for any token that isn't sound, or CURFEW_ISSUER_UNAVAILABLE. */
export type VerifyToken = (authorization: string | null) => Promise<Caller>;

const guid = z
  .string()
  .regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i)
  .transform((id) => id.toLowerCase() as PrincipalId);
/** What isn't a list of words counts as none: it then proves nothing. */
const words = z.array(z.unknown()).catch([]);
const common = {
  iss: z.string(),
  aud: z.string(),
  oid: guid,
  sub: z.string(),
  tid: guid,
  scp: z.string().optional(),
  idtyp: z.enum(['app', 'user']).optional(),
  roles: z.array(z.string()).default([]),
  amr: words,
  acrs: words,
};
const claimsShape = z.discriminatedUnion('ver', [
  z
    .object({ ...common, ver: z.literal('2.0'), azp: guid })
    .transform(({ azp, ...rest }) => ({ ...rest, clientId: azp })),
  z
    .object({ ...common, ver: z.literal('1.0'), appid: guid })
    .transform(({ appid, ...rest }) => ({ ...rest, clientId: appid })),
]);
type Claims = z.output<typeof claimsShape>;

/** The delegated permission that Curfew's app registration offers to portals. */
const personalScope = 'access_as_user';
/** Between two looks for new keys, and after one that failed. Milliseconds. */
const keyPause = 2_000;
const timeOut = 4_000;

export function createTokenVerifier(options: TokenOptions): VerifyToken {
  const findKeys = createKeys(options);
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > 16_384) throw new CurfewError('CURFEW_UNAUTHENTICATED');
    return readClaims(await verify(token, await findKeys(), options), options);
  };
}

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience, v1, clock }: TokenOptions,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: v1 ? [issuer, v1.issuer] : issuer,
      audience: v1 ? [audience, v1.audience] : audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat', 'oid', 'tid'],
      clockTolerance: 60,
      currentDate: new Date(millisecondsOf(clock.now())),
    });
    return payload;
  } catch (error) {
    throw new CurfewError(isAboutTheToken(error) ? 'CURFEW_UNAUTHENTICATED' : 'CURFEW_ISSUER_UNAVAILABLE', {
      cause: error,
    });
  }
}

/** Errors that say something about the token, not about the way to the keys. What is unknown is an outage: 503, never a pass. */
function isAboutTheToken(error: unknown): boolean {
  return [
    errors.JWTClaimValidationFailed,
    errors.JWTExpired,
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
  ].some((kind) => error instanceof kind);
}

function readClaims(payload: JWTPayload, options: TokenOptions): Caller {
  const { data: claims } = claimsShape.safeParse(payload);
  const trust = claims?.ver === '1.0' ? options.v1 : options;
  const kind = claims && kindOf(claims);
  if (
    !(claims && trust && kind) ||
    claims.iss !== trust.issuer ||
    claims.aud !== trust.audience ||
    claims.tid !== options.tenantId.toLowerCase()
  ) {
    throw new CurfewError('CURFEW_UNAUTHENTICATED');
  }
  const { oid: principalId, clientId, roles } = claims;
  const isPerson = kind === 'person';
  return { principalId, clientId, isPerson, roles, authentication: isPerson ? authenticationOf(claims) : [] };
}

/**
 * Entra puts `scp` into a person's token only, and gives the same `oid` and `sub` to an application only; `idtyp` comes only
 * where the app registration asks for it. ID tokens have neither, and a person's token for another purpose has another scope.
 */
function kindOf({ idtyp, scp, oid, sub }: Claims): 'person' | 'application' | undefined {
  if (scp === undefined) return idtyp !== 'user' && sub.toLowerCase() === oid ? 'application' : undefined;
  return idtyp !== 'app' && scp.split(' ').includes(personalScope) ? 'person' : undefined;
}

function authenticationOf({ amr, acrs }: Claims): Authentication[] {
  const contexts = acrs.filter((acr): acr is `c${number}` => typeof acr === 'string' && /^c[1-9]\d?$/.test(acr));
  return [...(amr.includes('mfa') ? ['mfa' as const] : []), ...contexts];
}

/** The issuer's keys, once its discovery document was read (OpenID Connect Discovery 1.0, section 4). */
function createKeys({ issuer, clock }: TokenOptions): () => Promise<JWTVerifyGetKey> {
  // A token of a key that isn't known yet makes it look for new ones, but not at every junk that is sent here.
  const get = pausing(clock, async (url: string) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeOut), redirect: 'error' });
    if (!response.ok) throw new Error(`The issuer answered ${response.status}`);
    return response;
  });
  const discover = async () => {
    const response = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const document = z.object({ issuer: z.literal(issuer), jwks_uri: z.url() }).parse(await response.json());
    return createRemoteJWKSet(new URL(document.jwks_uri), {
      timeoutDuration: timeOut,
      cooldownDuration: keyPause,
      [customFetch]: get,
    });
  };
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return () => {
    keys ??= discover().catch((error: unknown) => {
      keys = undefined;
      throw new CurfewError('CURFEW_ISSUER_UNAVAILABLE', { cause: error });
    });
    return keys;
  };
}

/** After a failure it fails at once for a while, so that many callers don't keep an issuer down that tries to come up. */
function pausing<Answer>(clock: Clock, ask: (url: string) => Promise<Answer>): (url: string) => Promise<Answer> {
  let resume = clock.now();
  return async (url) => {
    if (clock.now() < resume) throw new Error('The issuer failed a moment ago.');
    try {
      return await ask(url);
    } catch (error) {
      resume = plus(clock.now(), keyPause);
      throw error;
    }
  };
}
