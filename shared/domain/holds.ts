import { canonicalJson } from './canonical-json.ts';
import type { ActorId, PrincipalId, RequestId } from './ids.ts';
import type { Entitlement } from './policy.ts';
import { earliest, type Instant, latest, plus } from './time.ts';
import { timeline } from './timeline.ts';

/**
 * The holds on one entitlement of one principal, each with its deadline. While the document exists, Curfew answers for the
 * entitlement.
 */
export interface HoldDocument {
  /** The principal had it before Curfew came, and keeps it. Unknown until the target was asked, before the first grant. */
  readonly standing?: boolean | undefined;
  readonly holds: { readonly [requestId: RequestId]: Instant };
  /** The request that is just dropping the entitlement. A new grant waits for it. */
  readonly claimedBy?: RequestId | undefined;
  readonly actor?: Actor | undefined;
}

/** The process that drops what is claimed. */
export interface Actor {
  readonly id: ActorId;
  /** It sends no drop after this instant of its own clock, so that a later grant is safe from it. */
  readonly until: Instant;
  /** An earlier actor may send a drop as well until then, though this one is done. */
  readonly isShared?: true | undefined;
  /** What was dropped under this claim, where the orchestration could not be told. */
  readonly dropped?: Dropped | undefined;
}

export interface Dropped {
  /** By the target's clock. */
  readonly at: Instant;
  readonly sessionsEnded: number;
}

/** Names the hold document: the same entitlement of the same principal, whatever the request. */
export function holdKey(entitlement: Entitlement, principalId: PrincipalId): string {
  return canonicalJson([{ ...entitlement }, principalId]);
}

/**
 * The document with this request's hold in it, or `claimed` while another request drops the entitlement. A deadline only ever moves
 * later: a late copy of the grant does not undo an extension.
 */
export function acquireHold(
  document: HoldDocument | undefined,
  requestId: RequestId,
  deadline: Instant,
): HoldDocument | 'claimed' {
  if (document?.claimedBy !== undefined) return 'claimed';
  const last = latest(deadline, document?.holds[requestId]);
  return { standing: document?.standing, holds: { ...document?.holds, [requestId]: last } };
}

/**
 * The document once the target was asked whether the principal has the entitlement. Whoever asked first, before anybody
 * granted, is right: later answers may see another request's grant.
 */
export function settleStanding(document: HoldDocument, held: boolean): HoldDocument & { readonly standing: boolean } {
  return { ...document, standing: document.standing ?? held };
}

/**
 * The document without the holds of other requests that were over before `now`. They should have been released, but the
 * store may have been out of reach at their end: left in, they would keep the entitlement alive for ever.
 */
export function withoutOverdue(
  document: HoldDocument | undefined,
  requestId: RequestId,
  now: Instant,
): HoldDocument | undefined {
  if (document?.holds[requestId] === undefined) return document;
  const holds = Object.entries(document.holds).filter(([id, deadline]) => id === requestId || deadline >= now);
  return { ...document, holds: Object.fromEntries(holds) };
}

export type Release =
  | { readonly outcome: 'kept'; readonly document: HoldDocument | undefined }
  | { readonly outcome: 'drop'; readonly document: HoldDocument | undefined };

/**
 * What this request's end at `at` does to the entitlement: `kept` for another hold that lasts as long or for a standing one, or
 * to be dropped. With it comes the document as it is to be from now on: without this request's hold, or claimed by it for the
 * drop. Holds that end sooner stay in it until they do: the claimer may be ended sooner still, and then keeps it for them.
 * A missing document means that Curfew doesn't answer for the entitlement, unless this request is known to have granted it.
 */
export function releaseHold(
  document: HoldDocument | undefined,
  requestId: RequestId,
  granted: boolean,
  at: Instant,
): Release {
  if (!document && granted) {
    return { outcome: 'drop', document: { standing: false, holds: {}, claimedBy: requestId } };
  }
  if (!document) return { outcome: 'kept', document };
  // Whoever has no part in it changes nothing, another request's claim least of all.
  const isParty = document.holds[requestId] !== undefined || document.claimedBy === requestId;
  if (!isParty) return { outcome: 'kept', document };
  const isShared = Object.entries(document.holds).some(([id, deadline]) => id !== requestId && deadline >= at);
  // Standing, or never even asked about: no grant of Curfew's is behind it.
  if (document.standing === false && !isShared)
    return { outcome: 'drop', document: { ...document, claimedBy: requestId } };
  return { outcome: 'kept', document: forgetHold(document, requestId) };
}

export type Claim = Release | { readonly outcome: 'undecided'; readonly document: HoldDocument | undefined };

