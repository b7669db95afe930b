import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import { plus } from '../../../../shared/domain/time.ts';
import type { Principal } from '../../../../shared/providers/provider.ts';
import type { Subject } from '../subject.ts';
import { refused } from '../subject.ts';

export function promisesOfRevokeTogether<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now, members, granted, signIn } = on;

  describe('revoke together', () => {
    const these = (people: readonly Principal[], entitlement: E = on.fixture.entitlement) =>
      people.map((principal) => ({ entitlement, principal }));
    const prepared = async (people: readonly Principal[]) => {
      const names = await on.fixture.provider.prepare(these(people));
      return these(people).map((member, index) => ({ ...member, name: names[index] }));
    };
    const take = (some: Parameters<typeof on.fixture.provider.revokeTogether>[0], giveUp = plus(now(), 3_600_000)) =>
      on.fixture.provider.revokeTogether(some, giveUp);

    test('takes all of them, says when of each, and leaves the others', async () => {
      const people = await Promise.all(Array.from({ length: 12 }, () => granted()));
      const bystander = await granted();
      const taken = await take(await prepared(people));
      expect(taken).toEqual(
        people.map(() => ({
          outcome: 'revoked',
          droppedAt: expect.stringMatching(/^\d{4}-.*Z$/),
          sessionsEnded: 0,
        })),
      );
      const left = await members();
      expect(people.filter(({ principalId }) => left.includes(principalId))).toEqual([]);
      expect(left).toContain(bystander.principalId);
    });

    test('needs no preparation', async () => {
      const person = await granted();
      expect(await take(these([person]))).toMatchObject([{ outcome: 'revoked' }]);
      expect(await members()).not.toContain(person.principalId);
    });

    test('of nobody is nothing', async () => {
      expect(await on.fixture.provider.prepare([])).toEqual([]);
      expect(await take([])).toEqual([]);
    });

    test('takes different roles of one place at once, and of one person both', async () => {
      const [first, second] = [await granted(), await granted()];
      await granted(first, on.fixture.other);
      const taken = await take([
        ...these([first, second]),
        ...these([first], on.fixture.other),
        ...these([second], on.fixture.other),
      ]);
      expect(taken).toMatchObject(['revoked', 'revoked', 'revoked', 'absent'].map((outcome) => ({ outcome })));
      expect(await members()).not.toContain(first.principalId);
      expect(await members(on.fixture.other)).not.toContain(first.principalId);
    });

    test('one that is gone, in whatever way, leaves the others alone', async () => {
      const people = await Promise.all(Array.from({ length: 5 }, () => granted()));
      const [removed = newcomer(), dropped = newcomer()] = people;
      const some = [...(await prepared(people)), ...these([newcomer()]), ...these([newcomer()], on.fixture.absent)];
      await on.fixture.administrator.removeMember(on.fixture.entitlement, removed);
      await on.fixture.administrator.removeMember(on.fixture.entitlement, dropped);
      await on.fixture.administrator.dropUser(on.fixture.entitlement, dropped);
      const outcomes = ['absent', 'absent', 'revoked', 'revoked', 'revoked', 'absent', 'absent'];
      expect(await take(some)).toMatchObject(outcomes.map((outcome) => ({ outcome })));
    });

    test('takes whoever got another name after the preparation, and not who has theirs now', async () => {
      const person = newcomer();
      const name = `Old ${person.principalId}`;
      await on.fixture.administrator.addUser(on.fixture.entitlement, person, name);
      await on.fixture.administrator.addMember(on.fixture.entitlement, person);
      const some = await prepared([person, await granted()]);
      await on.fixture.administrator.dropUser(on.fixture.entitlement, person);
      const other = newcomer();
      await on.fixture.administrator.addUser(on.fixture.entitlement, other, name);
      await on.fixture.administrator.addMember(on.fixture.entitlement, other);
      await granted(person);
      expect(await take(some)).toMatchObject([{ outcome: 'revoked' }, { outcome: 'revoked' }]);
      expect(await members()).not.toContain(person.principalId);
      expect(await members()).toContain(other.principalId);
    });

    test('never takes what it was too late to take', async () => {
      const person = await granted();
      expect(await take(await prepared([person]), now())).toEqual([refused('CURFEW_TARGET_UNAVAILABLE')]);
      expect(await members()).toContain(person.principalId);
    });

    test('of a place that is down fails for each', async () => {
      const people = [newcomer(), newcomer()];
      await expect(on.fixture.provider.prepare(these(people, on.fixture.down))).rejects.toEqual(
        refused('CURFEW_TARGET_UNAVAILABLE'),
      );
      expect(await take(these(people, on.fixture.down))).toEqual(
        people.map(() => refused('CURFEW_TARGET_UNAVAILABLE')),
      );
    });

    test.runIf(on.can.sessions)('ends the sessions of all, and counts them', async () => {
      const people = [await granted(), await granted(), await granted()];
      const [first = newcomer(), , third = newcomer()] = people;
      const bystander = await granted();
      const sessions = [await signIn(first), await signIn(third), await signIn(third)];
      const statement = await sessions[1]?.beginLongStatement();
      const theirs = await signIn(bystander);
      const taken = await take(await prepared(people));
      expect(taken).toMatchObject([1, 0, 2].map((sessionsEnded) => ({ outcome: 'revoked', sessionsEnded })));
      expect(await statement?.outcome).toBe('broken');
      for (const session of sessions) expect(await session.isOpen()).toBe(false);
      expect(await theirs.canRead()).toBe(true);
    });
  });
}
