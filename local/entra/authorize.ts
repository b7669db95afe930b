import { z } from 'zod';
import { findClient, isRegistered, needed, single } from './clients.ts';
import type { CodeGrant, Codes } from './codes.ts';
import type { Application } from './company.ts';
import type { Directory } from './directory.ts';
import { OAuthError } from './errors.ts';
import { type Reply, type Request, readForm } from './http.ts';
import { errorPage, signedOutPage, signInPage } from './pages.ts';
import { readScopes } from './scopes.ts';

/** GET shows the people to choose from; POST, from that page, answers with a code for the one chosen. */
export function answerAuthorize(directory: Directory, codes: Codes, origin: string, request: Request): Reply {
  const parameters = request.method === 'GET' ? request.url.searchParams : readForm(request);
  try {
    if (!parameters) throw new OAuthError('invalid_request', 900144, 'The body must be a form.');
    const client = findClient(directory, needed(parameters, 'client_id'));
    const redirectUri = needed(parameters, 'redirect_uri');
    if (!isRegistered(client, redirectUri))
      throw new OAuthError(
        'invalid_request',
        50011,
        `The redirect URI ${redirectUri} is not registered for the client.`,
      );
    return answerTrusted(directory, codes, origin, request, parameters, client, redirectUri);
  } catch (error) {
    // Nothing goes to an address that is not known to be the client's: the person reads it here instead.
    if (error instanceof OAuthError) return errorPage(error);
    throw error;
  }
}

function answerTrusted(
  directory: Directory,
  codes: Codes,
  origin: string,
  request: Request,
  parameters: URLSearchParams,
  client: Application,
  redirectUri: string,
): Reply {
  const state = parameters.get('state');
  const back = (answer: Record<string, string>): Reply =>
    redirect(redirectUri, state === null ? answer : { ...answer, state });
  let grant: Asked;
  try {
    grant = readGrant(directory, parameters, client, redirectUri);
    if (single(parameters, 'prompt') === 'none')
      throw new OAuthError('login_required', 50058, 'Nobody is ever signed in already at the stand-in.');
  } catch (error) {
    if (error instanceof OAuthError) return back({ error: error.error, error_description: error.description });
    throw error;
  }
  if (request.method === 'GET') return signInPage(directory.people(), client, redirectUri, parameters);
  // Only the page above may choose a person; a form on somebody else's page may not.
  if (request.header('origin') !== origin)
    throw new OAuthError('invalid_request', 900144, 'The form was not sent by the sign-in page.');
  const person = directory.person(needed(parameters, 'person'));
  if (!person) throw new OAuthError('invalid_grant', 50034, 'The account does not exist in the tenant.');
  if (!person.accountEnabled) throw new OAuthError('access_denied', 50057, 'The account is disabled.');
  const { acrs, ...rest } = grant;
  const methods = single(parameters, 'mfa') ? { amr: ['pwd', 'mfa'], acrs } : { amr: ['pwd'], acrs: [] };
  return back({ code: codes.issue({ ...rest, personId: person.id, methods }) });
}

/** What the client asked for, with the authentication contexts that it wants satisfied. */
type Asked = Omit<CodeGrant, 'personId' | 'methods'> & { acrs: string[] };

function readGrant(directory: Directory, parameters: URLSearchParams, client: Application, redirectUri: string): Asked {
  if (needed(parameters, 'response_type') !== 'code')
    throw new OAuthError('unsupported_response_type', 700054, 'The response type must be code.');
  if ((single(parameters, 'response_mode') ?? 'query') !== 'query')
    throw new OAuthError('invalid_request', 900144, 'The response mode must be query.');
  const challenge = single(parameters, 'code_challenge');
  if (challenge === undefined)
    throw new OAuthError('invalid_request', 9002325, 'Proof Key for Code Exchange is required.');
  if (single(parameters, 'code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(challenge))
    throw new OAuthError('invalid_request', 501491, 'The code challenge must be S256.');
  const scope = needed(parameters, 'scope');
  readScopes(scope, directory);
  single(parameters, 'state');
  const nonce = single(parameters, 'nonce');
  const acrs = readAcrs(single(parameters, 'claims'));
  return { clientId: client.clientId, redirectUri, challenge, scope, acrs, ...(nonce === undefined ? {} : { nonce }) };
}

const ClaimsOfToken = z
  .object({
    acrs: z
      .object({ value: z.string(), values: z.array(z.string()) })
      .partial()
      .nullable(),
  })
  .partial()
  .optional();
const Claims = z.object({ id_token: ClaimsOfToken, access_token: ClaimsOfToken });

/** The authentication contexts that the `claims` parameter asks for (OpenID Connect Core 1.0, section 5.5). */
function readAcrs(claims: string | undefined): string[] {
  try {
    const { id_token, access_token } = Claims.parse(JSON.parse(claims ?? '{}'));
    const asked = [id_token?.acrs, access_token?.acrs].flatMap((acrs) =>
      [acrs?.value ?? [], acrs?.values ?? []].flat(),
    );
    return [...new Set(asked)];
  } catch {
    throw new OAuthError('invalid_request', 900144, 'The parameter claims cannot be read.');
  }
}

/** GET /logout: the stand-in keeps no session, so there is nothing to end but the person's doubt. */
export function answerLogout(directory: Directory, { url }: Request): Reply {
  const back = url.searchParams.get('post_logout_redirect_uri');
  const known = back !== null && directory.applications.some((application) => isRegistered(application, back));
  const state = url.searchParams.get('state');
  return known ? redirect(back, state === null ? {} : { state }) : signedOutPage();
}

function redirect(to: string, answer: Record<string, string>): Reply {
  const location = new URL(to);
  for (const [name, value] of Object.entries(answer)) location.searchParams.set(name, value);
  const headers = { location: location.href, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
  return { status: 303, headers, body: '' };
}
