import type { AccessRequest } from '../../shared/domain/access-request.ts';
import type { RecordedDrift } from '../../shared/domain/drift.ts';
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { OtherWay, RecordedEvent } from '../../shared/domain/events.ts';
import type { HoldDocument } from '../../shared/domain/holds.ts';
import { type ActorId, driftIdOf, type PrincipalId, type RequestId, type TargetId } from '../../shared/domain/ids.ts';
import type { Entitlement, Person } from '../../shared/domain/policy.ts';
import { isUnfinished } from '../../shared/domain/states.ts';
import type { Instant } from '../../shared/domain/time.ts';
import { type Upcoming, upcomingOf } from '../../shared/domain/upcoming.ts';
import type {
  ApprovalLink,
  Clock,
  Directory,
  DriftStore,
  EventStore,
  HeartbeatStore,
  Held,
  HoldStore,
  LinkStore,
  MailMessage,
  Notifier,
  RequestFilter,
  RequestStore,
} from '../../shared/ports.ts';
import type {
  AccessProvider,
  Lack,
  Member,
  Preflight,
  Principal,
  Taken,
  TargetRegistry,
  Unverified,
} from '../../shared/providers/provider.ts';

/** Outside systems that can be broken: while `failure` is set, every call fails with it. */
class Breakable {
  failure: ErrorCode | undefined;

  protected check(): void {
    if (this.failure) throw new CurfewError(this.failure);
  }
}

export class MemoryEvents extends Breakable implements EventStore {
  readonly chains = new Map<string, RecordedEvent[]>();

  async append(event: RecordedEvent): Promise<void> {
    this.check();
    const chain = this.chains.get(event.requestId) ?? [];
    const present = chain[event.sequence];
    if (present && present.hash !== event.hash) throw new CurfewError('CURFEW_STORE_CONFLICT');
    chain[event.sequence] = event;
    this.chains.set(event.requestId, chain);
  }

  async read(id: string): Promise<RecordedEvent[]> {
    this.check();
    return this.chains.get(id) ?? [];
  }

  async begunSince(instant: Instant): Promise<RequestId[]> {
    this.check();
    return [...this.chains.values()].flatMap(([first]) =>
      first && first.event.at >= instant ? [first.requestId] : [],
    );
  }
}

export class MemoryDrifts extends Breakable implements DriftStore {
  readonly chains = new Map<string, RecordedDrift[]>();

  async append(event: RecordedDrift): Promise<void> {
    this.check();
    const chain = this.chains.get(event.requestId) ?? [];
    const present = chain[event.sequence];
    if (present && present.hash !== event.hash) throw new CurfewError('CURFEW_STORE_CONFLICT');
    chain[event.sequence] = event;
    this.chains.set(event.requestId, chain);
  }

  async read(target: TargetId): Promise<RecordedDrift[]> {
    this.check();
    return [...(this.chains.get(driftIdOf(target)) ?? [])];
  }
}

export class MemoryRequests extends Breakable implements RequestStore {
  readonly all = new Map<string, AccessRequest>();

  async find(id: string): Promise<AccessRequest | undefined> {
    this.check();
    return this.all.get(id);
  }

  async save(request: AccessRequest): Promise<void> {
    this.check();
    if ((this.all.get(request.id)?.version ?? 0) < request.version) this.all.set(request.id, request);
  }

  async list({
    requester,
    states,
    target,
    role,
    isUnfinished: isLeft,
  }: RequestFilter): Promise<{ requests: AccessRequest[] }> {
    this.check();
    const requests = [...this.all.values()].filter(
      (request) =>
        (requester === undefined || request.requester.principalId === requester) &&
        (states === undefined || states.includes(request.state)) &&
        (!isLeft || isUnfinished(request)) &&
        (target === undefined || request.terms.targetId === target) &&
        (role === undefined || request.terms.roleId === role),
    );
    return { requests };
  }

