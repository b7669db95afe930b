import { authenticateClient, type Client, needed, sameSecret, single } from './clients.ts';
import type { Codes } from './codes.ts';
import type { Person } from './company.ts';
import type { Directory } from './directory.ts';
import { OAuthError } from './errors.ts';
import { json, type Reply, type Request, readForm } from './http.ts';
import { readScopes, type Scopes } from './scopes.ts';
import { accessSeconds, type Methods, type Tokens } from './tokens.ts';

export interface TokenService {
  directory: Directory;
  tokens: Tokens;
  codes: Codes;
}

type Answer = Record<string, string | number>;

/** POST /{tenant}/oauth2/v2.0/token */
export async function answerToken(service: TokenService, request: Request): Promise<Reply> {
  const form = readForm(request);
  if (!form) throw new OAuthError('invalid_request', 900144, 'The body must be a form.');
  const grantType = needed(form, 'grant_type');
  const { directory, tokens } = service;
  const client = await authenticateClient(directory, tokens, form, request.header('authorization'));
  return json(await answerGrant(service, grantType, client, form));
}

function answerGrant(service: TokenService, grantType: string, client: Client, form: URLSearchParams): Promise<Answer> {
  switch (grantType) {
    case 'client_credentials':
      return asApplication(service, client, form);
    case 'authorization_code':
      return byCode(service, client, form);
    case 'password':
      return byPassword(service, client, form);
    case 'refresh_token':
      return byRefresh(service, client, form);
    default:
      throw new OAuthError('unsupported_grant_type', 70003, `The grant type ${grantType} is not supported.`);
  }
}

async function asApplication({ directory, tokens }: TokenService, client: Client, form: URLSearchParams) {
  if (client.proof === '0')
    throw new OAuthError('invalid_client', 7000218, 'A client without a secret has no token of its own.');
  const scopes = readScopes(needed(form, 'scope'), directory);
  if (scopes.permissions.join() !== '.default')
    throw new OAuthError('invalid_scope', 1002012, 'With client credentials the scope is <resource>/.default.');
  return bearer(await tokens.forApplication(client, scopes));
}

async function byCode(service: TokenService, client: Client, form: URLSearchParams): Promise<Answer> {
  const grant = service.codes.redeem(needed(form, 'code'), {
    clientId: client.application.clientId,
    redirectUri: needed(form, 'redirect_uri'),
    verifier: needed(form, 'code_verifier'),
  });
  const person = enabled(service.directory.person(grant.personId));
  return asPerson(service, person, client, narrowed(grant.scope, single(form, 'scope')), grant.methods, grant.nonce);
}

async function byPassword(service: TokenService, client: Client, form: URLSearchParams): Promise<Answer> {
  const person = service.directory.person(needed(form, 'username'));
  // The same comparison for a name that doesn't exist, and the same words.
  const right = sameSecret(needed(form, 'password'), person?.password ?? '');
  if (!person || !right) throw new OAuthError('invalid_grant', 50126, 'The user name or the password is wrong.');
  // Not in Entra: whoever asks by password, which is tests and the terminal, says how the person is to have signed in.
  const methods = { amr: words(single(form, 'amr') ?? 'pwd'), acrs: words(single(form, 'acrs') ?? '') };
  return asPerson(service, enabled(person), client, needed(form, 'scope'), methods);
}

async function byRefresh(service: TokenService, client: Client, form: URLSearchParams): Promise<Answer> {
  const grant = await service.tokens.readRefresh(needed(form, 'refresh_token'));
  if (grant.clientId !== client.application.clientId)
    throw new OAuthError('invalid_grant', 70000, 'The refresh token is for another client.');
  const person = enabled(service.directory.person(grant.personId));
  return asPerson(service, person, client, single(form, 'scope') ?? grant.scope, grant.methods);
}

async function asPerson(
  { directory, tokens }: TokenService,
  person: Person,
  client: Client,
  scope: string,
  methods: Methods,
  nonce?: string,
): Promise<Answer> {
  const scopes: Scopes = readScopes(scope, directory);
  const { application } = client;
  return {
    ...bearer(await tokens.forPerson(person, client, scopes, methods)),
    scope,
    // MSAL tells its cached accounts apart by this.
    client_info: Buffer.from(JSON.stringify({ uid: person.id, utid: directory.tenantId })).toString('base64url'),
    ...(scopes.openid ? { id_token: await tokens.id(person, application, methods, nonce) } : {}),
    ...(scopes.offline ? { refresh_token: await tokens.refresh(person, application, scope, methods) } : {}),
  };
}

/** At redemption a client may ask for less than the person was shown, never for more. */
function narrowed(shown: string, asked: string | undefined): string {
  const words = new Set(shown.split(' '));
  if (asked?.split(' ').some((word) => word && !words.has(word)))
    throw new OAuthError('invalid_scope', 70011, 'The scope is wider than the one that the code was given for.');
  return asked ?? shown;
}

function enabled(person: Person | undefined): Person {
  if (!person) throw new OAuthError('invalid_grant', 50034, 'The account does not exist in the tenant.');
  if (!person.accountEnabled) throw new OAuthError('invalid_grant', 50057, 'The account is disabled.');
  return person;
}

const words = (text: string): string[] => text.split(' ').filter(Boolean);

const bearer = (token: string): Answer => ({
  token_type: 'Bearer',
  expires_in: accessSeconds,
  ext_expires_in: accessSeconds,
  access_token: token,
});
