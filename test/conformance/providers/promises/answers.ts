import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import { refused, type Subject } from '../subject.ts';

export function promisesOfAnswers<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, members, granted } = on;
  /** What Curfew lacks where it is let in. */
  const lacksOf = async (entitlement: E) => {
    const found = await on.fixture.provider.preflight(entitlement);
    if (found.user === undefined) throw new Error('the target does not let Curfew in');
    return found.lacks;
  };

  describe('holders', () => {
    test('are all the members, whoever made them such', async () => {
      const person = await granted();
      const standing = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, standing, `Old ${standing.principalId}`);
      await on.fixture.administrator.addMember(on.fixture.entitlement, standing);
      const holders = await on.fixture.provider.holders(on.fixture.entitlement);
      expect(holders).toContainEqual({ principalId: person.principalId, name: person.userPrincipalName });
      expect(holders).toContainEqual({ principalId: standing.principalId, name: `Old ${standing.principalId}` });
      expect(new Set<string>(holders.map(({ principalId }) => principalId))).toEqual(new Set(await members()));
    });

    test('that no directory knows are named, without an id', async () => {
      const name = `app ${randomUUID()}`;
      await on.fixture.administrator.addForeignMember(on.fixture.other, name);
      expect(await on.fixture.provider.holders(on.fixture.other)).toContainEqual({ principalId: '', name });
    });
  });

  describe('preflight', () => {
    test('finds nothing to mend where all is ready', async () => {
      expect(await lacksOf(on.fixture.entitlement)).toEqual([]);
    });

    test('names a role that is missing, and its statements mend it', async () => {
      const lacks = await lacksOf(on.fixture.absent);
      expect(lacks.length).toBeGreaterThan(0);
      for (const { statement } of lacks) await on.fixture.administrator.run(on.fixture.absent, statement);
      expect(await lacksOf(on.fixture.absent)).toEqual([]);
      const person = await granted(newcomer(), on.fixture.absent);
      await on.fixture.provider.revoke(on.fixture.absent, person, now());
      await on.fixture.administrator.dropRole(on.fixture.absent);
    });

    test.runIf(on.can.leastPrivilege)('names every right that is missing, and with them alone all works', async () => {
      const target = on.fixture.unprepared;
      if (!target) throw new Error('this fixture has no target without rights');
      const lacks = await lacksOf(target);
      expect(new Set(lacks.map(({ missing }) => missing)).size).toBe(lacks.length);
      expect(lacks.length).toBeGreaterThan(1);
      for (const [index, { statement }] of lacks.entries()) {
        await expect(on.fixture.provider.grant(target, newcomer())).rejects.toEqual(refused('CURFEW_TARGET_REFUSED'));
        await on.fixture.administrator.run(target, statement);
        expect(await lacksOf(target)).toEqual(lacks.slice(index + 1));
      }
      const person = await granted(newcomer(), target);
      expect((await on.fixture.provider.revoke(target, person, now())).outcome).toBe('revoked');
      expect(await on.fixture.provider.endSessions(target, person)).toBe(0);
      await on.fixture.provider.cleanUp(target, person);
      expect(await on.fixture.administrator.userName(target, person)).toBeUndefined();
    });
  });

  test('plan is one sentence that names the person', () => {
    const person = newcomer();
    expect(on.fixture.provider.plan(on.fixture.entitlement, person)).toMatch(/^[^\n]+\.$/);
    expect(on.fixture.provider.plan(on.fixture.entitlement, person)).toContain(person.userPrincipalName);
  });
}
