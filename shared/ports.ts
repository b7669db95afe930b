import type { AccessRequest } from './domain/access-request.ts';
import type { RecordedDrift } from './domain/drift.ts';
import type { GrantEvidence, RecordedEvent, RevocationEvidence } from './domain/events.ts';
import type { HoldDocument } from './domain/holds.ts';
import type { ActorId, PrincipalId, RequestId, RoleId, TargetId } from './domain/ids.ts';
import type { Authentication, Entitlement, Person } from './domain/policy.ts';
import type { State } from './domain/states.ts';
import type { Instant } from './domain/time.ts';
import type { Upcoming } from './domain/upcoming.ts';

/** Passed in wherever time matters; nothing else reads a clock. */
export interface Clock {
  now(): Instant;
  /**
   * Resolves at or after the instant, never before; as soon after it as the process can where it is to be `exact`, which
   * costs more.
   */
  sleepUntil(instant: Instant, exact?: 'exact'): Promise<void>;
}

/** Passed in wherever something must not be guessable. */
export interface Entropy {
  bytes(count: number): Uint8Array;
}

export type Log = (
  level: 'info' | 'warning' | 'error',
  message: string,
  properties?: Record<string, string | number>,
) => void;

/** The events, create-only. All fail with CURFEW_STORE_UNAVAILABLE where the store can't be reached. */
export interface EventStore {
  /** Appending the same event twice is success; another one in its place is CURFEW_STORE_CONFLICT. */
  append(event: RecordedEvent): Promise<void>;
  /** In order; empty for an unknown request. */
  read(requestId: RequestId): Promise<RecordedEvent[]>;
  /** The requests whose first event is not older than this, in no order. */
  begunSince(instant: Instant): Promise<RequestId[]>;
}

/** What was found on the targets beside Curfew's own grants: as create-only as the events. */
export interface DriftStore {
  append(event: RecordedDrift): Promise<void>;
  /** In order; empty where nothing was ever found. */
  read(target: TargetId): Promise<RecordedDrift[]>;
}

/** Whatever stands in the container of the events. */
export type AnyEvent = RecordedEvent | RecordedDrift;

/** A place in the feed of events. Only the store can read it. */
export type Cursor = string & { readonly __brand: 'Cursor' };

export interface FeedPage {
  /** In order within each chain. */
  readonly events: readonly AnyEvent[];
  /** How many documents there were beside them that are none of Curfew's. */
  readonly strangers: number;
  /** Behind this page. */
  readonly cursor: Cursor;
}

/** Everything that comes into the event store. Fails with CURFEW_STORE_UNAVAILABLE. */
export interface EventFeed {
  /** Where it ends now. */
  end(): Promise<Cursor>;
  /** What came after that, page by page, until there is no more. */
  after(cursor: Cursor): AsyncIterable<FeedPage>;
}

/** How far each sink has been told, for every instance to know. */
export interface CursorStore {
  save(sink: SinkName, cursor: Cursor): Promise<void>;
  /** Undefined for a sink that was never told anything. */
  find(sink: SinkName): Promise<Cursor | undefined>;
}

export type SinkName = 'webhook' | 'teams';

/** Somebody outside who is told of events. Fails with CURFEW_WEBHOOK_UNAVAILABLE; may be told the same twice. */
export interface Sink {
  readonly name: SinkName;
  send(event: AnyEvent): Promise<void>;
}

/** When the reconciler last went through everything, for every instance to know; and which processes live. */
export interface HeartbeatStore {
  save(at: Instant): Promise<void>;
  find(): Promise<Instant | undefined>;
  /** Says that the process lives, at this instant of its own clock. */
  beat(process: ActorId, at: Instant): Promise<void>;
  /** What the process said last; undefined where it never did. */
  pulse(process: ActorId): Promise<Instant | undefined>;
}

export interface RequestFilter {
  /** Requests of this person, or that this person may decide on; all where it is left out. */
  readonly visibleTo?: PrincipalId | undefined;
  readonly requester?: PrincipalId | undefined;
  readonly states?: readonly State[] | undefined;
  /** Those that have something to come still: they have not ended, or a review of them is owed. */
  readonly isUnfinished?: true | undefined;
  readonly target?: TargetId | undefined;
  readonly role?: RoleId | undefined;
}

/** What the events add up to, kept so that it can be listed. Rebuilt from events whenever it is behind. */
export interface RequestStore {
  find(id: RequestId): Promise<AccessRequest | undefined>;
  /** Keeps the newer version where two writers meet. */
  save(request: AccessRequest): Promise<void>;
  /** Newest first. `after` is the `next` of the page before. */
  list(
    filter: RequestFilter,
    limit: number,
    after?: string,
  ): Promise<{ requests: AccessRequest[]; next?: string | undefined }>;
  /** What begins or ends from the one instant to the other, soonest first. `after` is the `next` of the page before. */
  upcoming(
    from: Instant,
    to: Instant,
    limit: number,
    after?: string,
  ): Promise<{ upcoming: Upcoming[]; next?: string | undefined }>;
}

