import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Cookie, HttpRequest, HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { tokenHashOf } from '../shared/approval-token.ts';
import { CurfewError, type Refusal } from '../shared/domain/errors.ts';
import type { Authentication } from '../shared/domain/policy.ts';
import { plus } from '../shared/domain/time.ts';
import { securityHeaders } from '../shared/pages/security-headers.ts';
import {
  signedInAsAnotherPage,
  signedOutPage,
  signInFailedPage,
  signInRequiredPage,
} from '../shared/pages/sign-in-pages.ts';
import type { Session } from '../shared/ports.ts';
import { page } from './http/page.ts';
import { statusOf } from './http/problem.ts';
import { readForm } from './http/read.ts';
import type { PublicHandler, Service } from './service.ts';

const sessionCookie = '__Host-curfew';
const flowCookie = '__Host-curfew-sign-in';
/** Seconds. A session isn't prolonged by use. */
const sessionLength = 3600;
const flowLength = 600;

/** 256 bits, as base64url. */
const unguessable = /^[\w-]{43}$/;
/** Where a sign-in may lead back to: nothing but the pages that begin one. */
const ownPage = /^\/api\/approvals\/[\w-]{43}$/;

const flowShape = z.strictObject({
  state: z.string().regex(unguessable),
  nonce: z.string().regex(unguessable),
  verifier: z.string().regex(unguessable),
  returnTo: z.string().regex(ownPage),
  needs: z.array(z.literal('mfa').or(z.templateLiteral(['c', z.int()]))),
});
type Flow = z.output<typeof flowShape>;

/** A session, and the token by which its browser is known. */
export interface LiveSession extends Session {
  readonly token: string;
}

/** Who has signed in with the browser that asks, if anybody. */
export async function sessionOf(service: Service, request: HttpRequest): Promise<LiveSession | undefined> {
  const token = cookieOf(request, sessionCookie);
  if (token === undefined || !unguessable.test(token)) return undefined;
  const session = await service.sessions.find(tokenHashOf(token));
  return session && session.expiresAt > service.clock.now() ? { ...session, token } : undefined;
}

/** Sends the browser to the issuer. What it will have to prove on the way back is in its own cookie. */
export async function askToSignIn(
  service: Service,
  ask: {
    readonly returnTo: string;
    /** A user principal name. */
    readonly loginHint?: string;
    readonly needs: readonly Authentication[];
    readonly isAgain?: boolean;
  },
): Promise<HttpResponseInit> {
  const { returnTo, loginHint, needs, isAgain } = ask;
  if (!ownPage.test(returnTo)) throw new CurfewError('CURFEW_INTERNAL', { detail: 'No sign-in leads to this page.' });
  const { url, memory } = await service.signIn.begin({
    redirectUri: redirectUriOf(service),
    loginHint,
    needs,
    isAgain,
  });
  const flow: Flow = { ...memory, returnTo, needs: [...needs] };
  return redirect(url, cookie(flowCookie, Buffer.from(JSON.stringify(flow)).toString('base64url'), flowLength));
}

/** Back from the issuer. Makes a new session whatever was there before, so that nobody can be given one to sign in to. */
export const finishSignIn: PublicHandler = async (service, request) => {
  const flow = flowOf(request);
  const callbackUrl = new URL(request.url);
  // Another tab's sign-in came later, or this is none of ours: the one that the cookie remembers may still end well.
  if (!flow || callbackUrl.searchParams.get('state') !== flow.state) {
    return failed({ code: 'CURFEW_SIGN_IN_FAILED' });
  }
  try {
    const { returnTo, needs, ...memory } = flow;
    const who = await service.signIn.finish({ callbackUrl, redirectUri: redirectUriOf(service), memory });
    // Asking again could go on for ever.
    if (!needs.every((need) => who.authentication.includes(need))) {
      throw new CurfewError('CURFEW_AUTHENTICATION_INSUFFICIENT');
    }
    const before = cookieOf(request, sessionCookie);
    if (before !== undefined && unguessable.test(before)) await service.sessions.remove(tokenHashOf(before));
    const token = Buffer.from(service.entropy.bytes(32)).toString('base64url');
    const expiresAt = plus(service.clock.now(), sessionLength * 1000);
    await service.sessions.save({ ...who, tokenHash: tokenHashOf(token), expiresAt });
    return redirect(
      `${service.publicUrl}${returnTo}`,
      cookie(sessionCookie, token, sessionLength),
      cookie(flowCookie, '', 0),
    );
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    service.log('warning', 'a sign-in failed', { code: error.code, because: nameOfCause(error) });
    return { ...failed(error.refusal, flow.returnTo), cookies: [cookie(flowCookie, '', 0)] };
  }
};

