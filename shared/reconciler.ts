import type { AccessRequest } from './domain/access-request.ts';
import { holderKey, openDrifts } from './domain/drift.ts';
import { CurfewError, type ErrorCode } from './domain/errors.ts';
import { requestFrom } from './domain/evolve.ts';
import type { PrincipalId, RequestId, TargetId } from './domain/ids.ts';
import type { Person, Policy } from './domain/policy.ts';
import {
  everybodyIn,
  examineHold,
  examineMembers,
  examineRequest,
  type Finding,
  type IdentityOf,
  type IsSeen,
  justTaken,
  type Life,
  type Place,
  placesIn,
  requestsIn,
  type Sight,
} from './domain/reconcile.ts';
import { endedStates, mayHold } from './domain/states.ts';
import { type Instant, plus } from './domain/time.ts';
import { mapConcurrently } from './map-concurrently.ts';
import type { Clock, DriftStore, EventStore, HoldStore, RequestStore } from './ports.ts';
import { type Providers, providerOf } from './providers/provider.ts';
import { withTimeout } from './with-timeout.ts';

export interface Looking {
  readonly clock: Clock;
  readonly events: EventStore;
  readonly requests: RequestStore;
  readonly holds: HoldStore;
  readonly drifts: DriftStore;
  readonly providers: Providers;
  policy(): Policy;
}

/** A finding, or what could not be looked at. */
export type Seen = Finding | { readonly kind: 'unseen'; readonly what: string; readonly code: ErrorCode };

type Seeing = AsyncGenerator<Seen, void, undefined>;

/** How long one question to a target may take: what hangs must not hold up the rest. Milliseconds. */
const patience = 10_000;
/** How old a first event may be of which nothing else was written: each is asked about at every look. Milliseconds. */
const memory = 3_600_000;
const pageSize = 500;
/** So many of somebody's ended requests are looked through for one that has just ended. */
const recentlyEnded = 100;

/**
 * Compares the store with what the targets really show, and changes nothing. The store is read in pages; what fails is said
 * and stops nothing else. The order matters: members are looked at before holds, and a hold is made before its membership,
 * so that whoever is seen without a hold was not just being granted.
 */
export async function* look(from: Looking, lifeOf: (id: RequestId) => Promise<Life>): Seeing {
  const sights: Sight[] = [];
  yield* tried('the targets', lookAtTargets(from, sights));
  const seen = everybodyIn(sights, identityIn(from));
  /** By id, with their requesters. */
  const open = new Map<RequestId, Person>();
  const recorded = new Set<string>();
  const hasRequests = yield* tried('the requests', lookAtRequests(from, lifeOf, seen, open, recorded));
  yield* tried('the first events', lookAtBegun(from, lifeOf, open));
  const hasHolds = yield* tried('the holds', lookAtHolds(from, lifeOf, open, recorded));
  // Without all of them everybody would look like a stranger.
  if (hasRequests && hasHolds) yield* lookAtMembers(from, sights, recorded);
}

/** Of a kind that this version doesn't know nobody is seen anyway; the other requests are to be looked at all the same. */
const identityIn =
  ({ providers }: Pick<Looking, 'providers'>): IdentityOf =>
  ({ kind }, person) =>
    Object.hasOwn(providers, kind) ? providerOf(providers, { kind }).identityOf(person) : person.principalId;

async function* lookAtTargets({ policy, providers, clock }: Looking, sights: Sight[]): Seeing {
  const looked = await mapConcurrently(placesIn(policy()), async (place): Promise<Seen | undefined> => {
    try {
      const asking = providerOf(providers, place.entitlement).holders(place.entitlement);
      const holders = await withTimeout(clock, plus(clock.now(), patience), asking, 'CURFEW_TARGET_UNAVAILABLE');
      sights.push({ ...place, holders });
      return undefined;
    } catch (error) {
      return unseen(`the members of ${describePlace(place)}`, error);
    }
  });
  yield* looked.filter((failure) => failure !== undefined);
}

async function* lookAtRequests(
  from: Looking,
  lifeOf: (id: RequestId) => Promise<Life>,
  seen: IsSeen,
  open: Map<RequestId, Person>,
  recorded: Set<string>,
): Seeing {
  const { requests, clock } = from;
  const identityOf = identityIn(from);
  let after: string | undefined;
  do {
    const page = await requests.list({ isUnfinished: true }, pageSize, after);
    const lives = await mapConcurrently(page.requests, ({ id }) => lifeOf(id));
    for (const [index, request] of page.requests.entries()) {
      const { requester } = request;
      open.set(request.id, requester);
      if (mayHold(request)) {
        for (const entitlement of request.terms.entitlements) {
          recorded.add(
            holderKey(entitlement, { principalId: identityOf(entitlement, requester), name: requester.name }),
          );
        }
      }
      yield* tried(`the request ${request.id}`, lookAtRequest(request, lives[index] ?? 'unknown', seen, clock.now()));
    }
    after = page.next;
  } while (after !== undefined);
}

