import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { asCurfewError, CurfewError } from '../../shared/domain/errors.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import { type Claim, claimHold, claimLasts, claimWindow, clockSkew, holdKey } from '../../shared/domain/holds.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { earliest, type Instant, plus } from '../../shared/domain/time.ts';
import type { Taken, Unverified } from '../../shared/ports.ts';
import { type Armed, ArmedRevocation } from './armed.ts';
import { createGate } from './gate.ts';
import type { Revoking } from './revoke.ts';

/** Takes accesses away at their instant, without any other timer than the process's own. It writes no event. */
export interface Alarm {
  /**
   * Once per request: a second call changes nothing. `raise` is called once all of it is done, or with nothing as soon as the
   * alarm can't do it. What was dropped is raised whether or not it was seen to be gone: nobody else knows when it was.
   */
  arm(request: AccessRequest, deadline: Instant, raise: (evidence: readonly DropEvidence[]) => Promise<void>): void;
  /** What it did for the request, and waits for it where it is ringing. One that has not rung yet never will. */
  settle(id: RequestId): Promise<readonly RevocationEvidence[] | undefined>;
}

/** What ends at one instant in one place. */
interface Chime {
  readonly place: Place;
  readonly deadline: Instant;
  readonly members: Armed[];
  /** Claimed, and to be dropped when it rings. */
  readonly claimed: Armed[];
  /** Whoever comes from now on claims at once. */
  isClaiming: boolean;
  hasRung: boolean;
}

interface Place {
  readonly kind: Entitlement['kind'];
  calls: number;
  due: Armed[];
}

const claimsAtOnce = 16;
const raisesAtOnce = 8;
/** To one place; what falls due meanwhile goes together in the next. */
const callsAtOnce = 2;

// In milliseconds.
/** What one claim takes, with so many at once. A guess that is generous: those that come too late are the durable path's. */
const claimTime = 3.5;
const claimPause = 200;
/** From here on before the instant a claim that fails is left to the durable path, which has time for its own tries then. */
const lastClaim = 4_000;
const preparation = 2_000;
/** For how long those who have done their work wait for others to do theirs, before they say so. */
const courtesy = 1_000;
/** For how long what it did can be asked for. */
const memory = 60_000;

/**
 * Whoever falls due in one place at one instant is taken in one call. Each has been claimed in its hold document before, as late
 * as their number allows; without its document nobody is touched, since another process may have ended the access, and somebody
 * else may hold the same by now. The durable timer comes after in any case.
 */
