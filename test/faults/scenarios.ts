import type { CurfewEvent } from '../../shared/domain/events.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import type { Person } from '../../shared/domain/policy.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, owners, requested, stage, start } from '../support/samples.ts';
import type { World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const later = plus(start, 20 * minute);
const nearTheEnd = plus(start, 59 * minute);
const duration = hour;
const limits = { perPerson: 5, perRole: null };
const extension = { times: 1, total: 3 * hour };

/** An hour’s access, which Bob alone is asked for. */
function asked(more: Partial<Extract<CurfewEvent, { type: 'access-requested' }>> = {}): CurfewEvent {
  const stages = [{ ...stage, approvers: { people: [bob.userPrincipalName], groups: [] } }];
  return { ...requested({ duration, extension, stages }), approvers: [bob], ...more } as CurfewEvent;
}

/** What people do, on a world where something may fail. Gives the requests that were made. */
export interface Scenario {
  readonly about: string;
  /** Faults befall the calls from here on. What comes before has been met in the first scenario. */
  readonly from: Instant;
  run(world: World): Promise<RequestId[]>;
}

export const scenarios = {
  'one request': {
    about: 'An hour’s access, approved in two stages, by somebody named and by one of a group.',
    from: start,
    async run(world) {
      const second = { ...stage, approvers: { people: [], groups: [owners], manager: true as const } };
      const id = await world.submit(requested({ duration, limits, stages: [stage, second] }));
      await approve(world, id, [bob, carla]);
      await live(world);
      return [id];
    },
  },
  'without the scheduler': {
    about: 'The same, where durable timers alone are to do.',
    from: nearTheEnd,
    async run(world) {
      const id = await world.submit(asked({ revocation: { isScheduled: false, longestPause: minute } }));
      await approve(world, id, [bob]);
      await live(world);
      return [id];
    },
  },
  'two that overlap': {
    about: 'The same person asks for the same twice, for an hour, and twenty minutes later for another.',
    from: later,
    async run(world) {
      const first = await world.submit(asked());
      await approve(world, first, [bob]);
      await world.advanceTo(later);
      const second = await world.submit(asked());
      await approve(world, second, [bob]);
      await live(world);
      return [first, second];
    },
  },
  'one deadline': {
    about: 'The same person asks for the same twice, at once.',
    from: nearTheEnd,
    async run(world) {
      const ids = [await world.submit(asked()), await world.submit(asked())];
      for (const id of ids) await approve(world, id, [bob]);
      await live(world);
      return ids;
    },
  },
  'an extension': {
    about: 'An hour’s access, and another hour asked for twenty minutes later.',
    from: later,
    async run(world) {
      const id = await world.submit(asked());
      await approve(world, id, [bob]);
      await world.advanceTo(later);
      const longer = await world.submit(asked({ extends: id }));
      await approve(world, longer, [bob]);
      await live(world);
      return [id, longer];
    },
  },
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof scenarios;

/** Each says yes as soon as they can, and again until it is seen. */
async function approve(world: World, id: RequestId, people: readonly Person[]): Promise<void> {
  for (const [stage, by] of people.entries()) {
    for (let tries = 0; isAwaited(world, id, stage) && tries < 600; tries++) {
      if (world.request(id).approvers.some(({ principalId }) => principalId === by.principalId)) {
        await world.approve(id, by, { stage });
      }
      if (isAwaited(world, id, stage)) await world.advanceTo(plus(world.time.now, 20_000));
    }
  }
}

function isAwaited(world: World, id: RequestId, wanted: number): boolean {
  const { state, stage } = world.request(id);
  return state === 'waiting-for-approval' && stage === wanted;
}

/** Ada works, with two sessions open, until all is over and a day beyond. */
async function live(world: World): Promise<void> {
  await world.advanceTo(plus(world.time.now, 50 * minute));
  if (world.target.members.has(ada.principalId)) world.target.sessions.set(ada.principalId, 2);
  await world.advanceTo(plus(world.time.now, 24 * hour));
}