/** A link to one stage of one request, for one person. The token itself is nowhere but in the mail. */
export interface ApprovalLink {
  /** SHA-256 of the token, in hex. */
  readonly tokenHash: string;
  readonly requestId: RequestId;
  /** The stage that it answers, or the review of a broken glass. */
  readonly purpose: number | 'review';
  readonly approver: Person;
  /** The link is forgotten at this instant. */
  readonly expiresAt: Instant;
}

export interface LinkStore {
  save(link: ApprovalLink): Promise<void>;
  find(tokenHash: string): Promise<ApprovalLink | undefined>;
}

/** Somebody who has signed in on Curfew's pages. The token itself is nowhere but in their cookie. */
export interface Session {
  /** SHA-256 of the cookie's token, in hex. */
  readonly tokenHash: string;
  readonly principalId: PrincipalId;
  /** `Ada Lindqvist (ada@contoso.example)`: somebody may have two accounts of one name. */
  readonly name: string;
  readonly authentication: readonly Authentication[];
  readonly expiresAt: Instant;
}

export interface SessionStore {
  save(session: Session): Promise<void>;
  find(tokenHash: string): Promise<Session | undefined>;
  /** What was signed out stays so, whoever has kept the cookie. */
  remove(tokenHash: string): Promise<void>;
}

/** What has to be remembered between going to the issuer and coming back: 43 base64url characters each. */
export interface SignInMemory {
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636): only its hash goes to the issuer beforehand. */
  readonly verifier: string;
}

/** OpenID Connect's authorization code flow. Fails with CURFEW_ISSUER_UNAVAILABLE, or CURFEW_SIGN_IN_FAILED for a bad answer. */
export interface SignIn {
  /** Where to send somebody. `needs` is only asked for here: whether it was done shows in what `finish` gives. */
  begin(ask: {
    readonly redirectUri: string;
    readonly loginHint?: string | undefined;
    readonly needs: readonly Authentication[];
    /** Whether to sign in once more, though the issuer knows them still. */
    readonly isAgain?: boolean | undefined;
  }): Promise<{ readonly url: string; readonly memory: SignInMemory }>;
  /** Who came back. Of `callbackUrl` the query alone counts. */
  finish(back: {
    readonly callbackUrl: URL;
    readonly redirectUri: string;
    readonly memory: SignInMemory;
  }): Promise<Pick<Session, 'principalId' | 'name' | 'authentication'>>;
  /** Where to end the session at the issuer and come back; undefined where the issuer has no such place. */
  endUrl(returnTo: string): Promise<string | undefined>;
}

/** A hold document, with what its key says. */
export interface Held {
  readonly entitlement: Entitlement;
  readonly principalId: PrincipalId;
  readonly document: HoldDocument;
}

/** Hold documents, guarded by version: `change` runs again until no other writer came between. */
export interface HoldStore {
  /** All of them, in an order of the store's own. `after` is the `next` of the page before. */
  list(limit: number, after?: string): Promise<{ holds: Held[]; next?: string | undefined }>;
  /** `decide` gives the document as it is to be (undefined to delete it) and an answer to pass on. */
  change<Answer>(
    key: string,
    decide: (document: HoldDocument | undefined) => { document: HoldDocument | undefined; answer: Answer },
  ): Promise<Answer>;
}

export interface MailMessage {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Fails with CURFEW_MAIL_UNAVAILABLE, or CURFEW_MAIL_REFUSED where the address will never do. A message may arrive twice. */
export interface Notifier {
  send(message: MailMessage): Promise<void>;
}

/** People and groups as they are now. Fails with CURFEW_DIRECTORY_UNAVAILABLE; never guesses. */
export interface Directory {
  /** By object id or user principal name; undefined if unknown or switched off. */
  person(idOrName: string): Promise<Person | undefined>;
  /** By the object id of its service principal; undefined if unknown or switched off. */
  application(principalId: PrincipalId): Promise<Person | undefined>;
  /** Of a person; undefined where nobody is, or the manager is switched off. */
  manager(principalId: PrincipalId): Promise<Person | undefined>;
  /** Which of these groups the person or application is in, nested ones included. */
  memberGroups(
    principal: Pick<Person, 'principalId' | 'clientId'>,
    groups: readonly PrincipalId[],
  ): Promise<PrincipalId[]>;
  /** The people in a group, nested groups included; none for an unknown group. */
  groupMembers(groupId: PrincipalId): Promise<Person[]>;
}

export type { GrantEvidence, RevocationEvidence };
