import type { Remedy } from './remedies.ts';

/**
 * Every way in which Curfew says no. `refused`: the asker must change something; `retryable`: the same call may pass
 * later; `terminal`: it never will. Callers match on the code, never on the text.
 */
export const errorCodes = {
  CURFEW_BODY_INVALID: ['refused', 'The body is not the JSON that this route takes.'],
  CURFEW_BODY_TOO_LARGE: ['refused', 'The body is larger than 64 KiB.'],
  CURFEW_PARAMETER_INVALID: ['refused', 'A parameter of the address is not of its form.'],
  CURFEW_TEXT_UNSAFE: ['refused', 'A text has control characters or characters that reorder it.'],
  CURFEW_DURATION_INVALID: ['refused', 'The duration is not one that can be granted.'],
  CURFEW_DURATION_TOO_LONG: ['refused', "The duration is over the role's maximum."],
  CURFEW_START_INVALID: ['refused', 'The start lies in the past or too far ahead.'],
  CURFEW_REASON_REQUIRED: ['refused', 'The role asks for a reason.'],
  CURFEW_TICKET_INVALID: ['refused', 'The role asks for a ticket of a certain form.'],
  CURFEW_UNAUTHENTICATED: ['refused', 'The call carries no valid token.'],
  CURFEW_NOT_A_PERSON: ['refused', 'Only a person may do this, and the token is not a person’s.'],
  CURFEW_FORBIDDEN: ['refused', 'The caller may not do this.'],
  CURFEW_AUTHENTICATION_INSUFFICIENT: ['refused', 'The policy asks for a stronger sign-in than this one.'],
  CURFEW_SIGN_IN_REQUIRED: ['refused', 'This page is for people who have signed in.'],
  CURFEW_SIGN_IN_FAILED: ['refused', 'The sign-in did not come to its end.'],
  CURFEW_SIGNED_IN_AS_ANOTHER: ['refused', 'The link was sent to somebody else than the person signed in.'],
  CURFEW_CSRF_MISMATCH: ['refused', 'The form does not belong to this sign-in.'],
  CURFEW_RATE_LIMITED: ['retryable', 'Too many calls in a short time.'],
  CURFEW_NO_SUCH_ROLE: ['refused', 'The policy offers the caller no such role on such a target.'],
  CURFEW_NO_APPROVER: ['refused', 'Too few people but the requester could approve this.'],
  CURFEW_LIMIT_REACHED: ['refused', 'As many grants as the policy allows are held already.'],
  CURFEW_BREAK_GLASS_REFUSED: ['refused', 'The policy does not let the caller break the glass for this role.'],
  CURFEW_EXTENSION_REFUSED: ['refused', 'The policy allows no such extension.'],
  CURFEW_TOO_LATE: ['refused', 'The deadline is final, and the access is about to be taken away.'],
  CURFEW_REVIEW_NOT_OWED: ['refused', 'No review is owed for this request.'],
  CURFEW_REQUEST_NOT_FOUND: ['refused', 'There is no such request, or it is not the caller’s to see.'],
  CURFEW_LINK_NOT_FOUND: ['refused', 'The link is unknown or has run out.'],
  CURFEW_SELF_APPROVAL: ['refused', 'Nobody decides on their own request.'],
  CURFEW_NOT_AN_APPROVER: ['refused', 'The caller is not, or is no longer, an approver of this request.'],
  CURFEW_ALREADY_DECIDED: ['refused', 'Somebody has decided already.'],
  CURFEW_ALREADY_ENDING: ['refused', 'The access is being taken away already.'],
  CURFEW_REQUEST_ENDED: ['refused', 'The request has ended.'],
  CURFEW_NOT_GRANTED: ['refused', 'Nothing has been granted yet that could be ended.'],
  CURFEW_NOT_DUE: ['refused', 'It is too early for this.'],
  CURFEW_IDEMPOTENCY_MISMATCH: ['refused', 'The Idempotency-Key was used with another body.'],
  CURFEW_ORIGIN_MISMATCH: ['refused', 'The form was sent from another site.'],
  CURFEW_REQUESTER_INELIGIBLE: ['terminal', 'The requester may no longer have this role.'],
  CURFEW_DEADLINE_PASSED: ['terminal', 'The time was over before the access could be granted.'],
  CURFEW_PRINCIPAL_UNKNOWN: ['terminal', 'The directory knows no such person, or the account is off.'],
  CURFEW_POLICY_INVALID: ['terminal', 'The policy file cannot be read.'],
  CURFEW_CONFIGURATION_INVALID: ['terminal', 'A setting is missing or wrong.'],
  CURFEW_TARGET_REFUSED: ['terminal', 'The target refused what was asked of it.'],
  CURFEW_USER_NAME_TAKEN: ['terminal', 'The database has a user of that name who is somebody else.'],
  CURFEW_TARGET_UNAVAILABLE: ['retryable', 'The target cannot be reached.'],
  CURFEW_TARGET_NOT_VERIFIED: ['retryable', 'The target, asked again, did not show the change.'],
  CURFEW_HOLD_CLAIMED: ['retryable', 'Another request is just giving up the same entitlement.'],
  CURFEW_STORE_UNAVAILABLE: ['retryable', 'The event store cannot be reached.'],
  CURFEW_STORE_CONFLICT: ['terminal', 'The event store holds something else in this place.'],
  CURFEW_DIRECTORY_UNAVAILABLE: ['retryable', 'The directory cannot be reached.'],
  CURFEW_ISSUER_UNAVAILABLE: ['retryable', 'The token issuer cannot be reached.'],
  CURFEW_MAIL_UNAVAILABLE: ['retryable', 'The mail server cannot be reached or said no.'],
  CURFEW_MAIL_REFUSED: ['terminal', 'The mail server takes nothing for this address.'],
  CURFEW_WEBHOOK_UNAVAILABLE: ['retryable', 'The receiver of a webhook did not take what was sent.'],
  CURFEW_HUB_BUSY: ['retryable', 'The task hub took too long to begin this.'],
  CURFEW_INTERNAL: ['retryable', 'Something went wrong inside Curfew.'],
} as const satisfies Record<`CURFEW_${string}`, readonly ['refused' | 'retryable' | 'terminal', string]>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}