/** Of a request whose call died the first event may be all there is: nobody lists it, and nobody has begun it. */
async function* lookAtBegun(
  { events, requests, clock }: Looking,
  lifeOf: (id: RequestId) => Promise<Life>,
  open: ReadonlyMap<RequestId, Person>,
): Seeing {
  const begun = await events.begunSince(plus(clock.now(), -memory));
  const others = begun.filter((id) => !open.has(id));
  const unlisted = await mapConcurrently(others, async (id) => ((await requests.find(id)) ? [] : [id]));
  for (const id of unlisted.flat()) {
    yield* tried(`the events of ${id}`, lookAtChain({ events, clock }, lifeOf, id));
  }
}

async function* lookAtChain(
  { events, clock }: Pick<Looking, 'events' | 'clock'>,
  lifeOf: (id: RequestId) => Promise<Life>,
  id: RequestId,
): Seeing {
  const request = requestFrom(id, await events.read(id));
  if (request) yield* examineRequest(request, await lifeOf(id), () => false, clock.now());
}

/** A projection or a chain that was forged must not keep the others from being seen to, so each is tried by itself. */
async function* lookAtRequest(request: AccessRequest, life: Life, seen: IsSeen, now: Instant): Seeing {
  yield* examineRequest(request, life, seen, now);
}

/** Fills in, by `holderKey`, whose membership has a record. */
async function* lookAtHolds(
  from: Looking,
  lifeOf: (id: RequestId) => Promise<Life>,
  open: ReadonlyMap<RequestId, Person>,
  recorded: Set<string>,
): Seeing {
  const { holds, requests, clock } = from;
  const identityOf = identityIn(from);
  let after: string | undefined;
  do {
    const page = await holds.list(pageSize, after);
    for (const { entitlement, principalId, document } of page.holds) {
      for (const id of requestsIn(document)) {
        const known = open.get(id);
        const request = known === undefined ? await requests.find(id) : undefined;
        // A hold of no request at all explains nobody.
        if (known === undefined && !request) continue;
        const requester = known ?? request?.requester;
        for (const holder of [principalId, ...(requester ? [identityOf(entitlement, requester)] : [])]) {
          recorded.add(holderKey(entitlement, { principalId: holder, name: '' }));
        }
        if (!request) continue;
        yield* examineHold(entitlement, document, request, await lifeOf(id), clock.now());
      }
    }
    after = page.next;
  } while (after !== undefined);
}

async function* lookAtMembers(from: Looking, sights: readonly Sight[], recorded: ReadonlySet<string>): Seeing {
  let again: Promise<ReadonlySet<string>> | undefined;
  for (const target of new Set(sights.map((sight) => sight.target))) {
    yield* tried(
      `the drift of ${target}`,
      (async function* (): Seeing {
        const known = openDrifts(await from.drifts.read(target));
        for (const sight of sights.filter((place) => place.target === target)) {
          for (const finding of examineMembers(sight, recorded, known)) {
            if (finding.kind !== 'drift') {
              yield finding;
              continue;
            }
            const { entitlement, holder } = finding;
            if (!(await isThere(from, sight, holder))) continue;
            again ??= recordedNow(from);
            if ((await again).has(holderKey(entitlement, holder))) continue;
            const request = finding.isNew ? await takenFrom(from, sight, holder.principalId) : undefined;
            yield request ? { kind: 'still-held', request, entitlements: [entitlement] } : finding;
          }
        }
      })(),
    );
  }
}

/** Asked once more: since the members were read the access may have been granted or have ended. */
async function isThere(
  { providers, clock }: Looking,
  { entitlement }: Place,
  { principalId, name }: Sight['holders'][number],
) {
  if (principalId === '') return true;
  const asking = providerOf(providers, entitlement).isHeld(entitlement, { principalId, userPrincipalName: name });
  return withTimeout(clock, plus(clock.now(), patience), asking, 'CURFEW_TARGET_UNAVAILABLE');
}

async function recordedNow(from: Looking): Promise<ReadonlySet<string>> {
  const recorded = new Set<string>();
  const unknown = async (): Promise<Life> => 'unknown';
  for await (const _ of lookAtHolds(from, unknown, new Map(), recorded));
  return recorded;
}

async function takenFrom({ requests, clock }: Looking, { entitlement }: Place, requester: PrincipalId) {
  if (requester === '') return undefined;
  const page = await requests.list({ requester, states: endedStates }, recentlyEnded);
  return justTaken(entitlement, page.requests, clock.now());
}

/** Gives whether all of it could be looked at. */
async function* tried(what: string, part: Seeing): AsyncGenerator<Seen, boolean, undefined> {
  try {
    yield* part;
    return true;
  } catch (error) {
    yield unseen(what, error);
    return false;
  }
}

function unseen(what: string, error: unknown): Seen {
  return { kind: 'unseen', what, code: error instanceof CurfewError ? error.code : 'CURFEW_INTERNAL' };
}

function describePlace({ target, entitlement: { role, database } }: Place): string {
  return `${role} in ${database}, of ${target satisfies TargetId}`;
}
