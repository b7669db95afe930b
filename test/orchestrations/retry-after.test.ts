import { expect, test } from 'vitest';
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import { type Instant, plus } from '../../shared/domain/time.ts';
import { requested, start } from '../support/samples.ts';
import { createWorld, type World } from '../support/world.ts';

const minute = 60_000;

/** When each call came, of which the first is told to come back later. */
function busyOnce(world: World, code: ErrorCode, retryAfter: number): { at: Instant[]; answer: () => void } {
  const at: Instant[] = [];
  const answer = () => {
    at.push(world.time.now);
    if (at.length === 1) throw new CurfewError(code, { retryAfter });
  };
  return { at, answer };
}

test('a directory that wants ninety seconds gets them before the grant is tried again', async () => {
  const world = createWorld();
  const id = await world.submit();
  const { at, answer } = busyOnce(world, 'CURFEW_DIRECTORY_UNAVAILABLE', 90);
  const { memberGroups } = world.directory;
  world.directory.memberGroups = async (...input) => {
    answer();
    return memberGroups.apply(world.directory, input);
  };
  await world.approve(id);
  await world.advanceTo(plus(start, 2 * minute));
  expect(at.slice(0, 2)).toEqual([start, plus(start, 90_000)]);
  expect(world.request(id).state).toBe('granted');
});

test('a target that wants ten seconds gets them', async () => {
  const world = createWorld();
  const id = await world.submit();
  const { at, answer } = busyOnce(world, 'CURFEW_TARGET_UNAVAILABLE', 10);
  const { grant } = world.target;
  world.target.grant = async (...input) => {
    answer();
    return grant.apply(world.target, input);
  };
  await world.approve(id);
  await world.advanceTo(plus(start, minute));
  expect(at).toEqual([start, plus(start, 10_000)]);
});

test('a store that wants an hour is asked again after five minutes', async () => {
  const world = createWorld();
  const id = await world.submit();
  const { at, answer } = busyOnce(world, 'CURFEW_STORE_UNAVAILABLE', 3_600);
  const { append } = world.events;
  world.events.append = async (event) => {
    answer();
    return append.call(world.events, event);
  };
  await world.approve(id);
  await world.advanceTo(plus(start, 6 * minute));
  expect(at.slice(0, 2)).toEqual([start, plus(start, 5 * minute)]);
});

test('a revocation heeds nobody’s wish for patience', async () => {
  const world = createWorld();
  const id = await world.submit(requested({ duration: 5 * minute }));
  await world.approve(id);
  const deadline = plus(start, 5 * minute);
  const { endSessions, revoke } = world.target;
  const busy = () => Promise.reject(new CurfewError('CURFEW_TARGET_UNAVAILABLE', { retryAfter: 300 }));
  Object.assign(world.target, { endSessions: busy, revoke: busy });
  await world.advanceTo(plus(deadline, 3_000));
  Object.assign(world.target, { endSessions, revoke });
  await world.advanceTo(plus(deadline, 15_000));
  expect(world.request(id).state).toBe('expired');
});
