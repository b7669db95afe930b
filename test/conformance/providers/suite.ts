import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../shared/domain/policy.ts';
import { millisecondsOf, plus } from '../../../shared/domain/time.ts';
import type { Principal } from '../../../shared/ports.ts';
import type { Fixture, Session } from './fixture.ts';

const refused = (code: string) => expect.objectContaining({ name: 'CurfewError', code });

/**
 * What every provider promises, asked of the target itself and not of the provider. `sessions` says whether the fixture can
 * log in as people.
 */
export function describeProvider<E extends Entitlement>(
  title: string,
  open: () => Promise<Fixture<E>>,
  can: { readonly sessions: boolean; readonly leastPrivilege: boolean },
): void {
  describe(title, () => {
    let fixture: Fixture<E>;
    const opened: Session[] = [];
    beforeAll(async () => {
      fixture = await open();
    });
    afterEach(async () => {
      fixture.clock.start();
      for (const session of opened.splice(0)) await session.close();
    });
    afterAll(() => fixture?.close());

    const newcomer = (userPrincipalName?: string) => fixture.newcomer(userPrincipalName);
    const now = () => fixture.clock.now();
    const members = (entitlement = fixture.entitlement) => fixture.administrator.members(entitlement);
    const userName = (person: Principal) => fixture.administrator.userName(fixture.entitlement, person);
    const granted = async (person = newcomer(), entitlement = fixture.entitlement) => {
      expect(await fixture.provider.grant(entitlement, person)).toBe('granted');
      return person;
    };
    const signIn = async (person: Principal): Promise<Session> => {
      if (!fixture.signIn) throw new Error('this fixture cannot log in as people');
      const session = await fixture.signIn(person, fixture.entitlement);
      opened.push(session);
      return session;
    };

    describe('grant', () => {
      test('gives the role, as the target shows', async () => {
        const person = newcomer();
        expect(await fixture.provider.isHeld(fixture.entitlement, person)).toBe(false);
        await granted(person);
        expect(await members()).toContain(person.principalId);
        expect(await members(fixture.other)).not.toContain(person.principalId);
        expect(await fixture.provider.isHeld(fixture.entitlement, person)).toBe(true);
        expect(await userName(person)).toBe(person.userPrincipalName);
      });

      test('given twice is one grant', async () => {
        const person = await granted();
        expect(await fixture.provider.grant(fixture.entitlement, person)).toBe('already-held');
        expect((await members()).filter((id) => id === person.principalId)).toHaveLength(1);
      });

      test('given many times at once is one grant, and one user', async () => {
        const person = newcomer();
        const all = Array.from({ length: 5 }, () => fixture.provider.grant(fixture.entitlement, person));
        expect((await Promise.all(all)).toSorted()).toEqual([...Array(4).fill('already-held'), 'granted']);
        expect(await userName(person)).toBe(person.userPrincipalName);
      });

      test('reports a standing member and leaves everything as it is', async () => {
        const person = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, person);
        await fixture.administrator.addMember(fixture.entitlement, person);
        expect(await fixture.provider.grant(fixture.entitlement, person)).toBe('already-held');
        expect(await members()).toContain(person.principalId);
        await fixture.administrator.removeMember(fixture.entitlement, person);
        await fixture.provider.cleanUp(fixture.entitlement, person);
        expect(await userName(person)).toBeDefined();
      });

      test('uses a user that stood before, under whatever name', async () => {
        const person = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, person, `Old ${person.principalId}`);
        await granted(person);
        expect(await members()).toContain(person.principalId);
        expect(await userName(person)).toBe(`Old ${person.principalId}`);
      });

      test('of a role that is not there fails and leaves no user behind', async () => {
        const person = newcomer();
        await expect(fixture.provider.grant(fixture.absent, person)).rejects.toEqual(refused('CURFEW_TARGET_REFUSED'));
        expect(await userName(person)).toBeUndefined();
      });

      test('under a name that somebody else has is refused and changes nothing', async () => {
        const somebodyElse = newcomer();
        const person = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, somebodyElse, person.userPrincipalName);
        const before = await members();
        await expect(fixture.provider.grant(fixture.entitlement, person)).rejects.toEqual(
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
        await fixture.administrator.addUser(fixture.entitlement, bob);
        const person = await granted(newcomer(name));
        expect(await userName(person)).toBe(name);
        const drop = await fixture.provider.revoke(fixture.entitlement, person, now());
        expect(drop.outcome).toBe('revoked');
        await fixture.provider.cleanUp(fixture.entitlement, person);
        expect(await userName(person)).toBeUndefined();
        expect(await userName(bob)).toBe('bob');
        await fixture.administrator.dropUser(fixture.entitlement, bob);
      });

      test('refuses a name that no user can have', async () => {
        await expect(fixture.provider.grant(fixture.entitlement, newcomer('x'.repeat(129)))).rejects.toEqual(
          refused('CURFEW_TARGET_REFUSED'),
        );
      });
    });

    describe('revoke', () => {
      test('takes the role, as the target shows, and says when', async () => {
        const person = await granted();
        const bystander = await granted();
        const began = Date.now();
        const { outcome, droppedAt } = await fixture.provider.revoke(fixture.entitlement, person, now());
        expect(outcome).toBe('revoked');
        // The target's own clock, which on a real server is not this one.
        expect(Math.abs(millisecondsOf(droppedAt) - began)).toBeLessThan(60_000);
        expect(await members()).not.toContain(person.principalId);
        expect(await members()).toContain(bystander.principalId);
      });

      test('never happens before its instant', async () => {
        const person = await granted();
        const deadline = plus(now(), 8 * 3_600_000);
        fixture.clock.stop();
        const revocation = fixture.provider.revoke(fixture.entitlement, person, deadline);
        await Promise.race([fixture.clock.asleep(), revocation]);
        expect(await members()).toContain(person.principalId);
        fixture.clock.moveTo(plus(deadline, -1));
        expect(await members()).toContain(person.principalId);
        fixture.clock.moveTo(deadline);
        expect((await revocation).outcome).toBe('revoked');
        expect(await members()).not.toContain(person.principalId);
      });

      test('of many that share an instant all happen', async () => {
        const people = await Promise.all(Array.from({ length: 25 }, () => granted()));
        const deadline = plus(now(), 60_000);
        fixture.clock.stop();
        const revocations = people.map((person) => fixture.provider.revoke(fixture.entitlement, person, deadline));
        await fixture.clock.asleep(people.length);
        fixture.clock.moveTo(deadline);
        expect((await Promise.all(revocations)).every(({ outcome }) => outcome === 'revoked')).toBe(true);
        const left = await members();
        expect(people.filter(({ principalId }) => left.includes(principalId))).toEqual([]);
      });

      test('takes what was given again between the preparation and the instant', async () => {
        const person = newcomer();
        const deadline = plus(now(), 60_000);
        fixture.clock.stop();
        const revocation = fixture.provider.revoke(fixture.entitlement, person, deadline);
        await fixture.clock.asleep();
        await granted(person);
        fixture.clock.moveTo(deadline);
        expect((await revocation).outcome).toBe('revoked');
        expect(await members()).not.toContain(person.principalId);
      });

      test('succeeds when there never was a user', async () => {
        expect((await fixture.provider.revoke(fixture.entitlement, newcomer(), now())).outcome).toBe('absent');
      });

      test('succeeds when the membership is already gone', async () => {
        const person = await granted();
        await fixture.administrator.removeMember(fixture.entitlement, person);
        const drop = await fixture.provider.revoke(fixture.entitlement, person, now());
        expect(drop).toEqual({ outcome: 'absent', droppedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
      });

      test('succeeds when the user goes between the preparation and the instant', async () => {
        const person = await granted();
        const deadline = plus(now(), 60_000);
        fixture.clock.stop();
        const revocation = fixture.provider.revoke(fixture.entitlement, person, deadline);
        await fixture.clock.asleep();
        await fixture.administrator.removeMember(fixture.entitlement, person);
        await fixture.administrator.dropUser(fixture.entitlement, person);
        fixture.clock.moveTo(deadline);
        expect((await revocation).outcome).toBe('absent');
      });

      test('succeeds when the role is already gone', async () => {
        const person = newcomer();
        await fixture.administrator.createRole(fixture.absent);
        await fixture.administrator.addUser(fixture.entitlement, person);
        await fixture.administrator.addMember(fixture.absent, person);
        await fixture.administrator.removeMember(fixture.absent, person);
        await fixture.administrator.dropRole(fixture.absent);
        expect((await fixture.provider.revoke(fixture.absent, person, now())).outcome).toBe('absent');
      });

      test('twice is absent the second time', async () => {
        const person = await granted();
        await fixture.provider.revoke(fixture.entitlement, person, now());
        expect((await fixture.provider.revoke(fixture.entitlement, person, now())).outcome).toBe('absent');
      });

      test('of one role leaves the other', async () => {
        const person = await granted();
        await granted(person, fixture.other);
        await fixture.provider.revoke(fixture.entitlement, person, now());
        expect(await members()).not.toContain(person.principalId);
        expect(await members(fixture.other)).toContain(person.principalId);
      });
    });

    describe.runIf(can.sessions)('sessions', () => {
      test('of a person read once the role is given, and no more once it is taken', async () => {
        const person = await granted();
        const session = await signIn(person);
        expect(await session.canRead()).toBe(true);
        await fixture.provider.revoke(fixture.entitlement, person, now());
        expect(await session.canRead()).toBe(false);
      });

      test('that are idle are ended', async () => {
        const person = await granted();
        const first = await signIn(person);
        const second = await signIn(person);
        expect(await fixture.provider.terminate(fixture.entitlement, person)).toBe(2);
        expect(await first.isOpen()).toBe(false);
        expect(await second.isOpen()).toBe(false);
        expect(await fixture.provider.terminate(fixture.entitlement, person)).toBe(0);
      });

      test('with a running statement are ended in the midst of it', async () => {
        const person = await granted();
        const session = await signIn(person);
        const statement = await session.beginLongStatement();
        expect(await fixture.provider.terminate(fixture.entitlement, person)).toBe(1);
        expect(await statement.outcome).toBe('broken');
      });

      test('of other people are left alone', async () => {
        const person = await granted();
        const bystander = await granted();
        const theirs = await signIn(bystander);
        await signIn(person);
        expect(await fixture.provider.terminate(fixture.entitlement, person)).toBe(1);
        expect(await theirs.isOpen()).toBe(true);
        expect(await theirs.canRead()).toBe(true);
      });

      test('of a person whose user was renamed are ended', async () => {
        const person = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, person, `Old ${person.principalId}`);
        const session = await signIn(person);
        expect(await fixture.provider.terminate(fixture.entitlement, person)).toBe(1);
        expect(await session.isOpen()).toBe(false);
      });
    });

    test('terminate for somebody without a session ends none', async () => {
      expect(await fixture.provider.terminate(fixture.entitlement, newcomer())).toBe(0);
    });

    describe('cleaning up', () => {
      const revoked = async () => {
        const person = await granted();
        await fixture.provider.revoke(fixture.entitlement, person, now());
        return person;
      };
      const cleanUp = (person: Principal) => fixture.provider.cleanUp(fixture.entitlement, person);

      test('drops a user that Curfew made and nothing else needs', async () => {
        const person = await revoked();
        expect(await userName(person)).toBeDefined();
        await cleanUp(person);
        expect(await userName(person)).toBeUndefined();
        await cleanUp(person);
      });

      test('keeps a user that Curfew did not make', async () => {
        const person = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, person);
        await granted(person);
        await fixture.provider.revoke(fixture.entitlement, person, now());
        await cleanUp(person);
        expect(await userName(person)).toBeDefined();
      });

      test('keeps a user that is in a role', async () => {
        const person = await granted();
        await granted(person, fixture.other);
        await fixture.provider.revoke(fixture.entitlement, person, now());
        await cleanUp(person);
        expect(await members(fixture.other)).toContain(person.principalId);
        await fixture.provider.revoke(fixture.other, person, now());
        await fixture.provider.cleanUp(fixture.other, person);
        expect(await userName(person)).toBeUndefined();
      });

      test('keeps a user with a permission of its own', async () => {
        const person = await revoked();
        await fixture.administrator.permit(fixture.entitlement, person);
        await cleanUp(person);
        expect(await userName(person)).toBeDefined();
      });

      test('keeps a user that was shut out', async () => {
        const person = await revoked();
        await fixture.administrator.shutOut(fixture.entitlement, person);
        await cleanUp(person);
        expect(await userName(person)).toBeDefined();
      });
    });

    describe('holders', () => {
      test('are all the members, whoever made them such', async () => {
        const person = await granted();
        const standing = newcomer();
        await fixture.administrator.addUser(fixture.entitlement, standing, `Old ${standing.principalId}`);
        await fixture.administrator.addMember(fixture.entitlement, standing);
        const holders = await fixture.provider.holders(fixture.entitlement);
        expect(holders).toContainEqual({ principalId: person.principalId, name: person.userPrincipalName });
        expect(holders).toContainEqual({ principalId: standing.principalId, name: `Old ${standing.principalId}` });
        expect(new Set<string>(holders.map(({ principalId }) => principalId))).toEqual(new Set(await members()));
      });

      test('that no directory knows are named, without an id', async () => {
        const name = `app ${randomUUID()}`;
        await fixture.administrator.addForeignMember(fixture.other, name);
        expect(await fixture.provider.holders(fixture.other)).toContainEqual({ principalId: '', name });
      });
    });

    describe('preflight', () => {
      test('finds nothing to mend where all is ready', async () => {
        expect(await fixture.provider.preflight(fixture.entitlement)).toEqual([]);
      });

      test('names a role that is missing, and its statements mend it', async () => {
        const lacks = await fixture.provider.preflight(fixture.absent);
        expect(lacks.length).toBeGreaterThan(0);
        for (const { statement } of lacks) await fixture.administrator.run(fixture.absent, statement);
        expect(await fixture.provider.preflight(fixture.absent)).toEqual([]);
        const person = await granted(newcomer(), fixture.absent);
        await fixture.provider.revoke(fixture.absent, person, now());
        await fixture.administrator.dropRole(fixture.absent);
      });

      test.runIf(can.leastPrivilege)('names every right that is missing, and with them alone all works', async () => {
        const target = fixture.unprepared;
        if (!target) throw new Error('this fixture has no target without rights');
        const lacks = await fixture.provider.preflight(target);
        expect(new Set(lacks.map(({ missing }) => missing)).size).toBe(lacks.length);
        expect(lacks.length).toBeGreaterThan(1);
        await expect(fixture.provider.grant(target, newcomer())).rejects.toEqual(refused('CURFEW_TARGET_REFUSED'));
        for (const [index, { statement }] of lacks.entries()) {
          await fixture.administrator.run(target, statement);
          expect(await fixture.provider.preflight(target)).toEqual(lacks.slice(index + 1));
        }
        const person = await granted(newcomer(), target);
        expect((await fixture.provider.revoke(target, person, now())).outcome).toBe('revoked');
        expect(await fixture.provider.terminate(target, person)).toBe(0);
        await fixture.provider.cleanUp(target, person);
        expect(await fixture.administrator.userName(target, person)).toBeUndefined();
      });
    });

    describe('a target that is down', () => {
      test('cannot be reached, whatever is asked of it', async () => {
        const person = newcomer();
        const calls = [
          fixture.provider.isHeld(fixture.down, person),
          fixture.provider.grant(fixture.down, person),
          fixture.provider.revoke(fixture.down, person, now()),
          fixture.provider.terminate(fixture.down, person),
          fixture.provider.cleanUp(fixture.down, person),
          fixture.provider.holders(fixture.down),
          fixture.provider.preflight(fixture.down),
        ];
        for (const call of await Promise.allSettled(calls)) {
          expect(call).toEqual({ status: 'rejected', reason: refused('CURFEW_TARGET_UNAVAILABLE') });
        }
      });

      test('is still waited for until the instant of a revocation', async () => {
        const deadline = plus(now(), 60_000);
        fixture.clock.stop();
        const revocation = fixture.provider.revoke(fixture.down, newcomer(), deadline);
        await Promise.race([fixture.clock.asleep(), revocation.catch(() => undefined)]);
        fixture.clock.moveTo(deadline);
        await expect(revocation).rejects.toEqual(refused('CURFEW_TARGET_UNAVAILABLE'));
        expect(now()).toBe(deadline);
      });
    });

    test('no error holds a foreign text', async () => {
      const taken = newcomer();
      await fixture.administrator.addUser(fixture.entitlement, newcomer(), taken.userPrincipalName);
      const calls = [
        fixture.provider.grant(fixture.absent, newcomer()),
        fixture.provider.grant(fixture.entitlement, taken),
        fixture.provider.grant(fixture.down, newcomer()),
      ];
      for (const call of await Promise.allSettled(calls)) {
        const error: unknown = call.status === 'rejected' ? call.reason : undefined;
        if (!(error instanceof Error)) throw new Error('it should have failed');
        expect(error.cause).toBeUndefined();
        expect(`${error.message}${JSON.stringify(error)}`).not.toMatch(
          /ROLE|USER |MEMBER|contoso|permission|ECONN|login/i,
        );
      }
    });

    test('plan is one sentence that names the person', () => {
      const person = newcomer();
      expect(fixture.provider.plan(fixture.entitlement, person)).toMatch(/^[^\n]+\.$/);
      expect(fixture.provider.plan(fixture.entitlement, person)).toContain(person.userPrincipalName);
    });
  });
}
