import fc from 'fast-check';
import { commandEvent, orchestratorName } from '../../orchestrations/contract.ts';
import type { PersonCommand } from '../../shared/domain/decide.ts';
import { evolve } from '../../shared/domain/evolve.ts';
import { link } from '../../shared/domain/hash-chain.ts';
import { type CommandId, type PrincipalId, type RequestId, requestIdOf } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { instantOf, millisecondsOf } from '../../shared/domain/time.ts';
import { timeline } from '../../shared/domain/timeline.ts';
import type { SqlRoleEntitlement } from '../../shared/providers/sql-role/entitlement.ts';
import { analysts, bob, entitlement, owners, requested } from '../support/samples.ts';
import { createHostileWorld, longestHang, nameOf, type Outage, type Part, parts } from './hostile-world.ts';
import { type Asked, type Said, type Seen, totalOf } from './seen.ts';

type Of<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;
/** So long before a deadline it is final. */
export const lead = timeline.finalLeadMs;
export const extension = { times: 2, total: 12 * minute, beyond: 4 * minute };
const timeOut = 15 * minute;

/** The first reads no mail, which makes for short histories. */
export const askers: readonly Person[] = ['ada', 'dan'].map((name, index) => ({
  principalId: `a0000000-0000-4000-8000-00000000001${index}` as PrincipalId,
  name,
  userPrincipalName: `${name}@contoso.example`,
  mail: index === 0 ? '' : `${name}@contoso.example`,
}));
const on = (database: string, role: string): SqlRoleEntitlement => ({ ...entitlement, database, role });
const reader = on('orders', 'reader');
const writer = on('orders', 'writer');
const stock = on('stock', 'reader');
/** By what they share: most pairs of grants overlap in a part of what they give. */
const roles = [[reader], [reader, writer], [reader, stock], [stock]];

const from = <Value>(...values: Value[]) => fc.constantFrom(...values);
const asking = fc.record({
  ask: fc.nat(roles.length - 1),
  who: from(0, 0, 0, 1),
  /** In weeks, every timer is made of several. */
  lasts: fc.oneof(
    { weight: 7, arbitrary: from(2 * minute, 3 * minute, 4 * minute, 5 * minute) },
    { weight: 1, arbitrary: from(3 * day, 9 * day, 16 * day) },
  ),
  startsIn: from(undefined, undefined, undefined, undefined, undefined, minute, 3 * minute, 7 * day),
  /** Who of the approvers says yes, unless nobody does, and how soon. */
  answeredIn: from(undefined, 0, 0, 0, second, 40 * second),
});
const saying = fc.record({
  say: from<Said['kind']>('approve', 'deny', 'withdraw', 'end', 'end', 'end'),
  of: fc.nat(5),
});
const extending = fc.record({
  extend: fc.nat(5),
  by: from(minute, 2 * minute),
  answeredIn: from(0, 0, second, minute),
});
const outage = from<Outage>('refuses', 'hangs', 'loses answers');
const lasts = from(2 * second, 20 * second, 90 * second, 4 * minute, 10 * minute);
const failing = fc.record({
  fails: from<Part>('orders', 'stock', ...parts),
  how: outage,
  lasts,
});
const skew = from(0, 0, 3, 500, -500);
const crashing = fc.record({ crash: from(0, 1), downFor: from(second, 8 * second), skew });
/** The process that grants next dies right after the database has changed. */
const dyingAtGrant = fc.record({ diesAtGrantFor: from(second, 8 * second), skew });
const setting = fc.record({ setsClock: from(0, 1), skew });
const afterwards = fc.record({
  after: fc.oneof(
    { weight: 12, arbitrary: from(0, 0, 10, 60, second, 20 * second, minute, 2 * minute) },
    { weight: 1, arbitrary: from(2 * day, 4 * day) },
  ),
});
const offset = from(-60 * second, -30 * second, -10 * second, -2 * second, -20, 0, 15, 200, 3 * second, 30 * second);
/** So long before or after the end of a grant. */
const aroundAnEnd = fc.record({ toEndOf: fc.nat(5), offset });
const action = fc.oneof(
  { weight: 6, arbitrary: asking },
  { weight: 3, arbitrary: saying },
  { weight: 2, arbitrary: extending },
  { weight: 3, arbitrary: failing },
  { weight: 2, arbitrary: crashing },
  { weight: 1, arbitrary: dyingAtGrant },
  { weight: 1, arbitrary: setting },
);
const act = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.oneof(afterwards, aroundAnEnd), action) },
  // What is feared most: a database that is gone when it matters.
  {
    weight: 1,
    arbitrary: fc.tuple(aroundAnEnd, fc.record({ fails: from<Part>('orders', 'stock'), how: outage, lasts })),
  },
);
export const story = fc.record({
  seed: fc.nat(),
  timers: from<'exact' | 'azure-storage'>('exact', 'azure-storage'),
  skews: fc.tuple(skew, skew),
  isDoubled: fc.boolean(),
  /** The longest that an activity waits in the task hub. */
  hubWait: from(0, 0, 0, second, 10 * second, 60 * second),
  /** Who was in which role before Curfew came. */
  standing: fc.subarray(
    askers.flatMap((who) => [reader, writer, stock].map((what) => ({ who, what }))),
    { maxLength: 1 },
  ),
  first: asking,
  acts: fc.array(act, { minLength: 2, maxLength: 10, size: 'max' }),
} as const);

