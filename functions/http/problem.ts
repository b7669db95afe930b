import type { HttpResponseInit } from '@azure/functions';
import { type ErrorCode, errorCodes, type Refusal } from '../../shared/domain/errors.ts';
import { remedyInApi } from './remedies.ts';
import type { ProblemDetails } from './shapes.ts';

/** The one mapping from code to HTTP status. */
export const statusOf: { readonly [code in ErrorCode]: number } = {
  CURFEW_BODY_INVALID: 400,
  CURFEW_BODY_TOO_LARGE: 413,
  CURFEW_PARAMETER_INVALID: 400,
  CURFEW_TEXT_UNSAFE: 422,
  CURFEW_DURATION_INVALID: 422,
  CURFEW_DURATION_TOO_LONG: 422,
  CURFEW_START_INVALID: 422,
  CURFEW_REASON_REQUIRED: 422,
  CURFEW_TICKET_INVALID: 422,
  CURFEW_UNAUTHENTICATED: 401,
  CURFEW_NOT_A_PERSON: 403,
  CURFEW_FORBIDDEN: 403,
  CURFEW_AUTHENTICATION_INSUFFICIENT: 403,
  CURFEW_SIGN_IN_REQUIRED: 401,
  CURFEW_SIGN_IN_FAILED: 400,
  CURFEW_SIGNED_IN_AS_ANOTHER: 403,
  CURFEW_CSRF_MISMATCH: 403,
  CURFEW_RATE_LIMITED: 429,
  CURFEW_NO_SUCH_ROLE: 422,
  CURFEW_NO_APPROVER: 422,
  CURFEW_LIMIT_REACHED: 409,
  CURFEW_BREAK_GLASS_REFUSED: 403,
  CURFEW_EXTENSION_REFUSED: 409,
  CURFEW_TOO_LATE: 409,
  CURFEW_REVIEW_NOT_OWED: 409,
  CURFEW_REQUEST_NOT_FOUND: 404,
  CURFEW_LINK_NOT_FOUND: 404,
  CURFEW_SELF_APPROVAL: 403,
  CURFEW_NOT_AN_APPROVER: 403,
  CURFEW_ALREADY_DECIDED: 409,
  CURFEW_ALREADY_ENDING: 409,
  CURFEW_REQUEST_ENDED: 409,
  CURFEW_NOT_GRANTED: 409,
  CURFEW_NOT_DUE: 409,
  CURFEW_IDEMPOTENCY_MISMATCH: 422,
  CURFEW_ORIGIN_MISMATCH: 403,
  CURFEW_REQUESTER_INELIGIBLE: 403,
  CURFEW_DEADLINE_PASSED: 409,
  CURFEW_PRINCIPAL_UNKNOWN: 403,
  CURFEW_POLICY_INVALID: 503,
  CURFEW_CONFIGURATION_INVALID: 503,
  CURFEW_TARGET_REFUSED: 502,
  CURFEW_USER_NAME_TAKEN: 409,
  CURFEW_TARGET_UNAVAILABLE: 503,
  CURFEW_TARGET_NOT_VERIFIED: 503,
  CURFEW_HOLD_CLAIMED: 503,
  CURFEW_STORE_UNAVAILABLE: 503,
  CURFEW_STORE_CONFLICT: 500,
  CURFEW_DIRECTORY_UNAVAILABLE: 503,
  CURFEW_ISSUER_UNAVAILABLE: 503,
  CURFEW_MAIL_UNAVAILABLE: 503,
  CURFEW_MAIL_REFUSED: 502,
  CURFEW_WEBHOOK_UNAVAILABLE: 503,
  CURFEW_HUB_BUSY: 503,
  CURFEW_INTERNAL: 500,
};

/** Problem details (RFC 9457). `more` goes beside them: what the request has become, where there is one. */
export function problem(refusal: Refusal, more: Pick<ProblemDetails, 'request'> = {}): HttpResponseInit {
  const { code, detail, path, remedy } = refusal;
  const status = statusOf[code];
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...retryHeaders(refusal),
  };
  // RFC 6750, section 3.
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  const body = {
    type: `urn:curfew:error:${code}`,
    title: errorCodes[code][1],
    status,
    code,
    detail,
    path,
    ...(remedy && { remedy: remedyInApi(remedy), remedyKind: remedy.kind }),
    ...more,
  } satisfies ProblemDetails;
  return { status, headers, body: JSON.stringify(body) };
}

/** When to try again, where that is all there is to do. */
export function retryHeaders({ code, retryAfter = 5 }: Refusal): Record<string, string> {
  return [429, 503].includes(statusOf[code]) ? { 'retry-after': String(retryAfter) } : {};
}
