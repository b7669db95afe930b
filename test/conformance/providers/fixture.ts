import type { Entitlement } from '../../../shared/domain/policy.ts';
import type { AccessProvider, Principal } from '../../../shared/providers/provider.ts';
import type { HandClock } from './hand-clock.ts';

/** What the suite needs of a provider and its target. */
export interface Fixture<E extends Entitlement> {
  readonly provider: AccessProvider<E>;
  /** The one that the provider was given. */
  readonly clock: HandClock;
  /** Two that Curfew may give, on one target. Both let their members read. */
  readonly entitlement: E;
  readonly other: E;
  /** One of a role that the target doesn't have. */
  readonly absent: E;
  /** One in which everybody may do everything, and that Curfew can't give. */
  readonly almighty: E;
  /** One on a target that nobody listens for. */
  readonly down: E;
  /** One on a target where Curfew may log in, and no more. Undefined where Curfew is the administrator. */
  readonly unprepared?: E | undefined;
  readonly administrator: Administrator<E>;
  /** Somebody of whom the target has no trace. */
  newcomer(userPrincipalName?: string): Principal;
  /** Logs in as the person; undefined where the suite can't. */
  readonly signIn?: ((principal: Principal, entitlement: E) => Promise<Session>) | undefined;
  close(): Promise<void>;
}

/** Looks into the target by itself and changes it, without the provider. */
export interface Administrator<E extends Entitlement> {
  /** The principal ids of the role's members, in an order that stays. */
  members(entitlement: E): Promise<string[]>;
  addMember(entitlement: E, principal: Principal): Promise<void>;
  removeMember(entitlement: E, principal: Principal): Promise<void>;
  createRole(entitlement: E): Promise<void>;
  dropRole(entitlement: E): Promise<void>;
  /** The name of the principal's user on the target. */
  userName(entitlement: E, principal: Principal): Promise<string | undefined>;
  addUser(entitlement: E, principal: Principal, name?: string): Promise<void>;
  dropUser(entitlement: E, principal: Principal): Promise<void>;
  /** A user that no directory knows, made a member. */
  addForeignMember(entitlement: E, name: string): Promise<void>;
  /** Makes the one role a member of the other: whoever is in it has what the other gives. */
  nestRole(inner: E, outer: E): Promise<void>;
  unnestRole(inner: E, outer: E): Promise<void>;
  /** A group of the directory, made a member of the role. */
  addGroup(entitlement: E, name: string, groupId: string): Promise<void>;
  dropGroup(entitlement: E, name: string): Promise<void>;
  /** Gives the person's user a permission that is its own. */
  permit(entitlement: E, principal: Principal): Promise<void>;
  /** Denies the person's user to log in. */
  shutOut(entitlement: E, principal: Principal): Promise<void>;
  run(entitlement: E, statement: string): Promise<void>;
}

/** A session of a person on the target. */
export interface Session {
  /** Whether what the role gives can be read now. */
  canRead(): Promise<boolean>;
  /** Begins a statement that runs for half a minute, and gives its outcome once it is under way. */
  beginLongStatement(): Promise<{ readonly outcome: Promise<'finished' | 'broken'> }>;
  /** Whether the target still answers on it. */
  isOpen(): Promise<boolean>;
  close(): Promise<void>;
}
