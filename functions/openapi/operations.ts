import { z } from 'zod';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { driftQuery } from '../drift.ts';
import { listQuery } from '../requests.ts';
import { submitQuery } from '../submit.ts';
import type { ComponentName } from './components.ts';
import * as examples from './examples.ts';

export interface Example {
  readonly summary: string;
  readonly value: object;
}
type Examples = Readonly<Record<string, Example>>;

export const answerHeaders = {
  ETag: 'Its version: every event makes another.',
  Location: 'Where the request is to be found, or where the browser goes next.',
};

/** What the document says of a route beyond what the route itself does. */
export interface Operation {
  readonly description?: string;
  readonly query?: z.ZodObject;
  readonly headers?: readonly ('Idempotency-Key' | 'If-None-Match')[];
  readonly body?: {
    readonly schema: ComponentName;
    readonly isForm?: true;
    readonly isOptional?: true;
    readonly examples?: Examples;
  };
  /** By status, where it isn't refused. Without a schema it is a page, or nothing at all. */
  readonly answers: {
    readonly [status: number]: {
      readonly about: string;
      readonly schema?: ComponentName;
      readonly headers?: readonly (keyof typeof answerHeaders)[];
      readonly examples?: Examples;
    };
  };
  /** Beyond those of every route that has such needs, such a path, or a body. */
  readonly refusals: readonly ErrorCode[];
  /** Examples of refusals, by status. */
  readonly refused?: { readonly [status: number]: Examples };
}

const request = { schema: 'AccessRequest', headers: ['ETag', 'Location'] } as const;
const accepted = {
  about: 'Accepted. Poll its Location with If-None-Match.',
  ...request,
  examples: { waiting: examples.requests.waiting },
};
const pending = { about: 'Taken, and it takes longer than anybody should wait: look again.', ...request };

const fromDirectory = ['CURFEW_PRINCIPAL_UNKNOWN', 'CURFEW_DIRECTORY_UNAVAILABLE'] as const;
const fromPolicy = [
  'CURFEW_DURATION_INVALID',
  'CURFEW_DURATION_TOO_LONG',
  'CURFEW_START_INVALID',
  'CURFEW_REASON_REQUIRED',
  'CURFEW_TICKET_INVALID',
  'CURFEW_AUTHENTICATION_INSUFFICIENT',
  'CURFEW_NO_SUCH_ROLE',
  'CURFEW_NO_APPROVER',
  'CURFEW_LIMIT_REACHED',
  'CURFEW_IDEMPOTENCY_MISMATCH',
  'CURFEW_POLICY_INVALID',
  'CURFEW_STORE_UNAVAILABLE',
  'CURFEW_STORE_CONFLICT',
  ...fromDirectory,
] as const;
const fromAnswering = [
  'CURFEW_SELF_APPROVAL',
  'CURFEW_NOT_AN_APPROVER',
  'CURFEW_AUTHENTICATION_INSUFFICIENT',
  'CURFEW_REQUESTER_INELIGIBLE',
  'CURFEW_ALREADY_DECIDED',
  'CURFEW_REQUEST_ENDED',
  'CURFEW_DURATION_INVALID',
  'CURFEW_DURATION_TOO_LONG',
  'CURFEW_DIRECTORY_UNAVAILABLE',
] as const;
const fromReviewing = [
  'CURFEW_SELF_APPROVAL',
  'CURFEW_NOT_AN_APPROVER',
  'CURFEW_REVIEW_NOT_OWED',
  'CURFEW_NOT_DUE',
] as const;
const fromLink = [
  'CURFEW_LINK_NOT_FOUND',
  'CURFEW_RATE_LIMITED',
  'CURFEW_SIGNED_IN_AS_ANOTHER',
  'CURFEW_NOT_AN_APPROVER',
  'CURFEW_STORE_UNAVAILABLE',
  'CURFEW_DIRECTORY_UNAVAILABLE',
] as const;
const fromForm = ['CURFEW_SIGN_IN_REQUIRED', 'CURFEW_ORIGIN_MISMATCH', 'CURFEW_CSRF_MISMATCH'] as const;

