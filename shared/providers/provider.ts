import type { TokenCredential } from '@azure/identity';
import type { z } from 'zod';
import type { Holder } from '../domain/drift.ts';
import { CurfewError } from '../domain/errors.ts';
import type { GrantEvidence, OtherWay } from '../domain/events.ts';
import type { PrincipalId } from '../domain/ids.ts';
import type { Entitlement, Person, Target } from '../domain/policy.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../ports.ts';
import type { PolicyForm } from './policy-form.ts';

/** What an entitlement is given to: a person, or an application, which has a client id. */
export type Principal = Pick<Person, 'principalId' | 'userPrincipalName' | 'clientId'>;

export interface Drop {
  /** `absent`: it was gone already. */
  readonly outcome: 'revoked' | 'absent';
  /** When the target carried out the drop, by the target's own clock. */
  readonly droppedAt: Instant;
}

/** One of several entitlements that are taken away together. */
export interface Member<E extends Entitlement = Entitlement> {
  readonly entitlement: E;
  readonly principal: Principal;
  /** What `prepare` gave for it, if it was asked. */
  readonly name?: string | undefined;
}

/** Taken away, with the sessions ended, and seen gone. */
export interface Taken extends Drop {
  readonly sessionsEnded: number;
}

/** Something that Curfew lacks on a target. */
export interface Lack {
  /** What, and what for. */
  readonly missing: string;
  /** What an administrator of the target runs to mend it. */
  readonly statement: string;
}

/** What Curfew is on a target, and what it lacks there to grant, revoke, end sessions and read back. */
export type Preflight =
  | {
      readonly user: string;
      /** It may do everything there, so that `lacks` says nothing of what it was granted. */
      readonly isOwner: boolean;
      readonly lacks: readonly Lack[];
    }
  /** It is not let in: nobody made a user for it, or there is no such target. */
  | { readonly user: undefined };

/** Taken away, and then something failed: its sessions may be open still, and it was not read back. */
export interface Unverified {
  readonly outcome: 'unverified';
  /** As a drop's. */
  readonly droppedAt: Instant;
}

/**
 * What every kind of access can do. Every call is idempotent and may be repeated. All fail with CurfewError: CURFEW_TARGET_UNAVAILABLE
 * and CURFEW_TARGET_NOT_VERIFIED may be tried again, CURFEW_TARGET_REFUSED and CURFEW_USER_NAME_TAKEN are final.
 */
interface Basics<E extends Entitlement> {
  readonly kind: E['kind'];
  /** What a grant would do, in one sentence for people. Pure. */
  plan(entitlement: E, principal: Principal): string;
  /** Names what can be revoked in one call: entitlements with one key. Pure. */
  batchKey(entitlement: E): string;
  /** By what the target knows the principal, as in `holders`. Pure. */
  identityOf(principal: Principal): PrincipalId;
  /** Whether the principal has the entitlement at this moment, whoever gave it. */
  isHeld(entitlement: E, principal: Principal): Promise<boolean>;
  /**
   * Gives it, and reads it back. An existing holder is left as it is. From `notAfter` on nothing is given any more, however long
   * it has waited by then: CURFEW_DEADLINE_PASSED.
   */
  grant(entitlement: E, principal: Principal, notAfter?: Instant): Promise<GrantEvidence['outcome']>;
  /**
   * Takes it away at `notBefore`, or now if that is past; never before. What takes time to prepare is done ahead. What the target is
   * told of from `notAfter` on, by its own clock and however long it was under way, is not carried out: CURFEW_TARGET_NOT_VERIFIED.
   */
  revoke(entitlement: E, principal: Principal, notBefore: Instant, notAfter?: Instant): Promise<Drop>;
  /** Who has the entitlement now. */
  holders(entitlement: E): Promise<readonly Holder[]>;
  /** Whether Curfew can do all of the above there. Changes nothing. */
  preflight(entitlement: E): Promise<Preflight>;
}

