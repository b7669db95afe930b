import { createHash, randomBytes } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Client } from './clients.ts';
import type { Application, Person } from './company.ts';
import type { Directory } from './directory.ts';
import { OAuthError } from './errors.ts';
import { apiResource, delegated, type Scopes, tokenExchange } from './scopes.ts';
import type { SigningKeys } from './signing-keys.ts';

export const accessSeconds = 3600;
const refreshSeconds = 24 * 3600;

/** Who a checked access token speaks for. `name` is a person's user principal name or an application's display name. */
export interface Verified {
  objectId: string;
  clientId?: string;
  name: string;
  kind: 'person' | 'application';
}

/** How a person signed in: `amr`, and the authentication contexts that this satisfied (`acrs`). */
export interface Methods {
  amr: string[];
  acrs: string[];
}

const Access = z.object({
  oid: z.string(),
  tid: z.string(),
  azp: z.string().optional(),
  appid: z.string().optional(),
  scp: z.string().optional(),
  idtyp: z.string().optional(),
});
const Refresh = z.object({
  oid: z.string(),
  azp: z.string(),
  scope: z.string(),
  amr: z.array(z.string()),
  acrs: z.array(z.string()).default([]),
});
const Assertion = z.object({ oid: z.string(), sub: z.string() }).refine(({ oid, sub }) => oid === sub);

export class Tokens {
  readonly issuer: string;
  readonly #authority: string;
  readonly #directory: Directory;
  readonly #keys: SigningKeys;
  readonly #now: () => number;

  constructor(authority: string, directory: Directory, keys: SigningKeys, now: () => number) {
    this.issuer = `${authority}/v2.0`;
    this.#authority = authority;
    this.#directory = directory;
    this.#keys = keys;
    this.#now = now;
  }

