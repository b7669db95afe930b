import { CurfewError, isRetryable } from '../../domain/errors.ts';
import { type Instant, instantOf, millisecondsOf, plus } from '../../domain/time.ts';
import type { Clock } from '../../ports.ts';
import type { Member, Principal, Taken, Unverified } from '../provider.ts';
import { type Database, firstRow, readRows } from './database.ts';
import type { SqlRoleEntitlement } from './entitlement.ts';
import { curfewError } from './errors.ts';
import { seesRow } from './statements.ts';
import {
  dropEach,
  dropMembers,
  droppedRow,
  findUsers,
  killSessions,
  knownRow,
  nameRow,
  numberRow,
  remaining,
  sessionsOf,
  theirSessionRow,
} from './together-statements.ts';

export type Carrying = <T>(work: (database: Database) => Promise<T>) => Promise<T>;

/** What became of one member so far. */
interface Progress extends Member<SqlRoleEntitlement> {
  name?: string | undefined;
  droppedAt?: Instant;
  error?: CurfewError;
}

/** Milliseconds between asking and asking again: a killed session stands until its transaction is rolled back. */
const pauses = [0, 50, 100, 200, 400, 800];

/** The name that the database has for each. Somebody of whom it has two users is known by none. */
export async function namesOf(
  database: Database,
  principals: readonly Principal[],
): Promise<readonly (string | undefined)[]> {
  const [sight, listed] = await database.send(findUsers(principals));
  firstRow(seesRow, sight);
  const found = Map.groupBy(readRows(nameRow, listed), ({ number }) => number);
  return principals.map((_, number) => {
    const users = found.get(number) ?? [];
    return users.length === 1 ? users[0]?.name : undefined;
  });
}

/**
 * Drops all members, `batch` to a round trip; then ends their sessions, all at once; then tries those again whom something
 * stood in the way of, which may have been a session of theirs; and sees all of it gone. Where that fails, the drop is known all the same.
 */
export async function takeTogether(
  on: Carrying,
  given: readonly Member<SqlRoleEntitlement>[],
  { batch, giveUp, clock }: { readonly batch: number; readonly giveUp: Instant; readonly clock: Clock },
): Promise<readonly (Taken | Unverified | CurfewError)[]> {
  const members: Progress[] = given.map((member) => ({ ...member }));
  const drop = async (some: readonly Progress[]) => {
    for (let first = 0; first < some.length; first += batch) {
      const chunk = some.slice(first, first + batch);
      await on((database) => dropChunk(database, chunk, giveUp, clock)).catch((error: unknown) => {
        for (const member of chunk) member.error = curfewError(error, 'CURFEW_TARGET_UNAVAILABLE');
      });
    }
  };
  const lookUp = async (some: readonly Progress[]) => {
    if (some.length === 0) return;
    const names = await on((database) =>
      namesOf(
        database,
        some.map(({ principal }) => principal),
      ),
    );
    some.forEach((member, index) => {
      member.name = names[index];
    });
  };
  try {
    await lookUp(members.filter(({ name }) => name === undefined));
    await drop(members.filter(({ name }) => name !== undefined));
    const principals = members.map(({ principal }) => principal);
    const ended = await on((database) => endSessionsOf(database, principals, clock, batch));
    const failed = members.filter(({ error }) => error && isRetryable(error.code));
    if (clock.now() < giveUp) {
      await lookUp(failed);
      await drop(failed.filter(({ name }) => name !== undefined));
    }
    const held = await on((database) => stillHeld(database, members));
    return members.map((member, index) => outcomeOf(member, held.has(index), ended[index], clock));
  } catch (error) {
    return members.map((member) => member.error ?? unverified(member, curfewError(error, 'CURFEW_TARGET_UNAVAILABLE')));
  }
}

