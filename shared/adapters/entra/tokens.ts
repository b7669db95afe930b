import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { CurfewError } from '../../domain/errors.ts';
import type { PrincipalId } from '../../domain/ids.ts';
import { millisecondsOf } from '../../domain/time.ts';
import type { Clock } from '../../ports.ts';

export interface TokenOptions {
  /** As in the tokens' `iss`; its discovery document names the keys (OpenID Connect Discovery 1.0, section 4). */
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  readonly clock: Clock;
}

/** Who calls. An application calls as itself where `isPerson` is false. */
export interface Caller {
  readonly principalId: PrincipalId;
  readonly isPerson: boolean;
  readonly roles: readonly string[];
}

/** Gives the caller, or CURFEW_UNAUTHENTICATED for any token that isn't sound, or CURFEW_ISSUER_UNAVAILABLE. */
export type VerifyToken = (authorization: string | null) => Promise<Caller>;

const guid = z.string().regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i);
const claimsShape = z.object({
  oid: guid,
  tid: guid,
  scp: z.string().optional(),
  idtyp: z.string().optional(),
  roles: z.array(z.string()).default([]),
});
/** The delegated permission that Curfew's app registration offers to portals. */
const personalScope = 'access_as_user';

export function createTokenVerifier(options: TokenOptions): VerifyToken {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const findKeys = () => {
    keys ??= discover(options.issuer).catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    return keys;
  };
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > 16_384) throw new CurfewError('CURFEW_UNAUTHENTICATED');
    return readClaims(await verify(token, await findKeys(), options), options);
  };
}

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience, clock }: TokenOptions,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
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

function readClaims(payload: JWTPayload, { tenantId }: TokenOptions): Caller {
  const claims = claimsShape.safeParse(payload);
  if (!claims.success || claims.data.tid.toLowerCase() !== tenantId.toLowerCase())
    throw new CurfewError('CURFEW_UNAUTHENTICATED');
  const { oid, scp, idtyp, roles } = claims.data;
  const scopes = scp?.split(' ') ?? [];
  // Entra puts `scp` into a person's token only. A person's token for another purpose has another scope.
  if (idtyp !== 'app' && !scopes.includes(personalScope)) throw new CurfewError('CURFEW_UNAUTHENTICATED');
  return { principalId: oid.toLowerCase() as PrincipalId, isPerson: idtyp !== 'app', roles };
}

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  try {
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(4_000),
      redirect: 'error',
    });
    const document = z.object({ issuer: z.literal(issuer), jwks_uri: z.url() }).parse(await response.json());
    // A token of a key that isn't known yet makes it look for new ones, but not at every junk that is sent here.
    return createRemoteJWKSet(new URL(document.jwks_uri), { timeoutDuration: 4_000, cooldownDuration: 2_000 });
  } catch (error) {
    throw new CurfewError('CURFEW_ISSUER_UNAVAILABLE', { cause: error });
  }
}
