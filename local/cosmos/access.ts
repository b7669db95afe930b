import type { Caller } from './auth.ts';
import { Refusal } from './refusal.ts';

export type Action = 'read' | 'create' | 'replace' | 'upsert' | 'delete' | 'query' | 'readChangeFeed' | 'metadata';

export interface Access {
  authorize?: (caller: Caller, action: Action, container: string | undefined) => boolean;
  /** Milliseconds to make the caller wait with a 429; undefined lets the request through. */
  throttle?: (action: Action, container: string | undefined) => number | undefined;
}

/** Asked before anything is looked up, so that a refused caller doesn't learn what exists. */
export function admit(caller: Caller, action: Action, container: string | undefined, access: Access): void {
  if (access.authorize?.(caller, action, container) === false)
    throw new Refusal(403, `The caller may not ${action} here.`, { substatus: 5302 });
  const retryAfterMs = access.throttle?.(action, container);
  if (retryAfterMs !== undefined) throw new Refusal(429, 'Request rate is large.', { substatus: 3200, retryAfterMs });
}

/** As in Azure, no role on the data plane lets an Entra identity make, change or drop databases and containers. */
export function requireKey(caller: Caller): void {
  if (caller !== 'key')
    throw new Refusal(403, 'The request cannot be authorized by an Entra token on the data plane.', {
      substatus: 5300,
    });
}
