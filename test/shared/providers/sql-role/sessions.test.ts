import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { type Instant, millisecondsOf } from '../../../../shared/domain/time.ts';
import { endSessions } from '../../../../shared/providers/sql-role/sessions.ts';
import { scriptedDatabase, serverError } from './scripted-database.ts';

const maria = { principalId: '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId };
const morning = new Date('2026-11-21T09:00:00.123Z');
const later = new Date('2026-11-21T09:00:07.500Z');
const session = (number: number, login = morning) => ({ session_id: number, login_time: login });
const listed = (...sessions: object[]) => [[{ sees: 1 }], sessions];

function jumpingClock() {
  let now = '2026-11-21T09:30:00.000Z' as Instant;
  return {
    now: () => now,
    sleepUntil: async (instant: Instant) => {
      now = instant;
    },
  };
}
const killed = [[{ found: 1 }]];
const gone = [[{ found: 0 }]];

test('a session is ended and seen gone', async () => {
  const database = scriptedDatabase(listed(session(51)), killed, listed());
  expect(await endSessions(database, maria, jumpingClock())).toBe(1);
  expect(database.sent[1]?.text).toMatch(/KILL 51$/);
});

test('a session that has gone in between is not counted', async () => {
  for (const answer of [gone, serverError(6101), serverError(6104), serverError(6106)]) {
    const database = scriptedDatabase(listed(session(51), session(52)), answer, killed, listed());
    expect(await endSessions(database, maria, jumpingClock())).toBe(1);
  }
});

test('a session that was opened in between is ended too, even under the same number', async () => {
  const database = scriptedDatabase(
    listed(session(51)),
    killed,
    listed(session(51, later), session(52)),
    killed,
    killed,
    listed(),
  );
  expect(await endSessions(database, maria, jumpingClock())).toBe(3);
});

test('a session that takes a while to go is one session', async () => {
  const database = scriptedDatabase(listed(session(51)), killed, listed(session(51)), killed, listed());
  expect(await endSessions(database, maria, jumpingClock())).toBe(1);
});

test('sessions that will not go are not called gone', async () => {
  const rounds = Array.from({ length: 20 }, () => [listed(session(51)), killed]).flat();
  const clock = jumpingClock();
  const began = millisecondsOf(clock.now());
  await expect(endSessions(scriptedDatabase(...rounds), maria, clock)).rejects.toMatchObject({
    code: 'CURFEW_TARGET_NOT_VERIFIED',
  });
  expect(millisecondsOf(clock.now()) - began).toBeLessThan(5_000);
});

test('a refused KILL is an error', async () => {
  const database = scriptedDatabase(listed(session(51)), serverError(6102));
  await expect(endSessions(database, maria, jumpingClock())).rejects.toMatchObject({ number: 6102 });
});

test('sessions that Curfew may not see are not called gone', async () => {
  for (const sees of [0, null]) {
    await expect(endSessions(scriptedDatabase([[{ sees }], []]), maria, jumpingClock())).rejects.toMatchObject({
      code: 'CURFEW_TARGET_NOT_VERIFIED',
    });
  }
});
