import type { PrincipalId } from './ids.ts';
import type { Authentication, Person } from './policy.ts';
import type { Instant } from './time.ts';

/** What is asked of the policy, by whom, and what is known of them. */
export interface Question {
  readonly requester: Person;
  /** The groups, of those that `requesterGroups` names, in which the requester is; unknown while the directory is down. */
  readonly groups: readonly PrincipalId[] | 'unknown';
  readonly target: string;
  readonly role: string;
  /** Milliseconds; the role's default where it is left out. */
  readonly duration?: number | undefined;
  readonly startsAt?: Instant | undefined;
  readonly reason: string;
  readonly ticket?: string | undefined;
  readonly breakGlass?: boolean | undefined;
  /** Of an extension: how long the grant lasts without it, in milliseconds. Rules and conditions look at the whole. */
  readonly already?: number | undefined;
  /** How the caller has proven who they are. */
  readonly authentication: readonly Authentication[];
  readonly history: History;
}

/** What came before: whose grants of the role stand now, and when people approved it for this person. */
export interface History {
  readonly heldByPerson: number;
  readonly heldByAll: number;
  readonly approvedAt: readonly Instant[];
}

/** What a rule of the policy had to say to a question. */
export interface RuleFinding {
  readonly rule: string;
  readonly outcome: 'applies' | 'does not apply';
  readonly sentence: string;
}