export function createAlarm({ clock, holds, providers }: Revoking): Alarm {
  const all = new Map<RequestId, ArmedRevocation>();
  const places = new Map<string, Place>();
  const chimes = new Map<string, Chime>();
  const claims = createGate(claimsAtOnce);
  const raises = createGate(raisesAtOnce);
  const calls = new Set<Promise<void>>();

  function add(member: Armed): void {
    const { revocation, entitlement } = member;
    const name = JSON.stringify([entitlement.kind, providers[entitlement.kind].placeOf(entitlement)]);
    const key = JSON.stringify([name, revocation.deadline]);
    const place = places.get(name) ?? { kind: entitlement.kind, calls: 0, due: [] };
    places.set(name, place);
    const known = chimes.get(key);
    const chime = known ?? {
      place,
      deadline: revocation.deadline,
      members: [],
      claimed: [],
      isClaiming: false,
      hasRung: false,
    };
    chimes.set(key, chime);
    chime.members.push(member);
    if (chime.isClaiming) void secure(chime, member);
    if (!known) void attend(chime).finally(() => chimes.delete(key));
  }

  async function attend(chime: Chime): Promise<void> {
    const { deadline, members, claimed, place } = chime;
    await clock.sleepUntil(plus(deadline, clockSkew - claimWindow));
    // The more there are by now, the sooner.
    const claimsBegin = () => plus(deadline, -(lastClaim + clockSkew + claimTime * all.size));
    while (clock.now() < claimsBegin()) await clock.sleepUntil(earliest(claimsBegin(), plus(clock.now(), claimPause)));
    chime.isClaiming = true;
    for (const member of members) void secure(chime, member);
    await clock.sleepUntil(plus(deadline, -preparation));
    void prepare(place, members);
    // Whatever a clock does: the instant is over when it says so, asked again.
    do await clock.sleepUntil(deadline, 'exact');
    while (clock.now() < deadline);
    chime.hasRung = true;
    place.due.push(...claimed.splice(0));
    take(place);
    await clock.sleepUntil(plus(deadline, memory));
    for (const { revocation } of members) all.delete(revocation.id);
  }

  /** Whoever has no name by the time of the drop is looked up then. */
  async function prepare({ kind }: Place, members: readonly Armed[]): Promise<void> {
    const standing = members.filter(({ revocation }) => !revocation.isOver);
    const names = await providers[kind].prepare(standing).catch(() => []);
    standing.forEach((member, index) => {
      member.name ??= names[index];
    });
  }

  /** Has it claimed. Where another hold keeps it alive, that is looked at once more at the instant. */
  async function secure(chime: Chime, member: Armed): Promise<void> {
    const { revocation, entitlement } = member;
    let answer = await claim(member);
    while (answer === 'undecided') {
      await clock.sleepUntil(chime.deadline);
      answer = await claim(member);
    }
    if (revocation.isOver) return;
    if (answer === undefined) revocation.note(entitlement, undefined);
    else if (answer === 'kept') {
      revocation.begin();
      revocation.note(entitlement, { entitlement, outcome: 'kept', sessionsEnded: 0, verifiedAt: clock.now() });
    } else if (chime.hasRung) {
      chime.place.due.push(member);
      take(chime.place);
    } else chime.claimed.push(member);
  }

  /** What is to be done by the hold document. Undefined where there is none, it has no part in it, or it can't be read in time. */
  async function claim({ revocation, entitlement, principal }: Armed): Promise<Claim['outcome'] | undefined> {
    const { id, deadline } = revocation;
    let mayBeOurs = false;
    const change = () =>
      holds.change(holdKey(entitlement, principal.principalId), (document) => {
        const isParty = document?.holds[id] !== undefined || document?.claimedBy === id;
        if (revocation.isOver || !isParty) return { document, answer: undefined };
        // Another process rings for it, or ends it: of two, the slower would drop what somebody was granted in between.
        if (document?.claimedBy === id && !mayBeOurs) return { document, answer: undefined };
        const { outcome: answer, document: left } = claimHold(document, id, false, deadline, clock.now());
        return { document: left, answer };
      });
    while (!revocation.isOver) {
      try {
        return await claims(change);
      } catch {
        mayBeOurs = true;
        if (plus(clock.now(), lastClaim) >= deadline) return undefined;
        await clock.sleepUntil(plus(clock.now(), claimPause));
      }
    }
    return undefined;
  }

  function take(place: Place): void {
    if (place.calls >= callsAtOnce) return;
    const due = place.due.splice(0).filter(({ revocation, entitlement }) => {
      if (revocation.isOver) return false;
      if (clock.now() < plus(revocation.deadline, claimLasts)) return true;
      revocation.note(entitlement, undefined);
      return false;
    });
    const [first] = due;
    if (!first) return;
    for (const { revocation } of due) revocation.begin();
    const giveUp = plus(
      due.reduce((found, { revocation }) => earliest(found, revocation.deadline), first.revocation.deadline),
      claimLasts,
    );
    place.calls++;
    const call = providers[place.kind]
      .revokeTogether(due, giveUp)
      .catch((error: unknown) => due.map(() => asCurfewError(error)))
      .then((outcomes) => {
        const now = clock.now();
        due.forEach(({ revocation, entitlement }, index) => {
          revocation.note(entitlement, evidenceOf(entitlement, outcomes[index], now));
        });
      })
      .finally(() => {
        place.calls--;
        calls.delete(call);
        take(place);
      });
    calls.add(call);
  }

  /** Those who have done their work don't crowd out the others. */
  async function tell(raise: () => Promise<void>): Promise<void> {
    const until = plus(clock.now(), courtesy);
    while (calls.size > 0 && clock.now() < until) await Promise.race([Promise.all(calls), clock.sleepUntil(until)]);
    await raises(raise);
  }

  return {
    arm(request, deadline, raise) {
      if (all.has(request.id)) return;
      const revocation = new ArmedRevocation(request, deadline);
      all.set(revocation.id, revocation);
      void revocation.ended
        .then(() => (revocation.isCalledOff ? undefined : tell(() => raise(revocation.known))))
        .catch(() => undefined);
      for (const member of revocation.entitlements) add(member);
    },
    async settle(id) {
      const revocation = all.get(id);
      revocation?.callOff();
      return revocation?.ended;
    },
  };
}

function evidenceOf(
  entitlement: Entitlement,
  outcome: Taken | Unverified | CurfewError | undefined,
  verifiedAt: Instant,
): DropEvidence | RevocationEvidence | undefined {
  if (outcome === undefined || outcome instanceof CurfewError) return undefined;
  if (outcome.outcome === 'unverified') return { entitlement, droppedAt: outcome.droppedAt, sessionsEnded: 0 };
  // Of what was gone already nobody can say when it went.
  const droppedAt = outcome.outcome === 'revoked' ? outcome.droppedAt : undefined;
  return { entitlement, outcome: outcome.outcome, droppedAt, sessionsEnded: outcome.sessionsEnded, verifiedAt };
}