/**
 * A refusal or failure. `detail` is one sentence for people, `path` what it is about (`/duration`), `remedy` what the reader
 * can do, which each surface says in its own words, `retryAfter` in how many seconds the same call may pass.
 */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: string | undefined;
  readonly path?: string | undefined;
  readonly remedy?: Remedy | undefined;
  readonly retryAfter?: number | undefined;
}

/** The one error class. It never holds a foreign error's text, which may hold SQL, tokens or addresses. */
export class CurfewError extends Error {
  readonly code: ErrorCode;
  readonly refusal: Refusal;

  constructor(code: ErrorCode, more: Omit<Refusal, 'code'> & { cause?: unknown } = {}) {
    const { cause, ...rest } = more;
    super(`${code}: ${rest.detail ?? errorCodes[code][1]}`, cause === undefined ? undefined : { cause });
    this.name = 'CurfewError';
    this.code = code;
    this.refusal = { code, ...rest };
  }
}

/** What it is to Curfew: of what it doesn't know, nothing but that something went wrong inside. */
export function asCurfewError(error: unknown): CurfewError {
  return error instanceof CurfewError ? error : new CurfewError('CURFEW_INTERNAL');
}

/**
 * Whether the same call may pass later. CURFEW_INTERNAL is among them: it says nothing of what was done, as a process that
 * died says nothing, so that the service tries again and a caller may.
 */
export function isRetryable(code: ErrorCode): boolean {
  return errorCodes[code][0] === 'retryable';
}

export function assertNever(value: never): never {
  throw new CurfewError('CURFEW_INTERNAL', { detail: `Impossible: ${JSON.stringify(value)}` });
}
