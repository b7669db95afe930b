import type { Database } from './database.ts';
import { type Login, Session } from './session.ts';

// SQL Server keeps the numbers below for itself.
const FIRST = 51;
const LAST = 32_767;

/** Every open session of the server. Numbers are given out again, as SQL Server does. */
export class SessionRegistry {
  readonly #sessions = new Map<number, Session>();
  readonly databases: Database[] = [];

  add(database: Database, login: Login, principalId: number): Session {
    let id = FIRST;
    while (this.#sessions.has(id) && id < LAST) id++;
    const session = new Session(id, this, database, login, principalId);
    this.#sessions.set(id, session);
    database.sessionOpened(session);
    return session;
  }

  remove(session: Session) {
    this.#sessions.delete(session.id);
    session.database.sessionEnded(session);
  }

  killAll(database: Database) {
    for (const session of this.#sessions.values()) if (session.database === database) session.kill();
  }

  get(id: number): Session | undefined {
    return this.#sessions.get(id);
  }
}
