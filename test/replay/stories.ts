import type { CommandId, RequestId } from '../../shared/domain/ids.ts';
import type { Approvers, Terms } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, bob, carla, eve, requested, stage, start } from '../support/samples.ts';
import type { World } from '../support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const deadline = plus(start, hour);
const commandId = 'command' as CommandId;
const only = (...people: { userPrincipalName: string }[]): Approvers => ({
  people: people.map(({ userPrincipalName }) => userPrincipalName),
  groups: [],
});

const asked = (more: Partial<Terms> = {}) => requested({ duration: hour, ...more });

async function granted(world: World, event = asked()): Promise<RequestId> {
  const id = await world.submit(event);
  await world.approve(id);
  return id;
}

/** What a request can live through, each played on a world of its own. The names are those of the files. */
export const stories: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  async expire(world) {
    await granted(world);
    await world.advanceTo(deadline);
  },

  async 'booked-and-cancelled'(world) {
    const id = await granted(world, asked({ startsAt: plus(start, 3 * hour) }));
    await world.advanceTo(deadline);
    await world.command(id, { kind: 'end', commandId, by: bob, as: 'approver', reason: 'Not today' });
  },

  async 'revoke-early'(world) {
    const id = await granted(world);
    await world.advanceTo(plus(start, minute));
    await world.command(id, { kind: 'end', commandId, by: ada, as: 'requester', reason: 'Done' });
  },

  async deny(world) {
    const id = await world.submit(asked());
    await world.command(id, { kind: 'deny', stage: 0, through: 'api', commandId, by: bob, comment: 'No' });
  },

  async withdraw(world) {
    const id = await world.submit(asked());
    await world.command(id, { kind: 'withdraw', commandId, by: ada });
  },

  async 'time-out'(world) {
    await world.submit(asked());
    await world.advanceTo(plus(start, 24 * hour));
  },

  async 'two-stages'(world) {
    world.directory.people.push(eve);
    const slow = { reminders: [hour], escalation: { after: 2 * hour, to: only(eve) } };
    const id = await world.submit(asked({ stages: [stage, { ...stage, ...slow, approvers: only(carla) }] }));
    await world.approve(id, bob);
    await world.advanceTo(plus(start, 3 * hour));
    await world.approve(id, eve, { through: 'api', duration: 30 * minute });
    await world.advanceTo(plus(start, 4 * hour));
  },

  async 'automatic-approval'(world) {
    await world.submit(
      asked({
        automatic: { name: 'on-call', requesters: { people: [ada.userPrincipalName], groups: [] } },
        stages: [],
      }),
    );
    await world.advanceTo(deadline);
  },

  async 'broken-glass'(world) {
    const review = { by: only(carla), within: 24 * hour };
    const breakGlass = { people: [ada], tell: only(bob), review };
    const id = await world.submit(asked({ breakGlass, stages: [] }));
    await world.advanceTo(plus(deadline, 25 * hour));
    await world.command(id, { kind: 'review', commandId, by: carla, comment: 'As reported' });
  },

  async extension(world) {
    const extension = { times: 2, total: 12 * hour };
    const id = await granted(world, asked({ extension }));
    await world.advanceTo(plus(deadline, -5 * minute));
    await granted(world, { ...asked({ extension }), extends: id } as ReturnType<typeof requested>);
    await world.advanceTo(plus(deadline, hour));
  },

  async overdue(world) {
    const patient = { ...asked(), revocation: { isScheduled: true, longestPause: hour } };
    await granted(world, patient as ReturnType<typeof requested>);
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.advanceTo(plus(deadline, 25 * hour));
    world.target.failure = undefined;
    await world.advanceTo(plus(deadline, 27 * hour));
  },

  async 'store-down'(world) {
    const id = await world.submit(asked());
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.approve(id);
    await world.advanceTo(plus(start, minute));
    world.events.failure = undefined;
    await world.advanceTo(plus(deadline, -minute));
    world.events.failure = 'CURFEW_STORE_UNAVAILABLE';
    await world.advanceTo(plus(deadline, minute));
    world.events.failure = undefined;
    await world.advanceTo(plus(deadline, 3 * minute));
  },

  async 'grant-failed'(world) {
    const id = await world.submit(asked());
    world.target.failure = 'CURFEW_TARGET_UNAVAILABLE';
    await world.approve(id);
    await world.advanceTo(plus(start, 20 * minute));
    world.target.failure = undefined;
    await world.advanceTo(deadline);
  },

  async 'grant-refused'(world) {
    const id = await world.submit(asked());
    world.directory.people.shift();
    await world.approve(id);
  },
};
