import { describe, expect, test } from 'vitest';
import type { AccessRequest } from '../../shared/domain/access-request.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { holdKey } from '../../shared/domain/holds.ts';
import { plus } from '../../shared/domain/time.ts';
import { ada, entitlement, requested } from '../support/samples.ts';
import { deadline, grantedIn, hour, minute, reconciled } from './reconciled.ts';

/** Of which no scheduler knows. */
const unscheduled = { ...requested(), revocation: { isScheduled: false, longestPause: minute } } as CurfewEvent;

describe('access past its end', () => {
  test('is ended while the orchestration does nothing, and somebody is told', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world, unscheduled);
    await world.advanceTo(plus(deadline, -minute));
    await world.engine.suspend(id, 'by hand');
    await world.advanceTo(plus(deadline, 11_000));
    expect(world.target.members.has(ada.principalId)).toBe(true);
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(false);
    expect(alerts()).toEqual(['Access stood past its end, and was ended now']);
    await look();
    await world.engine.resume(id, 'by hand');
    await world.advanceTo(plus(deadline, minute));
    expect(world.request(id)).toMatchObject({ state: 'expired', revoked: { evidence: [{ outcome: 'absent' }] } });
    expect(alerts()).toHaveLength(1);
    expect(world.holds.all.size).toBe(0);
  });

  test('is told once an hour where it cannot be ended', async () => {
    const { world, look, alerts, beats } = reconciled();
    await grantedIn(world);
    await world.advanceTo(plus(deadline, -minute));
    world.target.revoke = async () => Promise.reject(new Error('broken'));
    for (let minutes = 1; minutes <= 61; minutes++) {
      await world.advanceTo(plus(deadline, minutes * minute));
      await look();
    }
    const told = alerts().filter((subject) => subject.startsWith('Access stands past its end'));
    expect(told).toHaveLength(2);
    expect(beats).toEqual([]);
  });

  test('is told where ending it hangs', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world, unscheduled);
    await world.advanceTo(plus(deadline, -minute));
    await world.engine.suspend(id, 'by hand');
    await world.advanceTo(plus(deadline, minute));
    const { promise } = Promise.withResolvers<never>();
    world.target.revoke = () => promise;
    const looked = look();
    await world.advanceTo(plus(deadline, minute + 15_000));
    await looked;
    expect(alerts()).toEqual(['Access stands past its end, and can’t be ended']);
  });

  test('that was put back after its end is ended again, for ten minutes; then it is drift', async () => {
    const { world, look, alerts, driftTypes } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(plus(deadline, 5 * minute));
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(0);
    expect(alerts()).toEqual(['Access stood past its end, and was ended now']);
    expect(world.types(id)).toHaveLength(6);
    expect(world.holds.all.size).toBe(0);
    await world.advanceTo(plus(deadline, 10 * minute));
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(1);
    expect(await driftTypes()).toEqual(['drift-found']);
  });

  test('by a grant that came after its request had failed is ended', async () => {
    const { world, look } = reconciled();
    world.target.grant = async () => Promise.reject(new CurfewError('CURFEW_TARGET_REFUSED'));
    const id = await world.submit();
    await world.approve(id);
    expect(world.request(id).state).toBe('failed');
    expect(world.request(id).granted).toBeUndefined();
    expect(world.holds.all.size).toBe(0);
    world.target.members.add(ada.principalId);
    await look();
    expect(world.target.members.size).toBe(0);
  });

  test('by a hold that its ended request left behind is ended, and the hold forgotten', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(deadline);
    const key = holdKey(entitlement, ada.principalId);
    world.holds.all.set(key, { standing: false, holds: { [id]: deadline } });
    world.target.members.add(ada.principalId);
    await world.advanceTo(plus(deadline, hour));
    await look();
    expect(world.target.members.size).toBe(0);
    expect(world.holds.all.size).toBe(0);
    expect(alerts()).toHaveLength(1);
  });

  test('is not what a revocation that came twice has left: its claim is forgotten, and nobody is told', async () => {
    const { world, look, alerts } = reconciled();
    const id = await grantedIn(world);
    await world.advanceTo(plus(deadline, minute));
    const request = { ...world.request(id), state: 'revoking' } as AccessRequest;
    const again = { request, notBefore: deadline, giveUp: plus(deadline, 2 * minute) };
    expect(await world.activities.revoke(again, async () => {})).toMatchObject({ ok: true });
    expect([...world.holds.all.values()]).toMatchObject([{ standing: false, holds: {}, claimedBy: id }]);
    // Its attempt may act for as long as it was given.
    await world.advanceTo(plus(deadline, 3 * minute));
    await look();
    expect(world.holds.all.size).toBe(0);
    expect(alerts()).toEqual([]);
  });

  test('is not what somebody holds by another request', async () => {
    const { world, look, alerts } = reconciled();
    await grantedIn(world);
    await world.advanceTo(plus(deadline, -hour));
    const later = await world.submit(requested());
    await world.approve(later);
    await world.advanceTo(plus(deadline, minute));
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(alerts()).toEqual([]);
  });
});
