import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { plus } from '../../../shared/domain/time.ts';
import type { SqlRoleEntitlement } from '../../../shared/providers/sql-role/entitlement.ts';
import { openStandIn, type StandIn } from './sql-stand-in.ts';
import { describeProvider } from './suite.ts';

describeProvider('sql-role on the stand-in', () => openStandIn(), { sessions: true, leastPrivilege: true });

/** What needs a server that can be stopped, or rights that can be taken from Curfew. */
describe('sql-role', () => {
  let standIn: StandIn;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'curfew-sql-'));
    standIn = await openStandIn(folder);
  });
  afterEach(() => standIn.clock.start());
  afterAll(async () => {
    await standIn.close();
    await rm(folder, { recursive: true });
  });

  const granted = async () => {
    const person = standIn.newcomer();
    expect(await standIn.provider.grant(standIn.entitlement, person)).toBe('granted');
    return person;
  };
  const members = () => standIn.administrator.members(standIn.entitlement);
  const lacksOf = async (entitlement: SqlRoleEntitlement) => {
    const found = await standIn.provider.preflight(entitlement);
    if (found.user === undefined) throw new Error('Curfew is not let in');
    return found.lacks;
  };
  const run = (statement: string) => standIn.administrator.run(standIn.entitlement, statement);

  test('of many that are taken together one that Curfew may not take leaves the others alone', async () => {
    const [person, locked] = [await granted(), await granted()];
    await standIn.administrator.addMember(standIn.locked, locked);
    const taken = await standIn.provider.revokeTogether(
      [
        { entitlement: standIn.locked, principal: locked },
        { entitlement: standIn.entitlement, principal: person },
      ],
      plus(standIn.clock.now(), 3_600_000),
    );
    expect(taken).toMatchObject([{ code: 'CURFEW_TARGET_REFUSED' }, { outcome: 'revoked' }]);
  });

  test('a change that somebody else has under way is not waited for for long', async () => {
    const people = [await granted(), await granted(), await granted()];
    const other = await standIn.holdChange();
    const began = Date.now();
    const taken = await standIn.provider.revokeTogether(
      people.map((principal) => ({ entitlement: standIn.entitlement, principal })),
      plus(standIn.clock.now(), 3_600_000),
    );
    expect(Date.now() - began).toBeLessThan(2_000);
    await other.release();
    expect(taken).toMatchObject(people.map(() => ({ code: 'CURFEW_TARGET_UNAVAILABLE' })));
    expect(await members()).toEqual(expect.arrayContaining(people.map(({ principalId }) => principalId)));
  });

  test('logs in ahead of the instant, so that none has to wait for it then', async () => {
    const person = await granted();
    await standIn.provider.close();
    const deadline = plus(standIn.clock.now(), 60_000);
    standIn.clock.stop();
    const before = standIn.logins();
    const revocation = standIn.provider.revoke(standIn.entitlement, person, deadline);
    await standIn.clock.asleep();
    const prepared = standIn.logins();
    expect(prepared).toBeGreaterThan(before);
    standIn.clock.moveTo(deadline);
    expect((await revocation).outcome).toBe('revoked');
    expect(standIn.logins()).toBe(prepared);
  });

  test('gets through when its connections broke while it waited', async () => {
    const person = await granted();
    const deadline = plus(standIn.clock.now(), 60_000);
    standIn.clock.stop();
    const revocation = standIn.provider.revoke(standIn.entitlement, person, deadline);
    await standIn.clock.asleep();
    await standIn.stop();
    await standIn.restart();
    standIn.clock.moveTo(deadline);
    expect((await revocation).outcome).toBe('revoked');
  });

  test('finds a target again that was away', async () => {
    const person = await granted();
    await standIn.stop();
    const away = standIn.provider.isHeld(standIn.entitlement, person);
    await expect(away).rejects.toMatchObject({ code: 'CURFEW_TARGET_UNAVAILABLE' });
    await standIn.restart();
    expect(await standIn.provider.isHeld(standIn.entitlement, person)).toBe(true);
  });

  test('does not take the role from somebody who got the name of a user in the meantime', async () => {
    const person = await granted();
    const heir = standIn.newcomer(person.userPrincipalName);
    const deadline = plus(standIn.clock.now(), 60_000);
    standIn.clock.stop();
    const revocation = standIn.provider.revoke(standIn.entitlement, person, deadline);
    await standIn.clock.asleep();
    await standIn.administrator.dropUser(standIn.entitlement, person);
    await standIn.administrator.addUser(standIn.entitlement, heir);
    await standIn.administrator.addMember(standIn.entitlement, heir);
    standIn.clock.moveTo(deadline);
    expect((await revocation).outcome).toBe('absent');
    expect(await members()).toContain(heir.principalId);
  });

  test('is refused on a role that it may not alter, and leaves no user behind', async () => {
    const person = standIn.newcomer();
    await expect(standIn.provider.grant(standIn.locked, person)).rejects.toMatchObject({
      code: 'CURFEW_TARGET_REFUSED',
    });
    expect(await standIn.administrator.userName(standIn.entitlement, person)).toBeUndefined();
  });

  test('does not call a membership absent that it may not take', async () => {
    const person = standIn.newcomer();
    await standIn.administrator.addUser(standIn.entitlement, person);
    await standIn.administrator.addMember(standIn.locked, person);
    const revocation = standIn.provider.revoke(standIn.locked, person, standIn.clock.now());
    await expect(revocation).rejects.toMatchObject({ code: 'CURFEW_TARGET_REFUSED' });
    expect(await standIn.administrator.members(standIn.locked)).toContain(person.principalId);
  });

  test('does not rely on a catalog that it may not read in full', async () => {
    const person = await granted();
    await run('REVOKE VIEW DEFINITION TO [curfew app]');
    try {
      const unsure = [
        standIn.provider.isHeld(standIn.entitlement, person),
        standIn.provider.holders(standIn.entitlement),
        standIn.provider.residualAccess(standIn.entitlement, person),
        standIn.provider.revoke(standIn.entitlement, standIn.newcomer(), standIn.clock.now()),
        standIn.provider.cleanUp(standIn.entitlement, person),
      ];
      for (const call of await Promise.allSettled(unsure)) {
        expect(call).toMatchObject({ status: 'rejected', reason: { code: 'CURFEW_TARGET_NOT_VERIFIED' } });
      }
    } finally {
      await run('GRANT VIEW DEFINITION TO [curfew app]');
    }
  });

  test('does not call sessions gone that it may not see', async () => {
    const person = await granted();
    await run('REVOKE VIEW DATABASE STATE TO [curfew app]');
    try {
      await expect(standIn.provider.endSessions(standIn.entitlement, person)).rejects.toMatchObject({
        code: 'CURFEW_TARGET_NOT_VERIFIED',
      });
    } finally {
      await run('GRANT VIEW DATABASE STATE TO [curfew app]');
    }
  });

  test('says that it may not end sessions', async () => {
    const person = await granted();
    const session = await standIn.signIn?.(person, standIn.entitlement);
    await run('REVOKE KILL DATABASE CONNECTION TO [curfew app]');
    try {
      await expect(standIn.provider.endSessions(standIn.entitlement, person)).rejects.toMatchObject({
        code: 'CURFEW_TARGET_REFUSED',
      });
      expect(await session?.isOpen()).toBe(true);
    } finally {
      await run('GRANT KILL DATABASE CONNECTION TO [curfew app]');
      await session?.close();
    }
  });

  test('asks for a role of its own where the policy names a fixed one', async () => {
    const fixed = { ...standIn.entitlement, role: 'db_datareader' };
    const own = { ...fixed, role: 'curfew_db_datareader' };
    // Twice: the policy may go on naming the fixed one for a while.
    for (const _ of [1, 2]) {
      const [lack, ...others] = await lacksOf(fixed);
      expect(others).toEqual([]);
      await run(lack?.statement ?? '');
      expect(await lacksOf(own)).toEqual([]);
    }
    await expect(standIn.provider.grant(fixed, standIn.newcomer())).rejects.toMatchObject({
      code: 'CURFEW_TARGET_REFUSED',
    });
  });

  test('has nothing to say for public, in which everybody is', async () => {
    const [lack, ...others] = await lacksOf({ ...standIn.entitlement, role: 'public' });
    expect(others).toEqual([]);
    await run(lack?.statement ?? '');
    expect(await lacksOf({ ...standIn.entitlement, role: 'curfew_public' })).toEqual([]);
  });

  test('says who it is, and whether that is somebody who may do everything', async () => {
    const found = () => standIn.provider.preflight(standIn.entitlement);
    expect(await found()).toEqual({ user: 'curfew app', isOwner: false, lacks: [] });
    await run('ALTER ROLE [db_owner] ADD MEMBER [curfew app]');
    try {
      expect(await found()).toEqual({ user: 'curfew app', isOwner: true, lacks: [] });
    } finally {
      await run('ALTER ROLE [db_owner] DROP MEMBER [curfew app]');
    }
  });

  test('tells a database that does not let it in from one that is away', async () => {
    const nowhere = { ...standIn.entitlement, database: 'no such database' };
    expect(await standIn.provider.preflight(nowhere)).toEqual({ user: undefined });
    // Whoever made it so may make it good again: all else goes on trying.
    const held = standIn.provider.isHeld(nowhere, standIn.newcomer());
    await expect(held).rejects.toMatchObject({
      code: 'CURFEW_TARGET_UNAVAILABLE',
      refusal: { detail: expect.stringContaining('ELOGIN 4060') },
    });
  });

  test('gives nothing that it could not take away again', async () => {
    const rights = ['KILL DATABASE CONNECTION', 'VIEW DATABASE STATE', 'VIEW DEFINITION', 'ALTER ANY USER'];
    for (const right of rights) {
      const person = standIn.newcomer();
      await run(`REVOKE ${right} TO [curfew app]`);
      try {
        await expect(standIn.provider.grant(standIn.entitlement, person)).rejects.toMatchObject({
          code: 'CURFEW_TARGET_REFUSED',
          refusal: {
            remedy: { kind: 'run-statements', statements: expect.arrayContaining([`GRANT ${right} TO [curfew app];`]) },
          },
        });
      } finally {
        await run(`GRANT ${right} TO [curfew app]`);
      }
      expect(await standIn.administrator.userName(standIn.entitlement, person)).toBeUndefined();
    }
  });

  test('waits for another change to the same user, but not for one to another', async () => {
    const [person, other] = [standIn.newcomer(), standIn.newcomer()];
    const lock = await standIn.holdLock(`curfew:${person.principalId}`, 'curfew app');
    const waiting = standIn.provider.grant(standIn.entitlement, person);
    await standIn.administrator.statementRunning(standIn.entitlement, 'Curfew');
    expect(await standIn.provider.grant(standIn.entitlement, other)).toBe('granted');
    expect(await standIn.administrator.userName(standIn.entitlement, person)).toBeUndefined();
    await lock.release();
    expect(await waiting).toBe('granted');
  });

  test('does not wait for a lock that anybody may hold', async () => {
    const person = standIn.newcomer();
    const lock = await standIn.holdLock(`curfew:${person.principalId}`, 'public');
    expect(await standIn.provider.grant(standIn.entitlement, person)).toBe('granted');
    await lock.release();
  });
});
