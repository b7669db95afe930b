import { describe, expect, test } from 'vitest';
import { openDrifts } from '../../shared/domain/drift.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import { holdKey } from '../../shared/domain/holds.ts';
import { driftIdOf, type RequestId } from '../../shared/domain/ids.ts';
import { ada, bob, entitlement, eve } from '../support/samples.ts';
import { deadline, grantedIn, orders, reconciled } from './reconciled.ts';

describe('drift', () => {
  test('is written down and told once when it is found, and written down when it is gone', async () => {
    const { world, look, alerts, drifts, driftTypes } = reconciled();
    world.target.members.add(eve.principalId);
    for (let times = 0; times < 3; times++) await look();
    expect(await driftTypes()).toEqual(['drift-found']);
    expect(world.target.members.has(eve.principalId)).toBe(true);
    expect(alerts()).toEqual(['Somebody holds what Curfew never granted']);
    expect(openDrifts(await drifts.read(orders)).size).toBe(1);
    world.target.members.delete(eve.principalId);
    for (let times = 0; times < 2; times++) await look();
    expect(await driftTypes()).toEqual(['drift-found', 'drift-gone']);
    expect(alerts()).toHaveLength(1);
    expect(verifyChain(driftIdOf(orders), await drifts.read(orders))).toBeUndefined();
  });

  test('is removed where the policy says so, with its sessions, and the evidence is written down', async () => {
    const { world, look, drifts, driftTypes } = reconciled({ action: 'remove', standing: [bob.principalId] });
    await grantedIn(world);
    world.target.members.add(eve.principalId);
    world.target.members.add(bob.principalId);
    world.target.sessions.set(eve.principalId, 2);
    await look();
    expect([...world.target.members].sort()).toEqual([ada.principalId, bob.principalId]);
    expect(await driftTypes()).toEqual(['drift-found', 'drift-removed']);
    expect((await drifts.read(orders))[1]?.event).toMatchObject({ evidence: { outcome: 'revoked', sessionsEnded: 2 } });
    await look();
    expect(await driftTypes()).toHaveLength(2);
  });

  test('that could not be removed is tried again, and told once', async () => {
    const { world, look, alerts, beats, driftTypes } = reconciled({ action: 'remove', standing: [] });
    world.target.members.add(eve.principalId);
    const { endSessions } = world.target;
    world.target.endSessions = async () => Promise.reject(new Error('broken'));
    await look();
    world.target.members.add(eve.principalId);
    world.target.endSessions = endSessions;
    expect(beats).toHaveLength(0);
    await look();
    expect(world.target.members.size).toBe(0);
    expect(await driftTypes()).toEqual(['drift-found', 'drift-removed']);
    expect(alerts()).toHaveLength(1);
  });

  test('is nobody who is gone when they are asked about, nor removed from a grant that has just begun', async () => {
    const { world, look, drifts, driftTypes } = reconciled({ action: 'remove', standing: [] });
    const { holders } = world.target;
    world.target.holders = async () => [{ principalId: eve.principalId, name: 'eve' }];
    await look();
    expect(await driftTypes()).toEqual([]);
    world.target.holders = holders;
    world.target.members.add(eve.principalId);
    const { append } = drifts;
    drifts.append = async (event) => {
      await append.call(drifts, event);
      const key = holdKey(entitlement, eve.principalId);
      world.holds.all.set(key, { holds: { ['req-another' as RequestId]: deadline } });
    };
    await look();
    expect(await driftTypes()).toEqual(['drift-found']);
    expect(world.target.members.has(eve.principalId)).toBe(true);
  });

  test('is nobody who was there before their grant, for as long as it lasts', async () => {
    const { world, look, driftTypes } = reconciled({ action: 'remove', standing: [] });
    world.target.members.add(ada.principalId);
    await grantedIn(world);
    await look();
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(await driftTypes()).toEqual([]);
  });

  test('is nobody to be sure of while the holds cannot be read', async () => {
    const { world, look, beats, driftTypes } = reconciled({ action: 'remove', standing: [] });
    await grantedIn(world);
    const { list } = world.holds;
    let times = 0;
    world.holds.list = async () => {
      if (times++ > 0) return list.call(world.holds);
      throw new CurfewError('CURFEW_STORE_UNAVAILABLE');
    };
    world.target.members.add(eve.principalId);
    await look();
    expect(world.target.members.size).toBe(2);
    expect(await driftTypes()).toEqual([]);
    expect(beats).toEqual([]);
  });

  test('is not whoever was being granted it while the store was read', async () => {
    const { world, look, driftTypes } = reconciled({ action: 'remove', standing: [] });
    await grantedIn(world);
    // What was read is of the moment before the hold was made.
    world.requests.list = async () => ({ requests: [] });
    const { list } = world.holds;
    let times = 0;
    world.holds.list = async () => (times++ === 0 ? { holds: [] } : list.call(world.holds));
    await look();
    expect(times).toBe(2);
    expect(world.target.members.has(ada.principalId)).toBe(true);
    expect(await driftTypes()).toEqual([]);
  });
});
