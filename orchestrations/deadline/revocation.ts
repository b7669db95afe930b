import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { type Instant, instantOf, latest, millisecondsOf, plus } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { Upcoming } from '../../shared/domain/upcoming.ts';
import type { Principal } from '../../shared/providers/provider.ts';

/** One entitlement of an armed revocation: all that is kept of it. */
export interface Armed {
  readonly revocation: Revocation;
  readonly entitlement: Entitlement;
  readonly principal: Principal;
  /** What the target calls the principal, once it was asked. */
  name?: string | undefined;
}

type Evidence = DropEvidence | RevocationEvidence;

/** The revocation of one request, as the scheduler of one process knows it. It can be called off until any of it has begun. */
export class Revocation {
  readonly id: RequestId;
  readonly deadline: Instant;
  /** Nothing is sent after this instant: others rely on its being over then. What is taken over late has more time. */
  actUntil: Instant;
  readonly members: readonly Armed[];
  /** Nothing is claimed before this instant, so that a grant that is under way is not in its way. */
  claimsFrom: Instant;
  /** A part of it is claimed by this process. */
  isClaimed = false;
  /** Nobody has to be told: another process acts, or the caller of `callOff` does. */
  isSilent = false;
  readonly #onOver: (revocation: Revocation) => void;
  /** Made when there is something to note: many are armed, and few are over. */
  #evidence: Map<Entitlement, Evidence | undefined> | undefined;
  #waiting: ((evidence: readonly RevocationEvidence[] | undefined) => void)[] | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(
    { id, at, isIntended, principal, entitlements }: Upcoming,
    now: Instant,
    onOver: (revocation: Revocation) => void,
  ) {
    this.id = id;
    this.deadline = at;
    this.claimsFrom = isIntended ? halfway(now, at) : now;
    this.actUntil = plus(latest(at, now), timeline.claimLastsMs);
    this.members = entitlements.map((entitlement) => ({ revocation: this, entitlement, principal }));
    this.#onOver = onOver;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  begin(): void {
    this.#hasBegun = true;
  }

  /** Another process acts, or the revocation is no longer due. Changes nothing where a part of it has begun. */
  leave(): void {
    if (this.#hasBegun || this.#isOver) return;
    this.isSilent = true;
    this.#finish();
  }

  /** What is known so far, verified or not. */
  get known(): readonly Evidence[] {
    return this.members.flatMap(({ entitlement }) => this.#evidence?.get(entitlement) ?? []);
  }

  /** What was done, each part verified; undefined where it was called off, or not all of it could be done. */
  get verified(): readonly RevocationEvidence[] | undefined {
    const verified = this.known.filter(isVerified);
    return verified.length === this.members.length ? verified : undefined;
  }

  /** Notes what became of one entitlement; nothing where the scheduler could not do it. What has begun is waited for. */
  note(entitlement: Entitlement, evidence: Evidence | undefined): void {
    this.#evidence ??= new Map();
    this.#evidence.set(entitlement, evidence);
    const isHopeless = evidence === undefined && !this.#hasBegun;
    if (isHopeless || this.#evidence.size === this.members.length) this.#finish();
  }

  /** Resolves to what was done once it is over. */
  settled(): Promise<readonly RevocationEvidence[] | undefined> {
    if (this.#isOver) return Promise.resolve(this.verified);
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const resolve of this.#waiting ?? []) resolve(this.verified);
    this.#waiting = undefined;
    this.#onOver(this);
  }
}

function isVerified(evidence: Evidence): evidence is RevocationEvidence {
  return 'verifiedAt' in evidence;
}

function halfway(from: Instant, to: Instant): Instant {
  return instantOf((millisecondsOf(from) + millisecondsOf(to)) / 2);
}