  forPerson(person: Person, client: Client, scopes: Scopes, methods: Methods): Promise<string> {
    const { api, audience, version } = scopes.resource;
    const name = person.userPrincipalName;
    return this.#access(client, scopes, {
      name: person.displayName,
      oid: person.id,
      sub: pairwise(person.id, audience),
      scp: delegated(scopes),
      ...claimsOf(methods),
      ...(version === 1 ? { upn: name, unique_name: name } : { preferred_username: name }),
      ...(api ? someRoles(person.appRoles) : { idtyp: 'user' }),
    });
  }

  forApplication(client: Client, scopes: Scopes): Promise<string> {
    const { servicePrincipalId: oid, appRoles } = client.application;
    const roles = scopes.resource.api ? appRoles : [];
    return this.#access(client, scopes, { oid, sub: oid, idtyp: 'app', ...someRoles(roles) });
  }

  /** Roles are granted on the API, so an ID token has them only where the API itself is the client, as in Entra. */
  id(person: Person, client: Application, methods: Methods, nonce?: string): Promise<string> {
    return this.#sign(accessSeconds, {
      aud: client.clientId,
      iss: this.issuer,
      name: person.displayName,
      oid: person.id,
      preferred_username: person.userPrincipalName,
      ...(person.mail === null ? {} : { email: person.mail }),
      sub: pairwise(person.id, client.clientId),
      ver: '2.0',
      ...claimsOf(methods),
      ...(nonce === undefined ? {} : { nonce }),
      ...(client.identifierUri === null ? {} : someRoles(person.appRoles)),
    });
  }

  refresh(person: Person, client: Application, scope: string, methods: Methods): Promise<string> {
    const claims = { aud: this.#authority, iss: this.#authority, oid: person.id, azp: client.clientId, scope };
    return this.#sign(refreshSeconds, { ...claims, ...claimsOf(methods) }, 'rt+jwt');
  }

  async readRefresh(token: string): Promise<{ personId: string; clientId: string; scope: string; methods: Methods }> {
    try {
      const payload = await this.#check(token, [this.#authority], [this.#authority], 'rt+jwt');
      const { oid, azp, scope, amr, acrs } = Refresh.parse(payload);
      return { personId: oid, clientId: azp, scope, methods: { amr, acrs } };
    } catch (error) {
      const expired = error instanceof errors.JWTExpired;
      throw new OAuthError('invalid_grant', expired ? 70008 : 70000, 'The refresh token is expired or not valid.');
    }
  }

  /** The service principal that a token for the exchange of tokens speaks for. */
  async readAssertion(token: string): Promise<string> {
    try {
      return Assertion.parse(await this.#check(token, [this.issuer], [tokenExchange], 'JWT')).oid;
    } catch (error) {
      throw error instanceof errors.JWTExpired
        ? new OAuthError('invalid_client', 700024, 'The client assertion has expired.')
        : new OAuthError('invalid_client', 700027, 'The client assertion is not valid.');
    }
  }

  /** Throws on anything but an unexpired access token, signed by a published key of this tenant, for that audience. */
  async verify(token: string, audience: string | readonly string[]): Promise<Verified> {
    const audiences = [audience].flat().flatMap((each) => this.#spellings(each));
    const payload = await this.#check(token, [this.issuer, `${this.#authority}/`], audiences, 'JWT');
    const claims = Access.parse(payload);
    const application = claims.idtyp === 'app';
    // An ID token for the API's own client has the API's audience; only access tokens say what they permit.
    if (!application && !claims.scp) throw new Error('The token is not an access token.');
    if (claims.tid !== this.#directory.tenantId) throw new Error('The token is of another tenant.');
    const name = application
      ? this.#directory.servicePrincipal(claims.oid)?.displayName
      : this.#directory.person(claims.oid)?.userPrincipalName;
    if (name === undefined) throw new Error('The token speaks for somebody who is not in the directory.');
    const clientId = claims.azp ?? claims.appid;
    return {
      objectId: claims.oid,
      ...(clientId ? { clientId } : {}),
      name,
      kind: application ? 'application' : 'person',
    };
  }

  /** An audience as tokens may spell it: an API by its client id, a service with or without its last slash. */
  #spellings(audience: string): string[] {
    const api = this.#directory.api(audience);
    const bare = audience.replace(/\/$/, '');
    return api ? [apiResource(api).audience] : [bare, `${bare}/`];
  }

  async #check(token: string, issuer: string[], audience: string[], typ: string): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, ({ kid }) => this.#keys.publicKey(kid), {
      algorithms: ['RS256'],
      issuer,
      audience,
      typ,
      currentDate: new Date(this.#now()),
      requiredClaims: ['exp', 'nbf', 'iat', 'oid'],
    });
    return payload;
  }

  #access({ application: { clientId }, proof }: Client, { resource }: Scopes, claims: JWTPayload): Promise<string> {
    return this.#sign(accessSeconds, {
      ...claims,
      aud: resource.audience,
      ...(resource.version === 2
        ? { iss: this.issuer, azp: clientId, azpacr: proof, ver: '2.0' }
        : { iss: `${this.#authority}/`, appid: clientId, appidacr: proof, ver: '1.0' }),
    });
  }

  #sign(seconds: number, claims: JWTPayload, typ = 'JWT'): Promise<string> {
    const iat = Math.floor(this.#now() / 1000);
    const unique = randomBytes(16).toString('base64url');
    const { kid, private: key } = this.#keys.current();
    return new SignJWT({
      ...claims,
      tid: this.#directory.tenantId,
      iat,
      nbf: iat,
      exp: iat + seconds,
      jti: unique,
      uti: unique,
    })
      .setProtectedHeader({ alg: 'RS256', typ, kid })
      .sign(key);
  }
}

// Entra leaves the claim out where there is nothing to say.
const someRoles = (roles: readonly string[]): { roles?: string[] } => (roles.length > 0 ? { roles: [...roles] } : {});

const claimsOf = ({ amr, acrs }: Methods): { amr: string[]; acrs?: string[] } => ({
  amr,
  ...(acrs.length > 0 ? { acrs } : {}),
});

// The same person is another subject to every application.
const pairwise = (id: string, audience: string): string =>
  createHash('sha256').update(`${id} ${audience}`).digest('base64url');
