import { CurfewError } from '../../domain/errors.ts';
import { plus } from '../../domain/time.ts';
import type { Clock } from '../../ports.ts';
import { type Database, firstRow, oneRow, readRows } from './database.ts';
import { isSessionGone } from './errors.ts';
import type { Identity } from './sid.ts';
import { foundRow, killSession, seesRow, sessionRow, sessions } from './statements.ts';

/** Milliseconds between asking and asking again: a killed session stands until its transaction is rolled back. */
const pauses = [50, 100, 200, 400, 800, 1_600];

/**
 * Ends the principal's sessions in a database and asks until there are none; one opened in between is found by the next
 * asking. Gives how many were ended.
 */
export async function endSessions(database: Database, principal: Identity, clock: Clock): Promise<number> {
  const ended = new Set<string>();
  for (const pause of [...pauses, undefined]) {
    const [sight, listed] = await database.send(sessions(principal));
    firstRow(seesRow, sight);
    const found = readRows(sessionRow, listed);
    if (found.length === 0) return ended.size;
    for (const { session_id: session, login_time: login } of found) {
      if (await endSession(database, principal, session)) ended.add(`${session} ${login.getTime()}`);
    }
    if (pause !== undefined) await clock.sleepUntil(plus(clock.now(), pause));
  }
  throw new CurfewError('CURFEW_TARGET_NOT_VERIFIED', {
    detail: 'Sessions were still open after they had been ended.',
  });
}

/** Says whether there was one to end. */
async function endSession(database: Database, principal: Identity, session: number): Promise<boolean> {
  try {
    return (await oneRow(database, foundRow, killSession(principal, session))).found > 0;
  } catch (error) {
    if (isSessionGone(error)) return false;
    throw error;
  }
}
