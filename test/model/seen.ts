import type { RecordedEvent } from '../../shared/domain/events.ts';

/** What was done from outside, and what could be seen there. Times are in milliseconds, as the databases count them. */
export interface Asked {
  readonly id: string;
  readonly principalId: string;
  readonly entitlements: readonly string[];
  readonly at: number;
  readonly approveBy: number;
  readonly duration: number;
  readonly startsAt?: number | undefined;
  readonly extends?: string | undefined;
}
export interface Said {
  readonly at: number;
  readonly id: string;
  readonly kind: 'approve' | 'deny' | 'withdraw' | 'end';
}
export interface Seen {
  readonly asked: readonly Asked[];
  readonly said: readonly Said[];
  readonly outages: readonly { readonly part: string; readonly from: number; readonly to: number }[];
  readonly crashes: readonly { readonly from: number; readonly to: number }[];
  /** How wrong a process's clock may be. */
  readonly skew: number;
  readonly timersLate: number;
  /** How long an activity waits in the task hub at most. */
  readonly hubWait: number;
  readonly lead: number;
  readonly extension: { readonly times: number; readonly total: number; readonly beyond: number };
  readonly standing: readonly string[];
  readonly changes: readonly { at: number; what: 'joined' | 'left'; principalId: string; entitlement: string }[];
  readonly sessions: readonly string[];
  readonly mails: readonly {
    readonly at: number;
    readonly to: string;
    readonly subject: string;
    readonly text: string;
  }[];
  readonly chains: ReadonlyMap<string, readonly RecordedEvent[]>;
  readonly ends: ReadonlyMap<string, { runtimeStatus?: string; output?: unknown; state?: string | undefined }>;
  readonly holds: readonly string[];
}

/**
 * How much later a request goes on because of its hub: it waits for the activity that is under way, and then for its own; a result
 * may take a quarter as long again.
 */
export const hubLate = ({ hubWait }: Seen): number => 2.5 * hubWait;

/** For how long a grant may be extended in all. */
export const totalOf = ({ extension }: Pick<Seen, 'extension'>, duration: number): number =>
  Math.max(extension.total, duration + extension.beyond);

/** What a handful of calls to other systems takes. Milliseconds. */
export const moment = 600;

/** While somebody was in a role. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export function heldOf({ changes, standing }: Seen, principalId: string, entitlement: string): Stretch[] {
  const own = changes.filter((each) => each.principalId === principalId && each.entitlement === entitlement);
  const stretches: Stretch[] = [];
  let from = standing.includes(`${principalId} ${entitlement}`) ? -Infinity : undefined;
  for (const change of own) {
    if (change.what === 'left' && from !== undefined) stretches.push({ from, to: change.at });
    from = change.what === 'joined' ? change.at : undefined;
  }
  return from === undefined ? stretches : [...stretches, { from, to: Infinity }];
}

/** Whether nothing was amiss anywhere. */
export function isCalm({ outages, crashes }: Seen, from: number, to: number): boolean {
  return ![...outages, ...crashes].some((each) => each.from <= to && each.to >= from);
}

/** When an event says that it happened. */
export const at = (event: { readonly at: string }): number => Date.parse(event.at);
