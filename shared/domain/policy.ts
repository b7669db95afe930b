import type { Digest, PrincipalId, RoleId, TargetId } from './ids.ts';
import { foldCase } from './text.ts';
import type { Instant } from './time.ts';

/**
 * One concrete thing that a role gives. Its kind says what the other fields mean; two entitlements are the same where all fields
 * are.
 */
export interface Entitlement {
  readonly kind: string;
  readonly [field: string]: string | number;
}

/** Who somebody is, as the directory knows them at this moment: a person, or an application by its service principal. */
export interface Person {
  readonly principalId: PrincipalId;
  readonly name: string;
  /** An application has none, and its display name in this place. */
  readonly userPrincipalName: string;
  /** Empty where no mail can be sent: an application reads none. */
  readonly mail: string;
  /** Of applications only: the client id, by which Azure SQL knows them. */
  readonly clientId?: PrincipalId | undefined;
  /** IANA name of the zone whose time they read beside UTC. */
  readonly timeZone?: string | undefined;
}

/**
 * People by user principal name, groups by object id, applications by the object id of their service principal. A person
 * matches by being named or by being in a group.
 */
export interface Audience {
  readonly people: readonly string[];
  readonly groups: readonly PrincipalId[];
  readonly applications?: readonly PrincipalId[] | undefined;
}

/** Who may decide: an audience, and where it says so the requester's manager. */
export interface Approvers extends Audience {
  readonly manager?: true | undefined;
}

/** One step of approval. Milliseconds are counted from the beginning of the stage. */
export interface Stage {
  readonly approvers: Approvers;
  /** How many distinct people have to approve. */
  readonly quorum: number;
  readonly timeOut: number;
  /** When those who have not answered are asked again. */
  readonly reminders: readonly number[];
  /** Who is asked too, where nobody has answered by then. */
  readonly escalation?: { readonly after: number; readonly to: Approvers } | undefined;
}

/** `mfa`, from a token's `amr`; or an authentication context of Conditional Access such as `c1`, from its `acrs`. */
export type Authentication = 'mfa' | `c${number}`;

/** A ticket's form. `pattern` is a regular expression for the whole of it, without look-around and back-references. */
export interface TicketForm {
  readonly pattern: string;
  readonly example: string;
}

/**
 * What has to be so before access is given. Every field is there, so that two of these can be made into the stricter one
 * field by field: see strictest.ts. Infinity and undefined don't survive JSON, so "no limit" is null.
 */
