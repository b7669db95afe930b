import type { AccessRequest } from './access-request.ts';
import { type Drift, type Holder, holderKey } from './drift.ts';
import { type HoldDocument, holdKey } from './holds.ts';
import type { PrincipalId, RequestId, TargetId } from './ids.ts';
import type { DriftPolicy, Entitlement, Person, Policy, Target } from './policy.ts';
import { isEnded, mayHold } from './states.ts';
import { type Instant, latest, plus } from './time.ts';
import { timeline } from './timeline.ts';

/** Whether a request's orchestration goes on; `unknown` where nobody could be asked. */
export type Life = 'alive' | 'gone' | 'unknown';

/** What the store and the targets don't agree on, each with what there is to act on. */
export type Finding =
  /** The target shows the person, though the access should have ended. */
  | { readonly kind: 'still-held'; readonly request: AccessRequest; readonly entitlements: readonly Entitlement[] }
  /** The request has ended, and its hold is there still and in everybody's way. */
  | { readonly kind: 'left-over'; readonly request: AccessRequest; readonly entitlements: readonly Entitlement[] }
  /** The request goes on, and nobody sees to it. */
  | { readonly kind: 'lifeless'; readonly request: AccessRequest }
  /** Somebody holds what Curfew never granted. One that is known comes again only where it is to be removed. */
  | (Drift & {
      readonly kind: 'drift';
      readonly target: TargetId;
      readonly action: DriftPolicy['action'];
      readonly isNew: boolean;
    })
  | (Drift & { readonly kind: 'drift-gone'; readonly target: TargetId });

/** One entitlement of a target, and what the policy says of its holders. */
export interface Place extends DriftPolicy {
  readonly target: TargetId;
  readonly entitlement: Entitlement;
}
/** A place, and who was seen there. */
export interface Sight extends Place {
  readonly holders: readonly Holder[];
}

/** Every entitlement of every target, once. Nobody is removed unless every role that has the entitlement says so. */
export function placesIn(policy: Policy): Place[] {
  return policy.targets.flatMap(placesOf);
}

function placesOf({ id: target, roles }: Target): Place[] {
  const places = new Map<string, Place>();
  for (const { entitlements, drift } of roles) {
    for (const entitlement of entitlements) {
      const key = placeKey(entitlement);
      const { action, standing } = places.get(key) ?? { action: 'remove', standing: [] };
      places.set(key, {
        target,
        entitlement,
        action: action === 'remove' ? drift.action : action,
        standing: [...standing, ...drift.standing],
      });
    }
  }
  return [...places.values()];
}

/** By what the target knows somebody; each kind of access has its own way. */
export type IdentityOf = (entitlement: Entitlement, person: Person) => PrincipalId;
/** Whether somebody was seen with an entitlement. */
export type IsSeen = (entitlement: Entitlement, person: Person) => boolean;

export function everybodyIn(sights: readonly Sight[], identityOf: IdentityOf): IsSeen {
  const seen = new Set(
    sights.flatMap(({ entitlement, holders }) => holders.map((holder) => holderKey(entitlement, holder))),
  );
  return (entitlement, person) =>
    seen.has(holderKey(entitlement, { principalId: identityOf(entitlement, person), name: person.name }));
}

/** Of a request that has something to come still. `isSeen` is of `everybodyIn` what could be looked at. */
export function examineRequest(request: AccessRequest, life: Life, isSeen: IsSeen, now: Instant): Finding[] {
  if (plus(request.submittedAt, timeline.settlingMs) > now) return [];
  const isPast = mayHold(request) && plus(request.endsSince ?? request.deadline, timeline.toleranceMs) <= now;
  const entitlements = isPast
    ? request.terms.entitlements.filter(
        (entitlement) => !keeps(request, entitlement) && isSeen(entitlement, request.requester),
      )
    : [];
  return [
    ...(entitlements.length > 0 ? [{ kind: 'still-held', request, entitlements } as const] : []),
    ...(life === 'gone' ? [{ kind: 'lifeless', request } as const] : []),
  ];
}

/** Held before the request, and not taken away by its end. */
function keeps({ granted, requester: { principalId } }: AccessRequest, entitlement: Entitlement): boolean {
  const key = holdKey(entitlement, principalId);
  return (
    granted?.evidence.some(
      (each) => each.outcome === 'already-held' && holdKey(each.entitlement, principalId) === key,
    ) ?? false
  );
}

/** The requests that a hold document names. */
export function requestsIn({ holds, claimedBy }: HoldDocument): RequestId[] {
  const ids = Object.keys(holds) as RequestId[];
  return claimedBy === undefined ? ids : [...new Set([...ids, claimedBy])];
}

/** Of one request that a hold document names: its own story clears up at its end, unless nobody tells it any more. */
export function examineHold(
  entitlement: Entitlement,
  document: HoldDocument,
  request: AccessRequest,
  life: Life,
  now: Instant,
): Finding[] {
  const { id, changedAt, deadline } = request;
  const until = document.holds[id] ?? deadline ?? changedAt;
  const from = life === 'gone' ? changedAt : latest(until, changedAt);
  if (!isEnded(request) || plus(from, timeline.settlingMs) > now) return [];
  return [{ kind: 'left-over', request, entitlements: [entitlement] }];
}

/** Who holds what nobody gave them, and of whom that was known and is no longer so. `recorded` are by `holderKey`, too. */
export function examineMembers(
  { target, entitlement, action, standing, holders }: Sight,
  recorded: ReadonlySet<string>,
  known: ReadonlyMap<string, Drift>,
): Finding[] {
  const strangers = holders.filter(({ principalId }) => !standing.includes(principalId));
  const found = strangers.flatMap((holder): Finding[] => {
    const key = holderKey(entitlement, holder);
    const isNew = !known.has(key);
    // Whom Entra ID doesn't know can't be named to be removed.
    const isToGo = action === 'remove' && holder.principalId !== '';
    if (recorded.has(key) || !(isNew || isToGo)) return [];
    return [{ kind: 'drift', target, entitlement, holder, action, isNew }];
  });
  const place = placeKey(entitlement);
  const there = new Set(strangers.map((holder) => holderKey(entitlement, holder)));
  const gone = [...known].flatMap(([key, drift]): Finding[] =>
    placeKey(drift.entitlement) !== place || there.has(key) ? [] : [{ kind: 'drift-gone', target, ...drift }],
  );
  return [...found, ...gone];
}

/** Of somebody's ended requests the one that Curfew took the entitlement away for just now, if there is one. */
export function justTaken(
  entitlement: Entitlement,
  ended: readonly AccessRequest[],
  now: Instant,
): AccessRequest | undefined {
  return ended.find(({ revoked, requester: { principalId } }) => {
    const key = holdKey(entitlement, principalId);
    const isTaken = revoked?.evidence.some(
      (each) => each.outcome !== 'kept' && holdKey(each.entitlement, principalId) === key,
    );
    return isTaken && revoked !== undefined && plus(revoked.at, timeline.regrantWindowMs) > now;
  });
}

function placeKey(entitlement: Entitlement): string {
  return holderKey(entitlement, { principalId: '' as Holder['principalId'], name: '' });
}
