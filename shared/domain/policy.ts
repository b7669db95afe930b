import type { ErrorCode, Refusal } from './errors.ts';
import type { Digest, PrincipalId, RoleId, TargetId } from './ids.ts';
import { describeDuration, earliest, type Instant, millisecondsOf, plus } from './time.ts';

/** Membership of a database role in Azure SQL. Other kinds of entitlement will stand beside it. */
export interface SqlRoleEntitlement {
  readonly kind: 'sql-role';
  readonly server: string;
  readonly port: number;
  readonly database: string;
  readonly role: string;
}
export type Entitlement = SqlRoleEntitlement;

/** People by user principal name, groups by object id. A person matches by being named or by being in a group. */
export interface Audience {
  readonly people: readonly string[];
  readonly groups: readonly PrincipalId[];
}

export interface Role {
  readonly id: RoleId;
  readonly description: string;
  readonly entitlements: readonly Entitlement[];
  readonly requesters: Audience;
  /** Milliseconds. */
  readonly duration: { readonly default: number; readonly maximum: number };
  readonly reasonRequired: boolean;
  /** `timeOut` in milliseconds, from submission. */
  readonly approval: { readonly approvers: Audience; readonly timeOut: number };
}

export interface Target {
  readonly id: TargetId;
  readonly description: string;
  readonly roles: readonly Role[];
}

/** A whole policy file. `digest` is the SHA-256 of its text. */
export interface Policy {
  readonly digest: Digest;
  readonly targets: readonly Target[];
}

/** Who somebody is, as the directory knows them at this moment. */
export interface Person {
  readonly principalId: PrincipalId;
  readonly name: string;
  readonly userPrincipalName: string;
  readonly mail: string;
}

export interface Question {
  readonly requester: Person;
  /** The groups, of those that `groupsAskedBy` names, in which the requester is. */
  readonly groups: readonly PrincipalId[];
  readonly target: string;
  readonly role: string;
  /** Milliseconds; the role's default where it is left out. */
  readonly duration?: number | undefined;
  readonly startsAt?: Instant | undefined;
  readonly reason: string;
}

/** What the policy gives: pinned to the request, so that a later change of the file does not reach it. */
export interface Terms {
  readonly policyDigest: Digest;
  readonly targetId: TargetId;
  readonly roleId: RoleId;
  readonly roleDescription: string;
  readonly entitlements: readonly Entitlement[];
  readonly requesters: Audience;
  readonly approvers: Audience;
  /** Milliseconds. */
  readonly duration: number;
  readonly startsAt?: Instant | undefined;
  readonly approveBy: Instant;
}

export type Evaluation = { readonly terms: Terms } | { readonly refusal: Refusal };

/** How far ahead a start may lie, and how late a start that was meant to be now may be asked for. Milliseconds. */
const startHorizon = 30 * 86_400_000;
const startTolerance = 60_000;
export const reasonLength = 1000;
/** What a page shows as nothing: white space, what Unicode leaves to be ignored, and the empty Braille pattern. */
const invisible = /[\s\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Every group that the policy's requester lists name: what the directory has to be asked about a caller. */
export function requesterGroups(policy: Policy): PrincipalId[] {
  return [...new Set(policy.targets.flatMap((target) => target.roles.flatMap((role) => role.requesters.groups)))];
}

export function isInAudience(audience: Audience, person: Person, groups: readonly PrincipalId[]): boolean {
  const name = person.userPrincipalName.toLowerCase();
  return (
    audience.people.some((named) => named.toLowerCase() === name) ||
    audience.groups.some((group) => groups.includes(group))
  );
}

/** What this person may ask for. */
export function rolesFor(policy: Policy, person: Person, groups: readonly PrincipalId[]): Target[] {
  return policy.targets
    .map((target) => ({
      ...target,
      roles: target.roles.filter((role) => isInAudience(role.requesters, person, groups)),
    }))
    .filter((target) => target.roles.length > 0);
}

/**
 * The one place where a policy is applied: previews and real requests both come through here. An unknown role and one
 * that is not for this person are refused alike, so that nobody learns from the answer what exists.
 */
export function evaluatePolicy(policy: Policy, question: Question, now: Instant): Evaluation {
  const offered = rolesFor(policy, question.requester, question.groups);
  const target = offered.find(({ id }) => id === question.target);
  if (!target) return refuse('CURFEW_NO_SUCH_ROLE', '/target', 'GET /api/targets lists what you may ask for.');
  const role = target.roles.find(({ id }) => id === question.role);
  if (!role) return refuse('CURFEW_NO_SUCH_ROLE', '/role', 'GET /api/targets lists what you may ask for.');

  const duration = question.duration ?? role.duration.default;
  if (duration < 1000) return refuse('CURFEW_DURATION_INVALID', '/duration', 'Ask for at least one second.');
  if (duration > role.duration.maximum) {
    return refuse(
      'CURFEW_DURATION_TOO_LONG',
      '/duration',
      `Ask for ${describeDuration(role.duration.maximum)} at most.`,
    );
  }
  const ahead = question.startsAt === undefined ? 0 : millisecondsOf(question.startsAt) - millisecondsOf(now);
  if (ahead < -startTolerance) return refuse('CURFEW_START_INVALID', '/startsAt', 'Leave it out to start at approval.');
  if (ahead > startHorizon) return refuse('CURFEW_START_INVALID', '/startsAt', 'Start within 30 days.');
  if (role.reasonRequired && question.reason.replace(invisible, '') === '') {
    return refuse('CURFEW_REASON_REQUIRED', '/reason', 'Say what you need the access for.');
  }
  const startsAt = ahead > 0 ? question.startsAt : undefined;
  return {
    terms: {
      policyDigest: policy.digest,
      targetId: target.id,
      roleId: role.id,
      roleDescription: role.description,
      entitlements: role.entitlements,
      requesters: role.requesters,
      approvers: role.approval.approvers,
      duration,
      startsAt,
      // An answer after the window that was asked for would be of no use.
      approveBy: earliest(plus(now, role.approval.timeOut), startsAt && plus(startsAt, duration)),
    },
  };
}

function refuse(code: ErrorCode, path: string, wayOut: string): Evaluation {
  return { refusal: { code, path, wayOut } };
}
