import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import { refused, type Subject } from '../subject.ts';

export function promisesOfGrant<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, members, userName, granted } = on;

  describe('grant', () => {
    test('gives the role, as the target shows', async () => {
      const person = newcomer();
      expect(await on.fixture.provider.isHeld(on.fixture.entitlement, person)).toBe(false);
      await granted(person);
      expect(await members()).toContain(person.principalId);
      expect(await members(on.fixture.other)).not.toContain(person.principalId);
      expect(await on.fixture.provider.isHeld(on.fixture.entitlement, person)).toBe(true);
      expect(await userName(person)).toBe(person.userPrincipalName);
    });

    test('given twice is one grant', async () => {
      const person = await granted();
      expect(await on.fixture.provider.grant(on.fixture.entitlement, person)).toBe('already-held');
      expect((await members()).filter((id) => id === person.principalId)).toHaveLength(1);
    });

    test('given many times at once is one grant, and one user', async () => {
      const person = newcomer();
      const all = Array.from({ length: 5 }, () => on.fixture.provider.grant(on.fixture.entitlement, person));
      expect((await Promise.all(all)).toSorted()).toEqual([...Array(4).fill('already-held'), 'granted']);
      expect(await userName(person)).toBe(person.userPrincipalName);
    });

    test('that comes too late is undone, user and all', async () => {
      const person = newcomer();
      await expect(on.fixture.provider.grant(on.fixture.entitlement, person, now())).rejects.toEqual(
        refused('CURFEW_DEADLINE_PASSED'),
      );
      expect(await members()).not.toContain(person.principalId);
      expect(await userName(person)).toBeUndefined();
    });

    test('reports a standing member and leaves everything as it is', async () => {
      const person = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, person);
      await on.fixture.administrator.addMember(on.fixture.entitlement, person);
      expect(await on.fixture.provider.grant(on.fixture.entitlement, person)).toBe('already-held');
      expect(await members()).toContain(person.principalId);
      await on.fixture.administrator.removeMember(on.fixture.entitlement, person);
      await on.fixture.provider.cleanUp(on.fixture.entitlement, person);
      expect(await userName(person)).toBeDefined();
    });

    test('uses a user that stood before, under whatever name', async () => {
      const person = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, person, `Old ${person.principalId}`);
      await granted(person);
      expect(await members()).toContain(person.principalId);
      expect(await userName(person)).toBe(`Old ${person.principalId}`);
    });

    test('of a role that is not there fails and leaves no user behind', async () => {
      const person = newcomer();
      await expect(on.fixture.provider.grant(on.fixture.absent, person)).rejects.toEqual(
        refused('CURFEW_TARGET_REFUSED'),
      );
      expect(await userName(person)).toBeUndefined();
    });

    test('under a name that somebody else has is refused and changes nothing', async () => {
      const somebodyElse = newcomer();
      const person = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, somebodyElse, person.userPrincipalName);
      const before = await members();
      await expect(on.fixture.provider.grant(on.fixture.entitlement, person)).rejects.toEqual(
        refused('CURFEW_USER_NAME_TAKEN'),
      );
      expect(await members()).toEqual(before);
      expect(await userName(person)).toBeUndefined();
      expect(await userName(somebodyElse)).toBe(person.userPrincipalName);
    });

    test.each([
      'x]; DROP USER bob;--@contoso.example',
      "fionn.o'brien@contoso.example",
      'ü 漢 "q" [b]@contoso.example',
    ])('takes %s for nothing but a name', async (name) => {
      const bob = newcomer('bob');
      await on.fixture.administrator.addUser(on.fixture.entitlement, bob);
      const person = await granted(newcomer(name));
      expect(await userName(person)).toBe(name);
      const drop = await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(drop.outcome).toBe('revoked');
      await on.fixture.provider.cleanUp(on.fixture.entitlement, person);
      expect(await userName(person)).toBeUndefined();
      expect(await userName(bob)).toBe('bob');
      await on.fixture.administrator.dropUser(on.fixture.entitlement, bob);
    });

    test('refuses a name that no user can have', async () => {
      await expect(on.fixture.provider.grant(on.fixture.entitlement, newcomer('x'.repeat(129)))).rejects.toEqual(
        refused('CURFEW_TARGET_REFUSED'),
      );
    });
  });
}
