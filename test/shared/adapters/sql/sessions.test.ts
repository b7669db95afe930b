import { expect, test } from 'vitest';
import { endSessions } from '../../../../shared/adapters/sql/sessions.ts';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { type Instant, millisecondsOf } from '../../../../shared/domain/time.ts';
import { scriptedDatabase, serverError } from './scripted-database.ts';

const id = '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId;
const morning = new Date('2026-11-21T09:00:00.123Z');
const later = new Date('2026-11-21T09:00:07.500Z');
const session = (number: number, login = morning) => ({ session_id: number, login_time: login });

function jumpingClock() {
  let now = '2026-11-21T09:30:00.000Z' as Instant;
  return {
    now: () => now,
    sleepUntil: async (instant: Instant) => {
      now = instant;
    },
  };
}
const kills = (database: ReturnType<typeof scriptedDatabase>) =>
  database.sent.map(({ text }) => text).filter((text) => text.startsWith('KILL'));

test('a session is ended and seen gone', async () => {
  const database = scriptedDatabase([[session(51)]], [[session(51)]], [], [[]]);
  expect(await endSessions(database, id, jumpingClock())).toBe(1);
  expect(kills(database)).toEqual(['KILL 51']);
});

test('a session id that was reused is not killed', async () => {
  // Somebody else has it now, so that the look by SID finds none; or the same person logged in anew, which the next round ends.
  const database = scriptedDatabase(
    [[session(51), session(52)]],
    [[]],
    [[session(52, later)]],
    [[session(52, later)]],
    [[session(52, later)]],
    [],
    [[]],
  );
  expect(await endSessions(database, id, jumpingClock())).toBe(1);
  expect(kills(database)).toEqual(['KILL 52']);
});

test.each([6101, 6104, 6106])('a session that has gone in between (%i) is not counted', async (number) => {
  const database = scriptedDatabase([[session(51)]], [[session(51)]], serverError(number), [[]]);
  expect(await endSessions(database, id, jumpingClock())).toBe(0);
});

test('a session that was opened in between is ended too', async () => {
  const database = scriptedDatabase(
    ...[[[session(51)]], [[session(51)]], []],
    ...[[[session(52)]], [[session(52)]], []],
    [[]],
  );
  expect(await endSessions(database, id, jumpingClock())).toBe(2);
});

test('a session that takes a while to go is one session', async () => {
  const round = [[[session(51)]], [[session(51)]], []];
  expect(await endSessions(scriptedDatabase(...round, ...round, [[]]), id, jumpingClock())).toBe(1);
});

test('sessions that will not go are not called gone', async () => {
  const rounds = Array.from({ length: 20 }, () => [[[session(51)]], [[session(51)]], []]).flat();
  const clock = jumpingClock();
  const began = millisecondsOf(clock.now());
  await expect(endSessions(scriptedDatabase(...rounds), id, clock)).rejects.toMatchObject({
    code: 'CURFEW_TARGET_NOT_VERIFIED',
  });
  expect(millisecondsOf(clock.now()) - began).toBeLessThan(5_000);
});

test('a refused KILL is an error', async () => {
  const database = scriptedDatabase([[session(51)]], [[session(51)]], serverError(6102));
  await expect(endSessions(database, id, jumpingClock())).rejects.toMatchObject({ number: 6102 });
});