/** Ends the session here, and sends the browser to end it at the issuer. */
export const signOut: PublicHandler = async (service, request) => {
  const session = await sessionOf(service, request);
  if (!session) throw new CurfewError('CURFEW_SIGN_IN_REQUIRED');
  expectOwnForm(service, request, await readForm(request), session.token);
  await service.sessions.remove(session.tokenHash);
  // Whoever wants to leave may, also while the issuer can't be reached.
  const next = await service.signIn.endUrl(`${service.publicUrl}/api/signed-out`).catch(() => undefined);
  const { headers, ...answer } = page(200, signedOutPage(next));
  return {
    ...answer,
    // Not a redirect: `form-action 'self'` holds for where a form's answer redirects to as well.
    headers: { ...headers, ...(next !== undefined && { refresh: `0; url=${next}` }) },
    cookies: [cookie(sessionCookie, '', 0)],
  };
};

export const signedOut: PublicHandler = async () => {
  const { headers, ...answer } = page(200, signedOutPage());
  // Chromium may keep a page for the way back in spite of `no-store`: this lets go of them all.
  return { ...answer, headers: { ...headers, 'clear-site-data': '"cache"' } };
};

/** For a form that nobody has signed in for. */
export function signInPage(): HttpResponseInit {
  return page(401, signInRequiredPage());
}

export function anotherPage({ name, token }: LiveSession): HttpResponseInit {
  return page(403, signedInAsAnotherPage({ signedInAs: name, csrf: csrfTokenOf(token) }));
}

/** For the hidden field `csrf` of every form: what only a page for the holder of the secret can know. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('curfew: a form of this session').digest('base64url');
}

/** Whether the form came from a page of Curfew's own that was made for this session (or link). */
export function expectOwnForm(
  { publicUrl }: Pick<Service, 'publicUrl'>,
  request: HttpRequest,
  { csrf = '' }: Readonly<Record<string, string>>,
  secret: string,
): void {
  const origin = request.headers.get('origin');
  const isOwn =
    origin === null ? request.headers.get('sec-fetch-site') === 'same-origin' : origin === new URL(publicUrl).origin;
  if (!isOwn) throw new CurfewError('CURFEW_ORIGIN_MISMATCH');
  const [given, expected] = [Buffer.from(csrf), Buffer.from(csrfTokenOf(secret))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new CurfewError('CURFEW_CSRF_MISMATCH');
  }
}

function redirectUriOf({ publicUrl }: Service): string {
  return `${publicUrl}/api/sign-in/callback`;
}

function flowOf(request: HttpRequest): Flow | undefined {
  try {
    const text = Buffer.from(cookieOf(request, flowCookie) ?? '', 'base64url').toString('utf8');
    return flowShape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A cookie's value. Of two of one name nobody can say which is meant, so there is none. */
function cookieOf(request: HttpRequest, name: string): string | undefined {
  const values = (request.headers.get('cookie') ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** `__Host-` (RFC 6265bis, section 4.1.3.2): no other host can set it. Lax, for it must come along from a mail's link. */
function cookie(name: string, value: string, maxAge: number): Cookie {
  return { name, value, maxAge, path: '/', secure: true, httpOnly: true, sameSite: 'Lax' };
}

function redirect(location: string, ...cookies: Cookie[]): HttpResponseInit {
  return { status: 302, headers: { ...securityHeaders(), location }, cookies };
}

function failed(refusal: Refusal, tryAgain?: string): HttpResponseInit {
  return page(statusOf[refusal.code], signInFailedPage({ refusal, tryAgain }));
}

/** `OAUTH_RESPONSE_BODY_ERROR invalid_client`, or the like. Never a message: it may hold what the issuer sent. */
function nameOfCause({ cause }: CurfewError): string {
  if (!(cause instanceof Error)) return 'none';
  const { name, code = name, error } = cause as Error & { code?: unknown; error?: unknown };
  return [code, error].filter((word) => typeof word === 'string' && /^\w{1,60}$/.test(word)).join(' ');
}
