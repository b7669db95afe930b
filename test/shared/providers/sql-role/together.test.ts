import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { type Instant, plus } from '../../../../shared/domain/time.ts';
import type { Database } from '../../../../shared/providers/sql-role/database.ts';
import type { SqlRoleEntitlement } from '../../../../shared/providers/sql-role/entitlement.ts';
import { takeTogether } from '../../../../shared/providers/sql-role/together.ts';
import { dropEach, dropMembers } from '../../../../shared/providers/sql-role/together-statements.ts';
import { scriptedDatabase, serverError } from './scripted-database.ts';

const now = '2026-11-21T09:00:00.000Z' as Instant;
const at = new Date('2026-11-21T09:00:00.007Z');
const entitlement: SqlRoleEntitlement = { kind: 'sql-role', server: 's', port: 1433, database: 'd', role: 'reader' };
const member = (number: number) => ({
  entitlement,
  principal: {
    principalId: `00112233-4455-6677-8899-${String(number).padStart(12, '0')}` as PrincipalId,
    userPrincipalName: `p${number}@contoso.example`,
  },
  name: `p${number}`,
});
const members = [member(0), member(1), member(2)];
const sight = [{ sees: 1 }];
const known = [0, 1, 2].map((number) => ({ number, held: 1 }));
const names = [0, 1, 2].map((number) => ({ number, name: `new p${number}` }));
const done = [{ errors: '', at }];
const undone = [{ errors: '', at: null }];
const nothing = [sight, []];

const take = (database: Database, batch = 250, some = members) =>
  takeTogether((work) => work(database), some, {
    batch,
    giveUp: plus(now, 2_000),
    clock: { now: () => now, sleepUntil: () => Promise.resolve() },
  });

const unverified = { outcome: 'unverified', droppedAt: '2026-11-21T09:00:00.007Z' };
const revoked = { outcome: 'revoked', droppedAt: '2026-11-21T09:00:00.007Z', sessionsEnded: 0 };

test('drops are one round trip, sessions another, and the membership is read back in one', async () => {
  const database = scriptedDatabase([known, done], nothing, nothing);
  expect(await take(database)).toEqual([revoked, revoked, revoked]);
  expect(database.sent).toHaveLength(3);
});

test('more than a batch are several transactions, one after the other', async () => {
  const database = scriptedDatabase([known.slice(0, 2), done], [known.slice(0, 1), done], nothing, nothing);
  expect(await take(database, 2)).toEqual([revoked, revoked, revoked]);
});

test('of a batch that fails only its own are tried again, by the names that they have now', async () => {
  for (const failure of [[[], undone], serverError(1205)]) {
    const database = scriptedDatabase(
      ...[failure, [known.slice(0, 1), done], nothing],
      ...[[sight, names.slice(0, 2)], [known.slice(0, 2), done], nothing],
    );
    expect(await take(database, 2)).toEqual([revoked, revoked, revoked]);
    expect(database.sent.map(({ text }) => text.includes('DROP MEMBER [new p0]'))).toEqual(
      [0, 1, 2, 3, 4, 5].map((sent) => sent === 4),
    );
  }
});

test('where one can’t be dropped the others are at once, and it is tried again when the sessions are gone', async () => {
  const locked = [{ errors: ' 1:1222', at }];
  const database = scriptedDatabase(
    [known, [{ errors: '1222', at: null }]],
    [known, locked],
    nothing,
    [sight, names.slice(0, 1)],
    [known.slice(0, 1), done],
    nothing,
  );
  expect(await take(database)).toEqual([revoked, revoked, revoked]);
  expect(database.sent.map(({ text }) => text.match(/DROP MEMBER/g)?.length)).toEqual([
    3,
    3,
    undefined,
    undefined,
    1,
    undefined,
  ]);
});

test('what is refused is not tried again', async () => {
  const refused = [{ errors: '15151', at: null }];
  const database = scriptedDatabase([known, refused], [known, [{ errors: ' 2:15151', at }]], nothing, [
    sight,
    [{ number: 2 }],
  ]);
  expect(await take(database)).toEqual([revoked, revoked, expect.objectContaining({ code: 'CURFEW_TARGET_REFUSED' })]);
});

test('a member that the database still shows is not called dropped', async () => {
  const database = scriptedDatabase([known, done], nothing, [sight, [{ number: 1 }]]);
  expect(await take(database)).toMatchObject([revoked, { code: 'CURFEW_TARGET_NOT_VERIFIED' }, revoked]);
});

test('who was no member before is absent, whatever the drop said', async () => {
  const database = scriptedDatabase([[{ number: 0, held: 0 }, ...known.slice(1)], done], nothing, nothing);
  expect(await take(database)).toMatchObject([{ outcome: 'absent' }, revoked, revoked]);
});

test('sessions opened between the drop and the kill are ended as well; those that stay are told of', async () => {
  const session = (number: number, id: number) => ({ number, session_id: id, login_time: at });
  const database = scriptedDatabase(
    ...[[known, done], [sight, [session(0, 51), session(2, 52)]], []],
    ...[[sight, [session(0, 53)]], [], nothing, nothing],
  );
  expect(await take(database)).toMatchObject([{ sessionsEnded: 2 }, { sessionsEnded: 0 }, { sessionsEnded: 1 }]);
  expect(database.sent[4]?.text).toContain('KILL 53');
  const stubborn: Database = {
    send: async ({ text }) => {
      if (text.includes('KILL')) return [];
      if (text.includes('DROP MEMBER')) return [known, done];
      return text.includes('dm_exec_sessions') ? [sight, [session(1, 51)]] : nothing;
    },
  };
  expect(await take(stubborn)).toEqual([revoked, unverified, revoked]);
});

test('an absence that Curfew may not see is none', async () => {
  for (const blind of [[{ sees: 0 }], [{ sees: null }], []]) {
    const failed = members.map(() => ({ code: 'CURFEW_TARGET_NOT_VERIFIED' }));
    expect(await take(scriptedDatabase([[], done], [blind, []]))).toMatchObject(failed);
    expect(await take(scriptedDatabase([[], done], nothing, [blind, []]))).toMatchObject(failed);
  }
});

test('a drop that can’t be verified is told with its instant, and nothing else is', async () => {
  const some = [{ number: 0, held: 1 }];
  const refused = { code: 'CURFEW_TARGET_REFUSED' };
  for (const broken of [[serverError(40197)], [nothing, serverError(40197)]]) {
    const undone = [some, [{ errors: '15151', at: null }]];
    const database = scriptedDatabase(undone, [some, [{ errors: ' 2:15151', at }]], ...broken);
    expect(await take(database)).toMatchObject([unverified, { code: 'CURFEW_TARGET_UNAVAILABLE' }, refused]);
  }
});

test('names are quoted, and the time by which it must have begun is the database’s to check', () => {
  const hostile = { role: 'r]; DROP TABLE x', name: "n'] x", principal: member(0).principal };
  for (const drop of [dropMembers, dropEach]) {
    const { text, values } = drop([hostile], new Date(now));
    expect(text).toContain("ALTER ROLE [r]]; DROP TABLE x] DROP MEMBER [n']] x];");
    expect(text).toContain('SYSUTCDATETIME() < @giveUp');
    expect(values).toMatchObject({ count: 1, giveUp: new Date(now) });
  }
});
