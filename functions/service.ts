import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import type { Activities, ActivityDependencies } from '../orchestrations/activities/index.ts';
import type { Caller } from '../shared/adapters/entra/tokens.ts';
import type { Refusal } from '../shared/domain/errors.ts';
import type { Policy } from '../shared/domain/policy.ts';

/** All that the functions need, made once in the composition root. */
export interface Service extends Omit<ActivityDependencies, 'holds' | 'notifier'> {
  readonly activities: Activities;
  verifyToken(authorization: string | null): Promise<Caller>;
  /** Throws CURFEW_POLICY_INVALID for as long as the file can't be read: then nobody may ask for anything. */
  policy(): Policy;
  /** What works and what doesn't, by name. */
  check(): Promise<Record<string, boolean>>;
  /** Says in the log what doesn't work, again and again, until everything does. Never fails. */
  watch(): Promise<void>;
}

export type Handler = (service: Service, request: HttpRequest, client: DurableClient) => Promise<HttpResponseInit>;

/** A route of the API. */
export interface Route {
  /** The function's name. Among routes that match, the host takes the first name in the alphabet. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly about: string;
  readonly handler: Handler;
  /** How a refusal is shown: as problem details unless said otherwise. */
  readonly refuse?: (refusal: Refusal) => HttpResponseInit;
}