/** Every operation by its route's name. */
export const operations = {
  listTargets: {
    answers: {
      200: {
        about: 'Targets, and of each the roles that are for the caller.',
        schema: 'TargetList',
        examples: examples.targetLists,
      },
    },
    refusals: ['CURFEW_POLICY_INVALID', ...fromDirectory],
  },
  submitRequest: {
    description:
      'A person or application asks for itself with `Access.Request`; an application asks for a person with `Access.RequestForOthers`. The same Idempotency-Key with the same body is the same request.',
    query: submitQuery,
    headers: ['Idempotency-Key'],
    body: { schema: 'Submission', examples: examples.submissions },
    answers: {
      200: { about: 'A dry run: what would be done.', schema: 'Preview', examples: examples.previews },
      202: accepted,
    },
    refusals: ['CURFEW_BREAK_GLASS_REFUSED', ...fromPolicy],
    refused: { 422: examples.problems },
  },
  listRequests: {
    description:
      'Those that the caller made, was asked about, or asked for; all with `Access.Audit` or `Access.Administer`.',
    query: listQuery,
    answers: { 200: { about: 'One page.', schema: 'RequestList', examples: examples.lists } },
    refusals: ['CURFEW_STORE_UNAVAILABLE'],
  },
  getRequest: {
    headers: ['If-None-Match'],
    answers: {
      200: { about: 'As it is now.', ...request, examples: examples.requests },
      304: { about: 'Nothing has changed since that ETag.', headers: ['ETag'] },
    },
    refusals: [],
  },
  getEvents: {
    description: 'The record for audits, as it was written.',
    answers: { 200: { about: 'In order.', schema: 'EventList' } },
    refusals: [],
  },
  listDrift: {
    description: 'Members of the policy’s roles that neither a request nor the policy explains: found, removed, gone.',
    query: driftQuery,
    answers: { 200: { about: 'Of each target, in order.', schema: 'DriftList' } },
    refusals: ['CURFEW_POLICY_INVALID', 'CURFEW_STORE_UNAVAILABLE'],
  },
  withdrawRequest: {
    description: 'For the requester, or the application that asked for them.',
    answers: {
      200: { about: 'Withdrawn.', ...request, examples: { withdrawn: examples.requests.withdrawn } },
      202: pending,
    },
    refusals: ['CURFEW_FORBIDDEN', 'CURFEW_ALREADY_DECIDED', 'CURFEW_REQUEST_ENDED', ...fromDirectory],
  },
  revokeRequest: {
    description:
      'For the requester, whoever approves such requests, and the roles `Access.Revoke` and `Access.Administer`. Before a booked start it calls the request off.',
    body: { schema: 'Revocation', isOptional: true, examples: examples.revocations },
    answers: {
      200: { about: 'Ended, and seen gone.', ...request, examples: { revoked: examples.requests.revoked } },
      202: pending,
    },
    refusals: [
      'CURFEW_FORBIDDEN',
      'CURFEW_NOT_A_PERSON',
      'CURFEW_NOT_GRANTED',
      'CURFEW_ALREADY_ENDING',
      'CURFEW_REQUEST_ENDED',
      ...fromDirectory,
    ],
  },
  decideRequest: {
    description: 'Answers the stage that is open, for those who are asked in it.',
    body: { schema: 'Answer', examples: examples.answers },
    answers: {
      200: {
        about: 'What has become of the request by it.',
        ...request,
        examples: { granted: examples.requests.granted },
      },
      202: pending,
    },
    refusals: ['CURFEW_NOT_A_PERSON', 'CURFEW_PRINCIPAL_UNKNOWN', ...fromAnswering],
  },
  extendRequest: {
    description:
      'Makes a request of its own, which is approved like any other and then moves the deadline. For the requester, or the application that asked for them.',
    query: submitQuery,
    headers: ['Idempotency-Key'],
    body: { schema: 'Extension', examples: examples.extensions },
    answers: { 200: { about: 'A dry run: what would be done.', schema: 'Preview' }, 202: accepted },
    refusals: [
      'CURFEW_EXTENSION_REFUSED',
      'CURFEW_TOO_LATE',
      'CURFEW_NOT_GRANTED',
      'CURFEW_ALREADY_ENDING',
      'CURFEW_REQUEST_ENDED',
      ...fromPolicy,
    ],
  },
  reviewRequest: {
    body: { schema: 'Review', examples: examples.reviews },
    answers: { 200: { about: 'Reviewed.', ...request }, 202: pending },
    refusals: ['CURFEW_NOT_A_PERSON', ...fromReviewing, ...fromDirectory],
  },
  getApproval: {
    description: 'For the person that the link was mailed to, who signs in on the way where the policy asks for that.',
    answers: {
      200: { about: 'The page, with what may be done from it.' },
      302: { about: 'To the sign-in.', headers: ['Location'] },
    },
    refusals: ['CURFEW_ISSUER_UNAVAILABLE', ...fromLink],
  },
  postApproval: {
    description: 'The form of the page, from the page’s own origin.',
    body: { schema: 'ApprovalForm', isForm: true, examples: examples.approvalForms },
    answers: {
      200: { about: 'What has become of the request by it.' },
      202: { about: 'Taken, and it takes longer than anybody should wait.' },
    },
    refusals: [...fromLink, ...fromForm, ...fromAnswering, ...fromReviewing],
  },
  finishSignIn: {
    description: 'OpenID Connect’s redirect URI. It needs the cookie of the browser in which the sign-in began.',
    query: z.object({
      state: z.string().optional(),
      code: z.string().optional(),
      error: z.string().optional(),
    }),
    answers: { 302: { about: 'Signed in, and back to the page that wanted it.', headers: ['Location'] } },
    refusals: [
      'CURFEW_SIGN_IN_FAILED',
      'CURFEW_AUTHENTICATION_INSUFFICIENT',
      'CURFEW_ISSUER_UNAVAILABLE',
      'CURFEW_STORE_UNAVAILABLE',
    ],
  },
  signOut: {
    description: 'The form of a page, from the page’s own origin.',
    body: { schema: 'SignOutForm', isForm: true },
    answers: { 200: { about: 'Signed out here; the page goes on to sign out at the issuer.' } },
    refusals: ['CURFEW_STORE_UNAVAILABLE', ...fromForm],
  },
  signedOut: { answers: { 200: { about: 'The page.' } }, refusals: [] },
  health: {
    answers: {
      200: { about: 'Everything works.', schema: 'Health' },
      503: { about: 'Something fails, and is named.', schema: 'Health' },
    },
    refusals: [],
  },
  openApi: { answers: { 200: { about: 'This document.', schema: 'OpenApi' } }, refusals: [] },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
