import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import type { Subject } from '../subject.ts';

export function promisesOfOtherWays<E extends Entitlement>(on: Subject<E>): void {
  const { now, granted } = on;
  /** Somebody who had the entitlement, and has lost it. */
  const revoked = async (person = on.newcomer()) => {
    await granted(person);
    await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
    return person;
  };
  /** The entitlement of a role that is there for one test. */
  const withRole = async (work: (inner: E) => Promise<void>) => {
    const inner = { ...on.fixture.absent, role: `inner ${randomUUID()}` };
    await on.fixture.administrator.createRole(inner);
    await work(inner);
    await on.fixture.administrator.dropRole(inner);
  };

  describe('other ways', () => {
    test('are none for somebody who has nothing else, and none is the role itself', async () => {
      const person = await granted();
      expect(await on.fixture.provider.residualAccess(on.fixture.entitlement, person)).toEqual([]);
      await on.fixture.provider.revoke(on.fixture.entitlement, person, now());
      expect(await on.fixture.provider.residualAccess(on.fixture.entitlement, person)).toEqual([]);
      expect(await on.fixture.provider.residualAccess(on.fixture.entitlement, on.newcomer())).toEqual([]);
    });

    test('are not what gives something else', async () => {
      const person = on.newcomer();
      await granted(person, on.fixture.other);
      await revoked(person);
      expect(await on.fixture.provider.residualAccess(on.fixture.entitlement, person)).toEqual([]);
    });

    test('are the roles inside the role, however deep', async () => {
      const { administrator, provider, entitlement } = on.fixture;
      const person = on.newcomer();
      const bystander = await granted();
      await withRole((inner) =>
        withRole(async (innermost) => {
          await administrator.nestRole(inner, entitlement);
          await administrator.nestRole(innermost, inner);
          await granted(person);
          await administrator.addMember(innermost, person);
          await provider.revoke(entitlement, person, now());
          expect(await provider.residualAccess(entitlement, person)).toEqual([{ kind: 'role', name: innermost.role }]);
          expect(await provider.residualAccess(entitlement, bystander)).toEqual([]);
          await administrator.removeMember(innermost, person);
          expect(await provider.residualAccess(entitlement, person)).toEqual([]);
          await administrator.nestRole(innermost, entitlement);
          await administrator.addMember(innermost, person);
          expect(await provider.residualAccess(entitlement, person)).toEqual([{ kind: 'role', name: innermost.role }]);
          await administrator.removeMember(innermost, person);
        }),
      );
    });

    test('are the roles that the role merely wraps, and not those that it is in beside what it gives itself', async () => {
      const { administrator, provider, entitlement } = on.fixture;
      const person = on.newcomer();
      await administrator.addUser(entitlement, person);
      await withRole((wrapper) =>
        withRole(async (wrapped) => {
          await administrator.nestRole(wrapper, wrapped);
          await administrator.addMember(wrapped, person);
          expect(await provider.residualAccess(wrapper, person)).toEqual([{ kind: 'role', name: wrapped.role }]);
          await administrator.nestRole(entitlement, wrapped);
          expect(await provider.residualAccess(entitlement, person)).toEqual([]);
          for (const inside of [wrapper, entitlement]) await administrator.unnestRole(inside, wrapped);
          await administrator.removeMember(wrapped, person);
        }),
      );
    });

    test('are roles in which everybody may do everything', async () => {
      const { administrator, provider, entitlement, almighty } = on.fixture;
      const person = await revoked();
      await administrator.addUser(entitlement, person).catch(() => undefined);
      await administrator.addMember(almighty, person);
      expect(await provider.residualAccess(entitlement, person)).toEqual([{ kind: 'role', name: almighty.role }]);
      await administrator.removeMember(almighty, person);
    });

    test('are the groups in any of these, each once, and whoever asks says who is in them', async () => {
      const { administrator, provider, entitlement, almighty } = on.fixture;
      const person = await revoked();
      const [name, groupId] = [`group ${randomUUID()}`, randomUUID()];
      await withRole(async (inner) => {
        await administrator.nestRole(inner, entitlement);
        await administrator.addGroup(inner, name, groupId);
        expect(await provider.residualAccess(entitlement, person)).toEqual([{ kind: 'group', name, groupId }]);
        expect(await provider.residualAccess(on.fixture.other, person)).toEqual([]);
        await administrator.addGroup(almighty, name, groupId);
        expect(await provider.residualAccess(entitlement, person)).toEqual([{ kind: 'group', name, groupId }]);
        expect(await provider.residualAccess(on.fixture.other, person)).toEqual([{ kind: 'group', name, groupId }]);
        await administrator.dropGroup(inner, name);
      });
    });

    test('on a target that is down are not known', async () => {
      const ways = on.fixture.provider.residualAccess(on.fixture.down, on.newcomer());
      await expect(ways).rejects.toMatchObject({ code: 'CURFEW_TARGET_UNAVAILABLE' });
    });
  });
}
