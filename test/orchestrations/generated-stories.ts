import fc from 'fast-check';
import { commandEvent } from '../../orchestrations/contract.ts';
import { awaitedApprovers } from '../../shared/domain/access-request.ts';
import type { PersonCommand } from '../../shared/domain/decide.ts';
import type { CommandId, PrincipalId, RequestId } from '../../shared/domain/ids.ts';
import type { Approvers, Person, Stage } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { peopleIn } from '../../shared/eligibility.ts';
import { requested, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

type Of<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never;
const hour = 3_600_000;
export const askers = 'b0000000-0000-4000-8000-000000000009' as PrincipalId;
const groups = [1, 2, 3].map((digit) => `b0000000-0000-4000-8000-00000000000${digit}` as PrincipalId);
/** The first asks. The last two have the same name. */
const people: readonly Person[] = ['Ada', 'Bob', 'Carla', 'Dora', 'Eve', 'Sam', 'Sam'].map((name, index) => ({
  principalId: `a0000000-0000-4000-8000-00000000000${index + 1}` as PrincipalId,
  name,
  userPrincipalName: `p${index}@contoso.example`,
  mail: `p${index}@contoso.example`,
}));
const [ada] = people as [Person];

const person = fc.constantFrom(...people);
const audience: fc.Arbitrary<Approvers> = fc.record({
  people: fc.subarray(people.map(({ userPrincipalName }) => userPrincipalName)),
  groups: fc.subarray(groups),
  manager: fc.constantFrom(undefined, true),
});
const stage: fc.Arbitrary<Stage> = fc.record({
  approvers: audience,
  quorum: fc.constantFrom(1, 1, 1, 2, 2, 3),
  timeOut: fc.constant(6 * hour),
  reminders: fc.subarray([hour, 3 * hour]),
  escalation: fc.option(fc.record({ after: fc.constant(2 * hour), to: audience }), { nil: undefined }),
});

/** What somebody sends: mostly whoever is asked says yes, and else anybody says anything. */
const said = fc.record({
  kind: fc.constantFrom(...Array<'approve'>(30).fill('approve'), 'deny', 'withdraw', 'end', 'review'),
  by: fc.oneof({ weight: 5, arbitrary: fc.nat(5) }, person),
  isRenamed: fc.boolean(),
  stageOffset: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1),
  through: fc.constantFrom('link', 'link-and-sign-in', 'api'),
  as: fc.constantFrom('requester', 'approver', 'revoker', 'administrator'),
  duration: fc.constantFrom(undefined, undefined, undefined, undefined, hour, 2 * hour, 20 * hour, 1, 0.5),
  isRepeated: fc.boolean(),
} as const);
const part = fc.constantFrom('directory', 'events', 'target', 'holds', 'notifier');
const step = fc.oneof(
  { weight: 14, arbitrary: fc.record({ say: fc.array(said, { minLength: 1, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ wait: fc.constantFrom(1, 60_000, hour, 2 * hour, 3 * hour, 7 * hour) }) },
  { weight: 2, arbitrary: fc.record({ who: person, joinsOrLeaves: fc.constantFrom(askers, ...groups) }) },
  { weight: 1, arbitrary: fc.record({ comesOrGoes: person }) },
  { weight: 1, arbitrary: fc.record({ manager: fc.option(person) }) },
  { weight: 1, arbitrary: fc.record({ failsOrRecovers: part }) },
);

export const story = fc.record({
  stages: fc.array(stage, { minLength: 1, maxLength: 3 }),
  members: fc.array(fc.subarray([...people], { minLength: 2 }), { minLength: groups.length, maxLength: groups.length }),
  manager: fc.option(person),
  isStanding: fc.boolean(),
  /** Whoever accepted the request asked the requester as well. */
  isCareless: fc.boolean(),
  startsAfter: fc.constantFrom(undefined, undefined, 5 * hour),
  steps: fc.array(step, { minLength: 4, maxLength: 14, size: 'max' }),
});

/** Who was who at some moment. */
export interface Register {
  readonly people: readonly Person[];
  readonly groups: ReadonlyMap<PrincipalId, readonly PrincipalId[]>;
  readonly manager: PrincipalId | undefined;
}

/** Lets it all happen, until the last of it is over; `watch` sees what the request is between two steps. */
export async function tell(
  { stages, members, manager, isStanding, isCareless, startsAfter, steps }: Of<typeof story>,
  watch: (world: ReturnType<typeof createWorld>, id: RequestId) => void,
) {
  const world = createWorld();
  const { directory, target, engine, time } = world;
  directory.people.splice(0, Infinity, ...people);
  directory.groups.clear();
  directory.groups.set(askers, [ada.principalId]);
  for (const [index, group] of groups.entries()) {
    directory.groups.set(
      group,
      (members[index] ?? []).map(({ principalId }) => principalId),
    );
  }
  const setManager = (to: Person | null) => {
    if (to) directory.managers.set(ada.principalId, to);
    else directory.managers.delete(ada.principalId);
  };
  setManager(manager);
  if (isStanding) target.members.add(ada.principalId);

  let atGrant: Register | undefined;
  const isHeld = target.isHeld.bind(target);
  target.isHeld = async (...words) => {
    const held = await isHeld(...words);
    // Before a revocation is prepared, only the grant asks.
    if (!world.calls.has('arm') && !world.calls.has('revoke')) {
      atGrant = structuredClone({
        people: directory.people,
        groups: directory.groups,
        manager: directory.managers.get(ada.principalId)?.principalId,
      });
    }
    return held;
  };

  const startsAt = startsAfter === undefined ? undefined : plus(start, startsAfter);
  const terms = { stages, startsAt, duration: 4 * hour, requesters: { people: [], groups: [askers] } };
  const first = stages[0] ? await peopleIn(directory, stages[0].approvers, ada) : [];
  const approvers = isCareless ? [ada, ...first] : first.filter(({ principalId }) => principalId !== ada.principalId);
  const id = await world.submit({ ...requested(terms, ada), approvers } as ReturnType<typeof requested>);
  let count = 0;
  const commandOf = (words: Of<typeof said>): PersonCommand => {
    const { kind, by, isRenamed, stageOffset, through, as, duration } = words;
    const request = world.request(id);
    const awaited = awaitedApprovers(request);
    const speaker = typeof by === 'number' ? (awaited[by % awaited.length] ?? ada) : by;
    const more = {
      commandId: `command-${++count}` as CommandId,
      by: isRenamed ? { ...speaker, name: `${speaker.name} Smith`, userPrincipalName: 'new@contoso.example' } : speaker,
    };
    if (kind === 'end') return { kind, as, reason: '', ...more };
    return { kind, stage: request.stage + stageOffset, through, comment: '', duration, ...more };
  };
  const toggled = <Item>(items: readonly Item[], item: Item) =>
    items.includes(item) ? items.filter((other) => other !== item) : [...items, item];

  watch(world, id);
  for (const next of steps) {
    if ('say' in next) {
      for (const words of next.say) {
        const command = commandOf(words);
        for (const _ of words.isRepeated ? ['once', 'twice'] : ['once']) {
          if (engine.status(id)?.runtimeStatus === 'Running') await engine.raiseEvent(id, commandEvent, command);
        }
      }
      await world.settle();
    } else if ('wait' in next) await world.advanceTo(plus(time.now, next.wait));
    else if ('joinsOrLeaves' in next) {
      const { joinsOrLeaves: group, who } = next;
      directory.groups.set(group, toggled(directory.groups.get(group) ?? [], who.principalId));
    } else if ('comesOrGoes' in next)
      directory.people.splice(0, Infinity, ...toggled(directory.people, next.comesOrGoes));
    else if ('manager' in next) setManager(next.manager);
    else {
      const part = world[next.failsOrRecovers];
      part.failure = part.failure ? undefined : 'CURFEW_STORE_UNAVAILABLE';
    }
    watch(world, id);
  }
  for (const part of ['directory', 'events', 'target', 'holds', 'notifier'] as const) world[part].failure = undefined;
  await world.advanceTo(plus(time.now, 72 * hour));
  watch(world, id);
  const outcome = { world, id, atGrant, runtimeStatus: engine.status(id)?.runtimeStatus };
  engine.close();
  return outcome;
}
