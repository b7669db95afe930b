import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { DropEvidence, RevocationEvidence } from '../../shared/domain/events.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import type { Instant } from '../../shared/domain/time.ts';
import type { Principal } from '../../shared/ports.ts';

/** One entitlement of a request that is armed: all that is kept of it. */
export interface Armed {
  readonly revocation: ArmedRevocation;
  readonly entitlement: Entitlement;
  readonly principal: Principal;
  /** What the target calls the principal, once it was asked. */
  name?: string | undefined;
}

/** What is known of one request's revocation by the alarm. Until anything of it has begun it can be called off. */
export class ArmedRevocation {
  readonly id: RequestId;
  readonly deadline: Instant;
  /** What was done, or undefined where it was called off, or not all of it could be done. */
  readonly ended: Promise<readonly RevocationEvidence[] | undefined>;
  readonly entitlements: readonly Armed[];
  readonly #evidence = new Map<Entitlement, DropEvidence | undefined>();
  readonly #end: (evidence: readonly RevocationEvidence[] | undefined) => void;
  #hasBegun = false;
  #isCalledOff = false;
  #isOver = false;

  constructor({ id, requester, terms }: AccessRequest, deadline: Instant) {
    const { principalId, userPrincipalName, clientId } = requester;
    const { promise, resolve } = Promise.withResolvers<readonly RevocationEvidence[] | undefined>();
    this.id = id;
    this.deadline = deadline;
    this.ended = promise;
    this.#end = resolve;
    const principal = { principalId, userPrincipalName, clientId };
    this.entitlements = terms.entitlements.map((entitlement) => ({ revocation: this, entitlement, principal }));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  begin(): void {
    this.#hasBegun = true;
  }

  /** Somebody else does it, and need not be told. */
  get isCalledOff(): boolean {
    return this.#isCalledOff;
  }

  callOff(): void {
    if (this.#hasBegun || this.#isOver) return;
    this.#isCalledOff = true;
    this.#finish(undefined);
  }

  /** What is known so far, verified or not. */
  get known(): readonly DropEvidence[] {
    return this.entitlements.flatMap(({ entitlement }) => this.#evidence.get(entitlement) ?? []);
  }

  /** What became of one entitlement; nothing where the alarm could not do it. What has begun is waited for. */
  note(entitlement: Entitlement, evidence: DropEvidence | RevocationEvidence | undefined): void {
    this.#evidence.set(entitlement, evidence);
    if (!evidence && !this.#hasBegun) this.#finish(undefined);
    if (this.#evidence.size < this.entitlements.length) return;
    const verified = this.known.filter(isVerified);
    this.#finish(verified.length === this.entitlements.length ? verified : undefined);
  }

  #finish(evidence: readonly RevocationEvidence[] | undefined): void {
    this.#isOver = true;
    this.#end(evidence);
  }
}

function isVerified(evidence: DropEvidence): evidence is RevocationEvidence {
  return 'verifiedAt' in evidence;
}