async function dropChunk(database: Database, chunk: readonly Progress[], giveUp: Instant, clock: Clock): Promise<void> {
  for (const member of chunk) delete member.error;
  if (clock.now() >= giveUp)
    throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', { detail: 'It was too late to begin.' });
  const dropping = chunk.flatMap(({ name, principal, entitlement: { role } }) =>
    name === undefined ? [] : [{ name, principal, role }],
  );
  const end = new Date(millisecondsOf(giveUp));
  let [known, done] = await database.send(dropMembers(dropping, end));
  // Something stands in the way of one, who is now to be found.
  if (firstRow(droppedRow, done).errors !== '') [known, done] = await database.send(dropEach(dropping, end));
  const wasHeld = new Set(readRows(knownRow, known).flatMap(({ number, held }) => (held > 0 ? [number] : [])));
  const { at, errors } = firstRow(droppedRow, done);
  // Somebody has another name by now, the transaction was undone, or it came too late.
  if (at === null) throw new CurfewError('CURFEW_TARGET_UNAVAILABLE', { detail: 'The database undid the change.' });
  for (const [, position, number] of errors.matchAll(/(\d+):(\d+)/g)) {
    const member = chunk[Number(position)];
    if (member)
      member.error = curfewError(Object.assign(new Error(), { number: Number(number) }), 'CURFEW_TARGET_UNAVAILABLE');
  }
  chunk.forEach((member, number) => {
    if (!member.error && wasHeld.has(number)) member.droppedAt = instantOf(at.getTime());
  });
}

interface Ended {
  count: number;
  isOpen: boolean;
}

/** Ends the sessions of all of them, and asks until there are none, or for too long. */
async function endSessionsOf(
  database: Database,
  principals: readonly Principal[],
  clock: Clock,
  batch: number,
): Promise<readonly Ended[]> {
  const seen = principals.map(() => new Set<string>());
  for (let turn = 0; ; turn++) {
    const pause = pauses[turn];
    const [sight, listed] = await database.send(sessionsOf(principals));
    firstRow(seesRow, sight);
    const found = readRows(theirSessionRow, listed);
    for (const { number, session_id, login_time } of found) seen[number]?.add(`${session_id} ${login_time.getTime()}`);
    const open = new Set(found.map(({ number }) => number));
    if (open.size === 0 || pause === undefined) {
      return seen.map((sessions, number) => ({ count: sessions.size, isOpen: open.has(number) }));
    }
    const sessions = found.flatMap(({ number, session_id: session }) => {
      const principal = principals[number];
      return principal ? [{ principal, session }] : [];
    });
    for (let first = 0; first < sessions.length; first += batch) {
      await database.send(killSessions(sessions.slice(first, first + batch)));
    }
    await clock.sleepUntil(plus(clock.now(), pause));
  }
}

async function stillHeld(database: Database, members: readonly Progress[]): Promise<ReadonlySet<number>> {
  const [sight, listed] = await database.send(
    remaining(members.map(({ principal, entitlement: { role } }) => ({ principal, role }))),
  );
  firstRow(seesRow, sight);
  return new Set(readRows(numberRow, listed).map(({ number }) => number));
}

function outcomeOf(
  { error, droppedAt }: Progress,
  isHeld: boolean,
  ended: Ended | undefined,
  clock: Clock,
): Taken | Unverified | CurfewError {
  if (isHeld) return error ?? new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
  if (!ended || ended.isOpen) {
    const detail = 'Sessions were still open after they had been ended.';
    return unverified({ droppedAt }, new CurfewError('CURFEW_TARGET_NOT_VERIFIED', { detail }));
  }
  const drop = droppedAt === undefined ? absentAt(clock.now()) : { outcome: 'revoked' as const, droppedAt };
  return { ...drop, sessionsEnded: ended.count };
}

function unverified({ droppedAt }: Pick<Progress, 'droppedAt'>, error: CurfewError): Unverified | CurfewError {
  return droppedAt === undefined ? error : { outcome: 'unverified', droppedAt };
}

const absentAt = (droppedAt: Instant) => ({ outcome: 'absent' as const, droppedAt });
