import { timingSafeEqual } from 'node:crypto';
import { principalBySid } from './catalog.ts';
import { DBO } from './catalog-schema.ts';
import type { Database } from './database.ts';
import { guidToBytes } from './guid.ts';
import { may, readRights } from './permissions.ts';
import { loginFailed, SqlError } from './server-error.ts';
import type { Session } from './session.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { Login7 } from './tds/login7.ts';

export interface Person {
  objectId: string;
  clientId?: string;
  name: string;
}

export interface AuthenticatorOptions {
  authenticateToken: (accessToken: string) => Promise<Person>;
  logins: { name: string; password: string; objectId: string }[];
  administrator: string | undefined;
  registry: SessionRegistry;
}

const UNKNOWN = '<token-identified principal>';

/** Turns a login into a session of the database that it asks for, if it has a user there. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  async login(login: Login7, token: string | undefined): Promise<Session> {
    const { registry } = this.#options;
    const database = registry.databases.find(({ name }) => name.toLowerCase() === login.database.toLowerCase());
    const person = await this.#identify(login, token).catch((error: unknown) => {
      database?.record({
        sessionId: 0,
        principal: login.userName || UNKNOWN,
        action: 'LOGIN FAILED',
        succeeded: false,
        error: 18456,
      });
      throw error;
    });
    if (!database) {
      // Both, as the real server: the first says why, the second ends it.
      throw [
        new SqlError(4060, `Cannot open database "${login.database}" requested by the login. The login failed.`, 11),
        loginFailed(person.name),
      ];
    }
    // An application is known by its client id, a person by the object id.
    const id = person.clientId ?? person.objectId;
    const sid = guidToBytes(id);
    const principalId = this.#principal(database, id, sid);
    if (principalId === undefined) {
      database.record({ sessionId: 0, principal: person.name, action: 'LOGIN FAILED', succeeded: false, error: 18456 });
      throw loginFailed(token === undefined ? person.name : UNKNOWN);
    }
    const { hostName, programName, libraryName } = login;
    const session = registry.add(database, { name: person.name, sid, hostName, programName, libraryName }, principalId);
    database.record({ sessionId: session.id, principal: person.name, action: 'LOGIN', succeeded: true });
    return session;
  }

  async #identify({ userName, password }: Login7, token: string | undefined): Promise<Person> {
    if (token !== undefined) {
      return this.#options.authenticateToken(token).catch(() => {
        throw loginFailed(UNKNOWN);
      });
    }
    const found = this.#options.logins.find(({ name }) => name.toLowerCase() === userName.toLowerCase());
    if (!found || !sameText(found.password, password)) throw loginFailed(userName);
    return { objectId: found.objectId, name: found.name };
  }

  #principal(database: Database, id: string, sid: Buffer): number | undefined {
    if (id.toLowerCase() === this.#options.administrator?.toLowerCase()) return DBO;
    const user = principalBySid(database.reader, sid);
    return user && user.type !== 'R' && may(readRights(database.reader, user.id), 'CONNECT') ? user.id : undefined;
  }
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
