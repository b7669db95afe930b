import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import { instantOf, millisecondsOf, plus } from '../../../../shared/domain/time.ts';
import type { Subject } from '../subject.ts';

export function promisesOfRevoke<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, members, granted } = on;

  describe('revoke', () => {
    test('takes the role, as the target shows, and says when', async () => {
      const person = await granted();
      const bystander = await granted();
      const began = Date.now();
      const { outcome, droppedAt } = await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(outcome).toBe('revoked');
      // The target's own clock, which on a real server is not this one.
      expect(Math.abs(millisecondsOf(droppedAt) - began)).toBeLessThan(60_000);
      expect(await members()).not.toContain(person.principalId);
      expect(await members()).toContain(bystander.principalId);
    });

    test('never happens before its instant', async () => {
      const person = await granted();
      const deadline = plus(now(), 8 * 3_600_000);
      on.fixture.clock.stop();
      const revocation = on.fixture.provider.revoke(on.fixture.entitlement, person, deadline);
      await Promise.race([on.fixture.clock.asleep(), revocation]);
      expect(await members()).toContain(person.principalId);
      on.fixture.clock.moveTo(plus(deadline, -1));
      expect(await members()).toContain(person.principalId);
      on.fixture.clock.moveTo(deadline);
      expect((await revocation).outcome).toBe('revoked');
      expect(await members()).not.toContain(person.principalId);
    });

    test('is not carried out by a target that is told of it too late, and is in time', async () => {
      const person = await granted();
      const { provider, entitlement } = on.fixture;
      // By the target's own clock: the one of the test may be hours ahead.
      const today = instantOf(Date.now());
      const late = provider.revoke(entitlement, person, plus(today, -120_000), plus(today, -90_000));
      await expect(late).rejects.toMatchObject({ code: 'CURFEW_TARGET_NOT_VERIFIED' });
      expect(await members()).toContain(person.principalId);
      expect((await provider.revoke(entitlement, person, today, plus(today, 90_000))).outcome).toBe('revoked');
      expect(await members()).not.toContain(person.principalId);
    });

    test('of many that share an instant all happen', async () => {
      const people = await Promise.all(Array.from({ length: 25 }, () => granted()));
      const deadline = plus(now(), 60_000);
      on.fixture.clock.stop();
      const revocations = people.map((person) => on.fixture.provider.revoke(on.fixture.entitlement, person, deadline));
      await on.fixture.clock.asleep(people.length);
      on.fixture.clock.moveTo(deadline);
      expect((await Promise.all(revocations)).every(({ outcome }) => outcome === 'revoked')).toBe(true);
      const left = await members();
      expect(people.filter(({ principalId }) => left.includes(principalId))).toEqual([]);
    });

    test('takes what was given again between the preparation and the instant', async () => {
      const person = newcomer();
      const deadline = plus(now(), 60_000);
      on.fixture.clock.stop();
      const revocation = on.fixture.provider.revoke(on.fixture.entitlement, person, deadline);
      await on.fixture.clock.asleep();
      await granted(person);
      on.fixture.clock.moveTo(deadline);
      expect((await revocation).outcome).toBe('revoked');
      expect(await members()).not.toContain(person.principalId);
    });

    test('succeeds when there never was a user', async () => {
      expect((await on.fixture.provider.revoke(on.fixture.entitlement, newcomer(), now())).outcome).toBe('absent');
    });

    test('succeeds when the membership is already gone', async () => {
      const person = await granted();
      await on.fixture.administrator.removeMember(on.fixture.entitlement, person);
      const drop = await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(drop).toEqual({ outcome: 'absent', droppedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    });

    test('succeeds when the user goes between the preparation and the instant', async () => {
      const person = await granted();
      const deadline = plus(now(), 60_000);
      on.fixture.clock.stop();
      const revocation = on.fixture.provider.revoke(on.fixture.entitlement, person, deadline);
      await on.fixture.clock.asleep();
      await on.fixture.administrator.removeMember(on.fixture.entitlement, person);
      await on.fixture.administrator.dropUser(on.fixture.entitlement, person);
      on.fixture.clock.moveTo(deadline);
      expect((await revocation).outcome).toBe('absent');
    });

    test('succeeds when the role is already gone', async () => {
      const person = newcomer();
      await on.fixture.administrator.createRole(on.fixture.absent);
      await on.fixture.administrator.addUser(on.fixture.entitlement, person);
      await on.fixture.administrator.addMember(on.fixture.absent, person);
      await on.fixture.administrator.removeMember(on.fixture.absent, person);
      await on.fixture.administrator.dropRole(on.fixture.absent);
      expect((await on.fixture.provider.revoke(on.fixture.absent, person, now())).outcome).toBe('absent');
    });

    test('twice is absent the second time', async () => {
      const person = await granted();
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect((await on.fixture.provider.revoke(on.fixture.entitlement, person, now())).outcome).toBe('absent');
    });

    test('of one role leaves the other', async () => {
      const person = await granted();
      await granted(person, on.fixture.other);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(await members()).not.toContain(person.principalId);
      expect(await members(on.fixture.other)).toContain(person.principalId);
    });
  });
}
