import { createHash, timingSafeEqual } from 'node:crypto';
import type { Application } from './company.ts';
import type { Directory } from './directory.ts';
import { OAuthError } from './errors.ts';
import type { Tokens } from './tokens.ts';

/** A client that has said who it is, and how it proved it: as in `azpacr`, not at all, by a secret, or by an assertion. */
export interface Client {
  application: Application;
  proof: '0' | '1' | '2';
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The one value of a parameter; OAuth forbids giving any twice. */
export function single(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1)
    throw new OAuthError('invalid_request', 900144, `The parameter ${name} is given more than once.`);
  return values[0] || undefined;
}

export function needed(parameters: URLSearchParams, name: string): string {
  const value = single(parameters, name);
  if (value === undefined) throw new OAuthError('invalid_request', 900144, `The parameter ${name} is missing.`);
  return value;
}

export function findClient(directory: Directory, clientId: string): Application {
  const client = directory.application(clientId);
  if (!client) throw new OAuthError('unauthorized_client', 700016, `The application ${clientId} was not found.`);
  return client;
}

/**
 * The client of a token request. One with a secret proves it, in the body or as HTTP Basic; one with federated identities
 * brings a token of theirs (RFC 7523, section 2.2); one with neither must not try.
 */
export async function authenticateClient(
  directory: Directory,
  tokens: Tokens,
  form: URLSearchParams,
  authorization?: string,
): Promise<Client> {
  const basic = authorization === undefined ? undefined : readBasic(authorization);
  const application = findClient(directory, basic?.clientId ?? needed(form, 'client_id'));
  const secret = basic?.secret ?? single(form, 'client_secret');
  const assertion = single(form, 'client_assertion');
  if (!application.accountEnabled) throw new OAuthError('unauthorized_client', 7000112, 'The application is disabled.');
  if (secret !== undefined && assertion !== undefined)
    throw new OAuthError('invalid_request', 900144, 'The client proves itself in two ways at once.');
  if (application.secret === null && application.federatedIdentities.length === 0) {
    if (secret === undefined && assertion === undefined) return { application, proof: '0' };
    throw new OAuthError('invalid_client', 700025, 'The client is public and must not present a secret.');
  }
  if (assertion !== undefined) {
    if (needed(form, 'client_assertion_type') !== jwtBearer)
      throw new OAuthError('invalid_request', 900144, `The client assertion type must be ${jwtBearer}.`);
    if (!application.federatedIdentities.includes(await tokens.readAssertion(assertion)))
      throw new OAuthError(
        'invalid_client',
        700213,
        'The client trusts no identity like the subject of the assertion.',
      );
    return { application, proof: '2' };
  }
  if (secret === undefined)
    throw new OAuthError('invalid_client', 7000218, 'The client secret or the client assertion is missing.');
  if (application.secret === null || !sameSecret(secret, application.secret))
    throw new OAuthError('invalid_client', 7000215, 'The client secret is wrong.');
  return { application, proof: '1' };
}

/** Compared as digests, so that neither length nor first difference shows in the time it takes. */
export function sameSecret(given: string, kept: string): boolean {
  const [a, b] = [given, kept].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/**
 * Whether the address may be sent a code: registered to the letter, save that any port will do on `http://localhost`
 * and `http://127.0.0.1`, where a program takes the port it can get.
 */
export function isRegistered(client: Application, redirectUri: string): boolean {
  const asked = withoutLoopbackPort(redirectUri);
  return (
    URL.canParse(redirectUri) &&
    client.redirectUris.some(
      (uri) => uri === redirectUri || (asked !== undefined && asked === withoutLoopbackPort(uri)),
    )
  );
}

function withoutLoopbackPort(uri: string): string | undefined {
  const [whole, host] = /^http:\/\/(localhost|127\.0\.0\.1)(?::\d{1,5})?(?=[/?]|$)/.exec(uri) ?? [];
  return whole === undefined ? undefined : `${host}${uri.slice(whole.length)}`;
}

function readBasic(authorization: string): { clientId: string; secret: string } {
  const [scheme, value] = authorization.split(' ');
  const [id, secret] = Buffer.from(value ?? '', 'base64')
    .toString('utf8')
    .split(':');
  try {
    if (scheme?.toLowerCase() === 'basic' && id && secret)
      return { clientId: formDecode(id), secret: formDecode(secret) };
  } catch {
    // Falls through to the one refusal below.
  }
  throw new OAuthError(
    'invalid_client',
    7000216,
    'The Authorization header is not HTTP Basic with an id and a secret.',
  );
}

// RFC 6749 has both parts form-encoded before they are joined.
const formDecode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
