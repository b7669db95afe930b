import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import type { Activities, ActivityDependencies } from '../orchestrations/activities/activity.ts';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { Refusal } from '../shared/domain/errors.ts';
import type { RevocationPlan } from '../shared/domain/events.ts';
import type { Policy } from '../shared/domain/policy.ts';
import type { Directory, DriftStore, SessionStore, SignIn } from '../shared/ports.ts';
import type { Needs } from './callers.ts';
import type { Reporter } from './deadlines.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { OperationName } from './openapi/operations.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Telemetry } from './telemetry.ts';

/** All that the functions need, made once in the composition root. */
export interface Service extends ActivityDependencies {
  readonly activities: Activities;
  readonly reporter: Reporter;
  readonly sessions: SessionStore;
  readonly drifts: DriftStore;
  readonly heartbeat: Heartbeat;
  /** What is pinned to each request that is accepted. */
  readonly revocation: RevocationPlan;
  /** How long after its asking the orchestration of a request is kept. Milliseconds. */
  readonly purgeAfter: number;
  readonly signIn: SignIn;
  /** The directory as it was some seconds ago, for what only shows. Decisions and grants ask anew. */
  readonly recentDirectory: Directory;
  /** The `iss` of callers' tokens. */
  readonly tokenIssuer: string;
  readonly limitCaller: RateLimit;
  readonly limitLink: RateLimit;
  verifyToken(authorization: string | null): Promise<Caller>;
  /** Throws CURFEW_POLICY_INVALID for as long as the file can't be read: then nobody may ask for anything. */
  policy(): Policy;
  /** Undefined where none is to be sent. */
  startTelemetry(): Promise<Telemetry | undefined>;
  /** Sends on what has come into the event store, as far as it gets. Never fails. Undefined where nobody is to hear of it. */
  readonly publish: (() => Promise<void>) | undefined;
  /** What works and what doesn't, by name. */
  check(): Promise<Record<string, boolean>>;
  /** Says in the log what doesn't work, again and again, until everything does. Never fails. */
  watch(): Promise<void>;
}

export type PublicHandler = (
  service: Service,
  request: HttpRequest,
  client: DurableClient,
) => Promise<HttpResponseInit>;
export type Handler = (
  service: Service,
  request: HttpRequest,
  client: DurableClient,
  caller: Caller,
) => Promise<HttpResponseInit>;

/** A route of the API. Who may come in is decided by `needs`, before the handler is called. */
export type Route = {
  /** The function's name, under which openapi/operations.ts describes it. Among routes that match, the host takes the first name in the alphabet. */
  readonly name: OperationName;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly about: string;
  /** How a refusal is shown: as problem details unless said otherwise. */
  readonly refuse?: (refusal: Refusal) => HttpResponseInit;
} & (
  | { readonly needs: 'nothing'; readonly handler: PublicHandler }
  | { readonly needs: Exclude<Needs, 'nothing'>; readonly handler: Handler }
);