export interface Demands {
  /** The longest that may be asked for, in milliseconds. */
  readonly maximum: number;
  /** How far ahead a start may lie, in milliseconds; 0 where access starts at its approval. */
  readonly startHorizon: number;
  /** How many visible characters a reason has at least; 0 where it may be left out. */
  readonly reasonLength: number;
  /** A ticket has to match every form. */
  readonly tickets: readonly TicketForm[];
  readonly askingNeeds: readonly Authentication[];
  readonly decidingNeeds: readonly Authentication[];
  /** All are passed, in this order. */
  readonly stages: readonly Stage[];
  /** Whether holding the link is not enough, and the approver signs in as well. */
  readonly signIn: boolean;
  readonly automaticApproval: boolean;
  readonly breakGlass: boolean;
  /** How many grants of the role one person, and everybody together, may hold at once; null for any number. */
  readonly limits: { readonly perPerson: number | null; readonly perRole: number | null };
  /** How often a grant may be extended, and how long it may become in all, in milliseconds. */
  readonly extension: { readonly times: number; readonly total: number };
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Minutes after midnight in the zone; the whole of the access lies inside. */
export interface Hours {
  readonly days: readonly Weekday[];
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
}

/** Approves without anybody asked where all its conditions hold, and is named in the event as who decided. */
export interface AutomaticApproval {
  readonly name: string;
  readonly requesters?: Audience | undefined;
  readonly hours?: Hours | undefined;
  /** Milliseconds, inclusive. */
  readonly durationUpTo?: number | undefined;
  /** People have approved the same role for the same person so many times within so many milliseconds. */
  readonly approvedBefore?: { readonly times: number; readonly within: number } | undefined;
}

/** Access at once, for the people named here and nobody else: it works while the directory is down. */
export interface BreakGlass {
  readonly people: readonly Person[];
  readonly maximum: number;
  /** Told at once. */
  readonly tell: Audience;
  /** Who owes the review, and how often they are reminded until it is done, in milliseconds. */
  readonly review: { readonly by: Audience; readonly within: number };
}

export interface Role {
  readonly id: RoleId;
  readonly description: string;
  readonly entitlements: readonly Entitlement[];
  readonly requesters: Audience;
  /** Milliseconds. What is asked for is a multiple of the step. */
  readonly duration: { readonly default: number; readonly step: number };
  readonly demands: Demands;
  readonly automaticApprovals: readonly AutomaticApproval[];
  readonly breakGlass?: BreakGlass | undefined;
  readonly drift: DriftPolicy;
}

/** What is done about holders whom Curfew never granted what they hold. */
export interface DriftPolicy {
  readonly action: 'report' | 'remove';
  /** They belong there: by object id, an application by its client id, as the target knows them. */
  readonly standing: readonly PrincipalId[];
}

export interface Target {
  readonly id: TargetId;
  readonly description: string;
  /** By which Azure Resource Manager knows it. */
  readonly resourceId?: string | undefined;
  readonly roles: readonly Role[];
}

/** Asks for more than the role does, where all its conditions hold. It never lets in whom the role doesn't. */
export interface Rule {
  readonly name: string;
  readonly when: {
    readonly targets?: readonly TargetId[] | undefined;
    readonly roles?: readonly RoleId[] | undefined;
    readonly requesters?: Audience | undefined;
    /** Milliseconds, exclusive. */
    readonly longerThan?: number | undefined;
  };
  readonly demands: Partial<Demands>;
}

/** A whole policy file. `digest` is the SHA-256 of its text. */
export interface Policy {
  readonly digest: Digest;
  readonly targets: readonly Target[];
  readonly rules: readonly Rule[];
  /** Whose time people read beside UTC; `zones` by lower-case user principal name for those who live elsewhere. */
  readonly timeZone?: string | undefined;
  readonly zones: { readonly [userPrincipalName: string]: string };
}

/** What the policy gives: pinned to the request, so that a later change of the file does not reach it. */
export interface Terms {
  readonly policyDigest: Digest;
  readonly targetId: TargetId;
  readonly roleId: RoleId;
  readonly roleDescription: string;
  readonly entitlements: readonly Entitlement[];
  /** Of the target: all entitlements are on one. */
  readonly resourceId?: string | undefined;
  readonly requesters: Audience;
  /** Milliseconds. */
  readonly duration: number;
  readonly startsAt?: Instant | undefined;
  readonly stages: readonly Stage[];
  readonly signIn: boolean;
  readonly decidingNeeds: readonly Authentication[];
  readonly limits: Demands['limits'];
  readonly extension: Demands['extension'];
  /** The rules that applied, and what each asked for, for people to read. */
  readonly rules: readonly { readonly rule: string; readonly sentence: string }[];
  /** The automatic approval that takes the place of the stages. */
  readonly automatic?: Pick<AutomaticApproval, 'name' | 'requesters'> | undefined;
  /** Granted at once, in the place of the stages. */
  readonly breakGlass?: Omit<BreakGlass, 'maximum'> | undefined;
}

export const reasonLength = 1000;
export const ticketLength = 100;

/** Every group that the policy names for those who ask: what the directory has to be asked about a caller. */
export function requesterGroups(policy: Policy): PrincipalId[] {
  const roles = policy.targets.flatMap((target) => target.roles);
  const audiences = [
    ...roles.map(({ requesters }) => requesters),
    ...roles.flatMap(({ automaticApprovals }) => automaticApprovals.map(({ requesters }) => requesters)),
    ...policy.rules.map(({ when }) => when.requesters),
  ];
  return [...new Set(audiences.flatMap((audience) => audience?.groups ?? []))];
}

export function isInAudience(audience: Audience, person: Person, groups: readonly PrincipalId[]): boolean {
  if (person.clientId !== undefined && audience.applications?.includes(person.principalId)) return true;
  const name = foldCase(person.userPrincipalName);
  return (
    // A name is a person's: an application may call itself what it likes.
    (person.clientId === undefined && audience.people.some((named) => foldCase(named) === name)) ||
    audience.groups.some((group) => groups.includes(group))
  );
}

/** Whether they are named, by object id, among those who may break the glass. */
export function mayBreakGlass({ breakGlass }: Role, { principalId }: Person): boolean {
  return breakGlass?.people.some((person) => person.principalId === principalId) ?? false;
}

/** What this person may ask for, if only by breaking the glass. */
export function rolesFor(policy: Policy, person: Person, groups: readonly PrincipalId[]): Target[] {
  return policy.targets
    .map((target) => ({
      ...target,
      roles: target.roles.filter(
        (role) => isInAudience(role.requesters, person, groups) || mayBreakGlass(role, person),
      ),
    }))
    .filter((target) => target.roles.length > 0);
}