/** What only some kinds can do; fallbacks.ts says what stands in for each. */
interface Capabilities<E extends Entitlement> {
  /**
   * Opens connections to what has one batch key and logs them in, so that they are there when its members are to be revoked, and asks
   * by which name the target knows each; undefined where it doesn't.
   */
  prepare(members: readonly Member<E>[]): Promise<readonly (string | undefined)[]>;
  /**
   * Revokes the members, which have one batch key, in as few round trips as can be, and ends their sessions. Gives for each, in
   * their order, what became of it: one that fails leaves the others alone. What was not carried out before `giveUp` never is.
   */
  revokeTogether(
    members: readonly Member<E>[],
    giveUp: Instant,
  ): Promise<readonly (Taken | Unverified | CurfewError)[]>;
  /** Ends the principal's live sessions and sees them gone. Gives how many there were. */
  endSessions(entitlement: E, principal: Principal): Promise<number>;
  /** Removes what Curfew itself made for the principal on the target, if nothing else needs it. */
  cleanUp(entitlement: E, principal: Principal): Promise<void>;
  /** What else gives the principal the same, or gives it to the members of a group, whether or not they are one. */
  residualAccess(entitlement: E, principal: Principal): Promise<readonly OtherWay[]>;
}

/** What a kind of access implements. */
export type ProviderPort<E extends Entitlement = Entitlement> = Basics<E> & Partial<Capabilities<E>>;

/** What the rest of Curfew works with. */
export interface AccessProvider<E extends Entitlement = Entitlement> extends Basics<E>, Capabilities<E> {}

/** Where targets are registered, which knows those that are down from those that are no more. */
export interface TargetRegistry {
  /** Whether the target was deleted, beyond doubt. Fails with CURFEW_TARGET_UNAVAILABLE where that can't be said. */
  isGone(resourceId: string): Promise<boolean>;
  /**
   * Whether it could say so: `isUnknown` where it has nothing by this id, and the rights that Curfew lacks to ask. Fails with
   * CURFEW_TARGET_UNAVAILABLE where that can't be said.
   */
  preflight(resourceId: string): Promise<{ readonly isUnknown: boolean; readonly lacks: readonly string[] }>;
}

/** A provider of each kind, by the kind's name. */
export type Providers = Readonly<Record<string, AccessProvider>>;

/** Fails with CURFEW_INTERNAL where this version of Curfew doesn't know the kind. */
export function providerOf(providers: Providers, { kind }: Pick<Entitlement, 'kind'>): AccessProvider {
  const provider = Object.hasOwn(providers, kind) ? providers[kind] : undefined;
  if (provider) return provider;
  throw new CurfewError('CURFEW_INTERNAL', { detail: 'This version of Curfew does not know the kind of access.' });
}

export interface ProviderOptions {
  readonly clock: Clock;
  readonly credential: TokenCredential;
  /** How many are revoked in one transaction, where the target has such. */
  readonly batchSize?: number | undefined;
  /** Of Azure Resource Manager. */
  readonly resourceManagerUrl: string;
}

/** Everything about a kind of access that is known without asking a target. */
export interface AccessKind<E extends Entitlement = Entitlement> {
  readonly kind: E['kind'];
  /** An entitlement as it stands in events and in answers of the API. */
  readonly entitlement: z.ZodType<E>;
  readonly policy: PolicyForm<E>;
  /** Names it for people, within a sentence. */
  describe(entitlement: E): string;
  /** Where it is, for people, within a sentence. */
  describePlace(entitlement: E): string;
  /** A command with which its holder can begin to work, for a POSIX shell. */
  connectHint?(entitlement: E): string;
  /** For people who may have to end it by hand: what it is, in full, and what to do, a sentence each. */
  endByHand(entitlement: E): { readonly what: string; readonly steps: readonly string[] };
  readonly onboarding: Onboarding<E>;
  createProvider(options: ProviderOptions): ProviderPort<E>;
  /** Where the kind's targets are resources in Azure that can be deleted. */
  createRegistry?(options: ProviderOptions): TargetRegistry;
}

/** Somebody whom the targets see: a person, or an application. */
export interface Identity {
  readonly objectId: string;
  /** Undefined for an application that may not read the directory. */
  readonly name?: string | undefined;
  /** Of an application alone. */
  readonly clientId?: string | undefined;
}

/** What mends something, to be copied. What is to be run in the same place is printed together, each line once. */
export interface Fix {
  /** A comment, in the language of the lines. */
  readonly where: string;
  readonly lines: readonly string[];
  /** What ends a batch, in that language. */
  readonly end?: string | undefined;
}

/** How Curfew gets its permissions on targets of a kind. */
export interface Onboarding<E extends Entitlement = Entitlement> {
  /** Runs the statements of what is missing. */
  mend(entitlement: E, statements: readonly string[]): Fix;
  /** Lets the service, or the identity if it is the service's own, in for all of the entitlements, which have one place. */
  letIn(entitlements: readonly E[], identity: Identity | undefined): Fix;
  /** Lets it ask whether a target was deleted. */
  readRegistry?(target: Pick<Target, 'resourceId'>, identity: Identity | undefined): Fix;
}
