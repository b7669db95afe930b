import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import type { Principal } from '../../../../shared/providers/provider.ts';
import type { Subject } from '../subject.ts';

export function promisesOfCleanUp<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, members, userName, granted } = on;

  describe('cleaning up', () => {
    const revoked = async () => {
      const person = await granted();
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      return person;
    };
    const cleanUp = (person: Principal) => on.fixture.provider.cleanUp(on.fixture.entitlement, person);

    test('drops a user that Curfew made and nothing else needs', async () => {
      const person = await revoked();
      expect(await userName(person)).toBeDefined();
      await cleanUp(person);
      expect(await userName(person)).toBeUndefined();
      await cleanUp(person);
    });

    test('keeps a user that Curfew did not make', async () => {
      const person = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, person);
      await granted(person);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      await cleanUp(person);
      expect(await userName(person)).toBeDefined();
    });

    test('keeps a user that is in a role', async () => {
      const person = await granted();
      await granted(person, on.fixture.other);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      await cleanUp(person);
      expect(await members(on.fixture.other)).toContain(person.principalId);
      await on.fixture.provider.revoke(on.fixture.other, person, now());
      await on.fixture.provider.cleanUp(on.fixture.other, person);
      expect(await userName(person)).toBeUndefined();
    });

    test('keeps a user with a permission of its own', async () => {
      const person = await revoked();
      await on.fixture.administrator.permit(on.fixture.entitlement, person);
      await cleanUp(person);
      expect(await userName(person)).toBeDefined();
    });

    test('keeps a user that was shut out', async () => {
      const person = await revoked();
      await on.fixture.administrator.shutOut(on.fixture.entitlement, person);
      await cleanUp(person);
      expect(await userName(person)).toBeDefined();
    });
  });
}