  async upcoming(from: Instant, to: Instant): Promise<{ upcoming: Upcoming[] }> {
    this.check();
    const all = [...this.all.values()].flatMap((request) => upcomingOf(request) ?? []);
    const found = all.filter(({ at }) => at >= from && at <= to);
    return { upcoming: found.sort((a, b) => a.at.localeCompare(b.at)) };
  }
}

/** What processes say of themselves. */
export class MemoryHeartbeats extends Breakable implements Pick<HeartbeatStore, 'beat' | 'pulse'> {
  readonly all = new Map<ActorId, Instant>();

  async beat(process: ActorId, at: Instant): Promise<void> {
    this.check();
    this.all.set(process, at);
  }

  async pulse(process: ActorId): Promise<Instant | undefined> {
    this.check();
    return this.all.get(process);
  }
}

export class MemoryLinks implements LinkStore {
  readonly all = new Map<string, ApprovalLink>();

  async save(link: ApprovalLink): Promise<void> {
    this.all.set(link.tokenHash, link);
  }

  async find(hash: string): Promise<ApprovalLink | undefined> {
    return this.all.get(hash);
  }
}

export class MemoryHolds extends Breakable implements HoldStore {
  readonly all = new Map<string, HoldDocument>();

  async list(): Promise<{ holds: Held[] }> {
    this.check();
    const holds = [...this.all].map(([key, document]) => {
      const [entitlement, principalId] = JSON.parse(key) as [Entitlement, PrincipalId];
      return { entitlement, principalId, document };
    });
    return { holds };
  }

  async change<Answer>(
    key: string,
    decide: (document: HoldDocument | undefined) => { document: HoldDocument | undefined; answer: Answer },
  ): Promise<Answer> {
    this.check();
    const { document, answer } = decide(this.all.get(key));
    if (document) this.all.set(key, document);
    else this.all.delete(key);
    return answer;
  }
}

export class MemoryMail extends Breakable implements Notifier {
  readonly sent: MailMessage[] = [];
  /** For these addresses it takes nothing, now or later. */
  readonly refused = new Set<string>();
  /** For these addresses it takes nothing for now. */
  readonly busy = new Set<string>();
  /** How many it was given, whatever became of them. */
  tried = 0;

  async send(message: MailMessage): Promise<void> {
    this.tried++;
    this.check();
    if (this.refused.has(message.to)) throw new CurfewError('CURFEW_MAIL_REFUSED');
    if (this.busy.has(message.to)) throw new CurfewError('CURFEW_MAIL_UNAVAILABLE');
    this.sent.push(message);
  }
}

export class MemoryDirectory extends Breakable implements Directory {
  readonly people: Person[];
  readonly groups: Map<PrincipalId, PrincipalId[]>;

  constructor(people: Person[], groups: Map<PrincipalId, PrincipalId[]>) {
    super();
    this.people = people;
    this.groups = groups;
  }

  /** While it is unresolved, answers are awaited. */
  gate: Promise<void> | undefined;

  async person(idOrName: string): Promise<Person | undefined> {
    await this.gate;
    this.check();
    return this.people.find(
      ({ principalId, userPrincipalName, clientId }) =>
        clientId === undefined && [principalId, userPrincipalName].includes(idOrName),
    );
  }

  async application(id: PrincipalId): Promise<Person | undefined> {
    this.check();
    return this.people.find(({ principalId, clientId }) => clientId !== undefined && principalId === id);
  }

  /** Managers by the id of whom they manage. */
  readonly managers = new Map<PrincipalId, Person>();

  async manager(id: PrincipalId): Promise<Person | undefined> {
    this.check();
    return this.managers.get(id);
  }

  async memberGroups(
    { principalId }: Pick<Person, 'principalId'>,
    groups: readonly PrincipalId[],
  ): Promise<PrincipalId[]> {
    this.check();
    return groups.filter((group) => this.groups.get(group)?.includes(principalId));
  }

  async groupMembers(group: PrincipalId): Promise<Person[]> {
    this.check();
    return this.people.filter(({ principalId }) => this.groups.get(group)?.includes(principalId));
  }
}

