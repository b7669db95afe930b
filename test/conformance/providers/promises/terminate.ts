import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import type { Subject } from '../subject.ts';

export function promisesOfTerminate<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, granted, signIn } = on;

  describe.runIf(on.can.sessions)('sessions', () => {
    test('of a person read once the role is given, and no more once it is taken', async () => {
      const person = await granted();
      const session = await signIn(person);
      expect(await session.canRead()).toBe(true);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(await session.canRead()).toBe(false);
    });

    test('that are idle are ended', async () => {
      const person = await granted();
      const first = await signIn(person);
      const second = await signIn(person);
      expect(await on.fixture.provider.endSessions(on.fixture.entitlement, person)).toBe(2);
      expect(await first.isOpen()).toBe(false);
      expect(await second.isOpen()).toBe(false);
      expect(await on.fixture.provider.endSessions(on.fixture.entitlement, person)).toBe(0);
    });

    test('with a running statement are ended in the midst of it', async () => {
      const person = await granted();
      const session = await signIn(person);
      const statement = await session.beginLongStatement();
      expect(await on.fixture.provider.endSessions(on.fixture.entitlement, person)).toBe(1);
      expect(await statement.outcome).toBe('broken');
    });

    test('opened between the drop and the kill, and while others are being ended, are ended as well', async () => {
      const person = await granted();
      const before = await signIn(person);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      const between = await signIn(person);
      on.fixture.clock.stop();
      const termination = on.fixture.provider.endSessions(on.fixture.entitlement, person);
      await on.fixture.clock.asleep();
      const meanwhile = await signIn(person);
      on.fixture.clock.start();
      expect(await termination).toBe(3);
      expect(await Promise.all([before, between, meanwhile].map((session) => session.isOpen()))).toEqual([
        false,
        false,
        false,
      ]);
    });

    test('of other people are left alone', async () => {
      const person = await granted();
      const bystander = await granted();
      const theirs = await signIn(bystander);
      await signIn(person);
      expect(await on.fixture.provider.endSessions(on.fixture.entitlement, person)).toBe(1);
      expect(await theirs.isOpen()).toBe(true);
      expect(await theirs.canRead()).toBe(true);
    });

    test('of a person whose user was renamed are ended', async () => {
      const person = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, person, `Old ${person.principalId}`);
      const session = await signIn(person);
      expect(await on.fixture.provider.endSessions(on.fixture.entitlement, person)).toBe(1);
      expect(await session.isOpen()).toBe(false);
    });
  });

  test('ending the sessions of somebody without a session ends none', async () => {
    expect(await on.fixture.provider.endSessions(on.fixture.entitlement, newcomer())).toBe(0);
  });
}