/** Lets it all happen until the last of it is over, and says what was seen from outside. */
export async function tell(told: Of<typeof story>): Promise<Seen> {
  const { seed, timers, skews, isDoubled, hubWait, standing, first, acts } = told;
  const people = [...askers, bob];
  const groups = new Map([
    [analysts, askers.map(({ principalId }) => principalId)],
    [owners, [bob.principalId]],
  ]);
  const world = createHostileWorld({ seed, timers, skews, isDoubled, hubWait, people, groups });
  const { time, engine, databases } = world;
  for (const { who, what } of standing) databases.members.add(`${who.principalId} ${nameOf(what)}`);
  const asked: Asked[] = [];
  const said: Said[] = [];
  const outages: { part: string; from: number; to: number }[] = [];
  const crashes: { from: number; to: number }[] = [];
  const now = () => time.host.now();
  let count = 0;

  const say = (id: RequestId, kind: Said['kind']) => {
    const { requester, stage } = world.requests.all.get(id) ?? {};
    if (!requester || stage === undefined || engine.status(id)?.runtimeStatus !== 'Running') return;
    const commandId = `command-${++count}` as CommandId;
    const by = kind === 'withdraw' ? requester : bob;
    const command: PersonCommand =
      kind === 'end'
        ? { kind, as: 'revoker', reason: '', by, commandId }
        : { kind, stage, through: 'api', comment: '', by, commandId };
    said.push({ at: now(), id, kind });
    void engine.raiseEvent(id, commandEvent, command);
  };
  const submit = async (
    who: Person,
    what: readonly SqlRoleEntitlement[],
    of: Pick<Asked, 'duration' | 'startsAt' | 'extends'>,
    answeredIn: number | undefined,
  ) => {
    if (world.isDown('events')) return;
    const id = requestIdOf(new Uint8Array(16).fill(++count));
    const startsAt = of.startsAt === undefined ? undefined : instantOf(of.startsAt);
    const stages = [{ approvers: { people: [], groups: [owners] }, quorum: 1, timeOut, reminders: [] }];
    const { times } = extension;
    const total = totalOf({ extension }, of.duration);
    const terms = { entitlements: what, duration: of.duration, startsAt, stages, extension: { times, total } };
    const event = {
      ...requested(terms, who),
      at: time.now,
      approvers: [bob],
      revocation: { isScheduled: true, longestPause: minute },
      extends: of.extends as RequestId | undefined,
    } as ReturnType<typeof requested>;
    const recorded = link(id, undefined, event);
    await world.events.append(recorded);
    await world.requests.save(evolve(undefined, id, event));
    const approveBy = Math.min(now() + timeOut, of.startsAt === undefined ? Infinity : of.startsAt + of.duration);
    asked.push({ ...of, id, principalId: who.principalId, entitlements: what.map(nameOf), at: now(), approveBy });
    await engine.start(orchestratorName, id, { first: recorded });
    if (answeredIn !== undefined) time.host.schedule(now() + answeredIn, () => say(id, 'approve'));
  };
  const perform = async (next: Of<typeof action>) => {
    const nth = (index: number) => asked[index % asked.length];
    if ('ask' in next) {
      const startsAt = next.startsIn === undefined ? undefined : now() + next.startsIn;
      const [who, what] = [askers[next.who], roles[next.ask]];
      if (who && what) await submit(who, what, { duration: next.lasts, startsAt }, next.answeredIn);
    } else if ('say' in next) {
      const of = nth(next.of);
      if (of) say(of.id as RequestId, next.say);
    } else if ('extend' in next) {
      const of = nth(next.extend);
      const request = of && world.requests.all.get(of.id);
      if (!of || !request || of.extends !== undefined) return;
      // The API refuses it before the grant. Where it is asked for all the same, it is tried until the grant begins, which for days is
      // a history without end.
      if (of.startsAt !== undefined && of.startsAt > now() + 10 * minute) return;
      await submit(
        request.requester,
        request.terms.entitlements as readonly SqlRoleEntitlement[],
        { duration: next.by, extends: of.id },
        next.answeredIn,
      );
    } else if ('fails' in next) {
      if (world.isDown(next.fails)) return;
      world.breakDown(next.fails, next.how, now() + next.lasts);
      outages.push({ part: next.fails, from: now(), to: now() + next.lasts + longestHang });
    } else if ('setsClock' in next) world.setClock(next.setsClock, next.skew);
    else if ('crash' in next) crash(next.crash, next.downFor, next.skew);
    else world.atNextGrant((which) => crash(which, next.diesAtGrantFor, next.skew));
  };
  const crash = (which: number, downFor: number, skewThen: number) => {
    world.crash(which, downFor, skewThen);
    crashes.push({ from: now(), to: now() + downFor + 8 * second });
  };

  await perform(first);
  for (const [before, next] of acts) {
    const awaited = 'toEndOf' in before ? asked[before.toEndOf % asked.length] : undefined;
    const deadline = awaited && world.requests.all.get(awaited.id)?.deadline;
    const gap = 'after' in before ? before.after : deadline ? millisecondsOf(deadline) + before.offset - now() : 0;
    await world.advanceBy(Math.max(0, gap));
    await perform(next);
  }
  // What is open goes on until it is over; what is approved in the end is not over before.
  const open = [...world.requests.all.values()].filter(({ id }) => engine.status(id)?.runtimeStatus !== 'Completed');
  const ends = open.map(({ deadline, terms: { startsAt, duration } }) =>
    Math.max(deadline ? millisecondsOf(deadline) : 0, (startsAt ? millisecondsOf(startsAt) : now()) + duration),
  );
  await world.advanceBy(Math.max(now(), ...ends) - now());
  await world.advanceBy(3 * 60 * minute);
  const seen: Seen = {
    asked,
    said,
    outages,
    crashes,
    skew: Math.max(...skews.map(Math.abs), ...acts.map(([, next]) => ('skew' in next ? Math.abs(next.skew) : 0))),
    hubWait,
    timersLate: timers === 'exact' ? 0 : 26 * second,
    lead,
    extension,
    standing: standing.map(({ who, what }) => `${who.principalId} ${nameOf(what)}`),
    changes: databases.log,
    sessions: [...databases.sessions],
    mails: world.mails,
    // An event that is missing leaves a hole, which the chain has to show.
    chains: new Map([...world.events.chains].map(([id, chain]) => [id, chain.filter(() => true)])),
    ends: new Map(asked.map(({ id }) => [id, { ...engine.status(id), state: world.requests.all.get(id)?.state }])),
    // A run that was left behind may leave its claim, which the next grant forgets.
    holds: [...world.holds.all].flatMap(([key, { holds }]) =>
      isDoubled && Object.keys(holds).length === 0 ? [] : [key],
    ),
  };
  engine.close();
  return seen;
}