/**
 * What this request's end at `at` does to the entitlement, as it stands `now`: mostly a little sooner. What is kept then is
 * undecided until it is asked again at the instant, and leaves the document as it is: a hold given up before its deadline would
 * let another request's end take the entitlement early. However late it is now, holds that last as long as this one are for their own requests to end.
 */
export function claimHold(
  document: HoldDocument | undefined,
  requestId: RequestId,
  granted: boolean,
  at: Instant,
  now: Instant,
): Claim {
  const release = releaseHold(withoutOverdue(document, requestId, earliest(now, at)), requestId, granted, at);
  return release.outcome === 'kept' && now < at ? { outcome: 'undecided', document } : release;
}

/**
 * The document with a claim of this request on it, though nobody knows of a grant: one that is under way still must find out
 * that it comes too late. Another request's claim serves as well.
 */
export function bar(document: HoldDocument | undefined, requestId: RequestId): HoldDocument {
  return { ...document, holds: document?.holds ?? {}, claimedBy: document?.claimedBy ?? requestId };
}

/** The claimed document with the actor that is to drop the entitlement. An actor before it that may still act is not forgotten. */
export function signClaim(
  document: HoldDocument | undefined,
  id: ActorId,
  until: Instant,
  now: Instant,
): HoldDocument | undefined {
  if (document?.claimedBy === undefined) return document;
  const { actor } = document;
  if (!actor) return { ...document, actor: { id, until } };
  const last = latest(until, actor.until);
  if (actor.id === id) return { ...document, actor: { ...actor, until: last } };
  const isOver = plus(actor.until, timeline.clockSkewMs) <= now;
  const { isShared: _, ...known } = actor;
  return { ...document, actor: { ...known, id, until: last, ...(!isOver && { isShared: true }) } };
}

/** The document with what was dropped under the request's claim, for the attempt that verifies it. */
export function noteDropped(
  document: HoldDocument | undefined,
  requestId: RequestId,
  dropped: Dropped,
): HoldDocument | undefined {
  if (document?.claimedBy !== requestId || !document.actor) return document;
  return { ...document, actor: { ...document.actor, dropped } };
}

/**
 * From when on the claim of an ended request may be forgotten: at once where its only actor is the one that is known to be done,
 * else when no actor, whose clock may be behind, sends a drop any more. A grant before that would be cut short.
 */
export function clearFrom(
  document: HoldDocument | undefined,
  requestId: RequestId,
  done?: ActorId,
): Instant | undefined {
  if (document?.claimedBy !== requestId || !document.actor) return undefined;
  const { id, until, isShared } = document.actor;
  return id === done && !isShared ? undefined : plus(until, timeline.clockSkewMs);
}

export type ScheduledClaim =
  | Claim
  /** The request has no part in the document any more. */
  | { readonly outcome: 'released'; readonly document: HoldDocument | undefined }
  /** An extension moved the deadline: this revocation is not due. */
  | { readonly outcome: 'moved'; readonly document: HoldDocument | undefined }
  /** Another process is to act. */
  | { readonly outcome: 'lost'; readonly document: HoldDocument | undefined; readonly to: ActorId };

/**
 * The claim of a process whose scheduler has the request's revocation at `at`. One process acts at a time: a claim of another
 * is taken over only from an actor that is known to be dead.
 */
export function claimScheduled(
  document: HoldDocument | undefined,
  requestId: RequestId,
  at: Instant,
  { id, until, dead }: { readonly id: ActorId; readonly until: Instant; readonly dead?: ActorId | undefined },
  now: Instant,
): ScheduledClaim {
  const deadline = document?.holds[requestId];
  if (deadline === undefined && document?.claimedBy !== requestId) return { outcome: 'released', document };
  if (deadline !== undefined && deadline !== at) return { outcome: 'moved', document };
  const { actor } = document ?? {};
  if (document?.claimedBy === requestId && actor && actor.id !== id && actor.id !== dead) {
    return { outcome: 'lost', document, to: actor.id };
  }
  const claim = claimHold(document, requestId, false, at, now);
  return claim.outcome === 'drop' ? { ...claim, document: signClaim(claim.document, id, until, now) } : claim;
}

/** The document once this request is over and done with: without its hold and its claim, and gone if nothing is left. */
export function forgetHold(document: HoldDocument | undefined, requestId: RequestId): HoldDocument | undefined {
  if (!document || (document.holds[requestId] === undefined && document.claimedBy !== requestId)) return document;
  const { [requestId]: _, ...others } = document.holds;
  const { standing, claimedBy, actor } = document;
  const isClaimed = claimedBy !== undefined && claimedBy !== requestId;
  if (Object.keys(others).length === 0 && !isClaimed) return undefined;
  return { standing, holds: others, ...(isClaimed && { claimedBy, ...(actor && { actor }) }) };
}