/** Where all targets are, unless they were deleted. */
export class MemoryRegistry extends Breakable implements TargetRegistry {
  readonly deleted = new Set<string>();
  asked = 0;

  async isGone(resourceId: string): Promise<boolean> {
    this.asked++;
    this.check();
    return this.deleted.has(resourceId);
  }

  /** The rights that Curfew lacks. */
  lacks: readonly string[] = [];

  async preflight(resourceId: string) {
    this.check();
    return { isUnknown: this.deleted.has(resourceId), lacks: this.lacks };
  }
}

/** A target that remembers when what was done to it. */
export class MemoryTarget extends Breakable implements AccessProvider {
  readonly kind = 'sql-role';
  readonly members = new Set<string>();
  readonly sessions = new Map<string, number>();
  readonly log: { at: Instant; what: 'granted' | 'dropped'; who: string }[] = [];

  readonly clock: Clock;

  constructor(clock: Clock) {
    super();
    this.clock = clock;
  }

  plan(): string {
    return 'Joins orders_reader';
  }

  async isHeld(_: Entitlement, { principalId }: Principal): Promise<boolean> {
    this.check();
    return this.members.has(principalId);
  }

  async grant(_: Entitlement, { principalId }: Principal, notAfter?: Instant): Promise<'granted' | 'already-held'> {
    this.check();
    if (notAfter !== undefined && this.clock.now() >= notAfter) throw new CurfewError('CURFEW_DEADLINE_PASSED');
    if (this.members.has(principalId)) return 'already-held';
    this.members.add(principalId);
    this.log.push({ at: this.clock.now(), what: 'granted', who: principalId });
    return 'granted';
  }

  async revoke(
    _: Entitlement,
    { principalId }: Principal,
    notBefore: Instant,
    notAfter?: Instant,
  ): Promise<{ outcome: 'revoked' | 'absent'; droppedAt: Instant }> {
    this.check();
    await this.clock.sleepUntil(notBefore);
    if (notAfter !== undefined && this.clock.now() >= notAfter) throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
    const droppedAt = this.clock.now();
    if (!this.members.delete(principalId)) return { outcome: 'absent', droppedAt };
    this.log.push({ at: droppedAt, what: 'dropped', who: principalId });
    return { outcome: 'revoked', droppedAt };
  }

  identityOf({ principalId, clientId }: Principal) {
    return clientId ?? principalId;
  }

  batchKey(_: Entitlement): string {
    return 'orders';
  }

  async prepare(members: readonly unknown[]): Promise<string[]> {
    this.check();
    return members.map(() => 'user');
  }

  async revokeTogether(members: readonly Member[]): Promise<(Taken | Unverified | CurfewError)[]> {
    return Promise.all(
      members.map(async ({ entitlement, principal }) => ({
        ...(await this.revoke(entitlement, principal, this.clock.now())),
        sessionsEnded: await this.endSessions(entitlement, principal),
      })),
    );
  }

  async endSessions(_: Entitlement, { principalId }: Principal): Promise<number> {
    this.check();
    const ended = this.sessions.get(principalId) ?? 0;
    this.sessions.delete(principalId);
    return ended;
  }

  async cleanUp(): Promise<void> {}

  /** What lets everybody in beside this; undefined where nobody can say. */
  ways: readonly OtherWay[] | undefined = [];

  async residualAccess(): Promise<readonly OtherWay[]> {
    this.check();
    if (!this.ways) throw new CurfewError('CURFEW_TARGET_UNAVAILABLE');
    return this.ways;
  }

  async holders() {
    this.check();
    return [...this.members].map((id) => ({ principalId: id as PrincipalId, name: id }));
  }

  lacks: readonly Lack[] = [];

  async preflight(_: Entitlement): Promise<Preflight> {
    this.check();
    return { user: 'curfew-service', isOwner: false, lacks: this.lacks };
  }
}
