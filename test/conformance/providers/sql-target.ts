import { randomUUID } from 'node:crypto';
import mssql from 'mssql';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import type { Principal } from '../../../shared/providers/provider.ts';
import type { SqlRoleEntitlement } from '../../../shared/providers/sql-role/entitlement.ts';
import type { Administrator, Session } from './fixture.ts';

/** Gives an open pool, logged in as whoever it is for. */
export type Connect = (database: string) => Promise<mssql.ConnectionPool>;

const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;

/** Azure SQL as an administrator sees it, without anything of the provider's. */
export class SqlTarget implements Administrator<SqlRoleEntitlement> {
  readonly #connect: Connect;
  readonly #pools = new Map<string, Promise<mssql.ConnectionPool>>();
  readonly #newcomers: Principal[] = [];
  readonly #sessions = new Set<number>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  newcomer(userPrincipalName?: string): Principal {
    const principalId = randomUUID() as PrincipalId;
    const person = { principalId, userPrincipalName: userPrincipalName ?? `p-${principalId}@contoso.example` };
    this.#newcomers.push(person);
    return person;
  }

  async members({ database, role }: SqlRoleEntitlement): Promise<string[]> {
    const found = await this.#ask<{ sid: Buffer; type: string }>(
      database,
      `SELECT u.sid, u.type FROM sys.database_role_members m
        JOIN sys.database_principals r ON r.principal_id = m.role_principal_id
        JOIN sys.database_principals u ON u.principal_id = m.member_principal_id WHERE r.name = @role ORDER BY u.name`,
      (request) => request.input('role', mssql.NVarChar, role),
    );
    return found.map(({ sid, type }) => (type.startsWith('E') ? guidOf(sid) : ''));
  }

  async userName({ database }: SqlRoleEntitlement, { principalId }: Principal): Promise<string | undefined> {
    const found = await this.#ask<{ name: string }>(
      database,
      'SELECT name FROM sys.database_principals WHERE sid = @sid',
      (request) => request.input('sid', mssql.VarBinary(85), sidOf(principalId)),
    );
    return found[0]?.name;
  }

  async addUser(entitlement: SqlRoleEntitlement, principal: Principal, name = principal.userPrincipalName) {
    await this.run(
      entitlement,
      `CREATE USER ${quote(name)} WITH SID = 0x${sidOf(principal.principalId).toString('hex')}, TYPE = E`,
    );
  }

  async dropUser(entitlement: SqlRoleEntitlement, principal: Principal) {
    await this.run(entitlement, `DROP USER ${await this.#quotedName(entitlement, principal)}`);
  }

  async addMember(entitlement: SqlRoleEntitlement, principal: Principal) {
    const member = await this.#quotedName(entitlement, principal);
    await this.run(entitlement, `ALTER ROLE ${quote(entitlement.role)} ADD MEMBER ${member}`);
  }

  async removeMember(entitlement: SqlRoleEntitlement, principal: Principal) {
    const member = await this.#quotedName(entitlement, principal);
    await this.run(entitlement, `ALTER ROLE ${quote(entitlement.role)} DROP MEMBER ${member}`);
  }

  async addForeignMember(entitlement: SqlRoleEntitlement, name: string) {
    await this.run(entitlement, `CREATE USER ${quote(name)} WITHOUT LOGIN`);
    await this.run(entitlement, `ALTER ROLE ${quote(entitlement.role)} ADD MEMBER ${quote(name)}`);
  }

  async nestRole(inner: SqlRoleEntitlement, { role }: SqlRoleEntitlement) {
    await this.run(inner, `ALTER ROLE ${quote(role)} ADD MEMBER ${quote(inner.role)}`);
  }

  async unnestRole(inner: SqlRoleEntitlement, { role }: SqlRoleEntitlement) {
    await this.run(inner, `ALTER ROLE ${quote(role)} DROP MEMBER ${quote(inner.role)}`);
  }

  async addGroup(entitlement: SqlRoleEntitlement, name: string, groupId: string) {
    const group = { principalId: groupId as PrincipalId, userPrincipalName: name };
    const isNew = (await this.userName(entitlement, group)) === undefined;
    if (isNew)
      await this.run(
        entitlement,
        `CREATE USER ${quote(name)} WITH SID = 0x${sidOf(groupId).toString('hex')}, TYPE = X`,
      );
    await this.run(entitlement, `ALTER ROLE ${quote(entitlement.role)} ADD MEMBER ${quote(name)}`);
  }

  async dropGroup(entitlement: SqlRoleEntitlement, name: string) {
    await this.run(entitlement, `DROP USER ${quote(name)}`);
  }

  async createRole(entitlement: SqlRoleEntitlement) {
    await this.run(entitlement, `CREATE ROLE ${quote(entitlement.role)}`);
  }

  async dropRole(entitlement: SqlRoleEntitlement) {
    await this.run(entitlement, `DROP ROLE ${quote(entitlement.role)}`);
  }

  /** Empties the role, and drops the foreign users that were made for it. */
  async dropMembers(entitlement: SqlRoleEntitlement) {
    const found = await this.#ask<{ name: string; type: string }>(
      entitlement.database,
      `SELECT u.name, u.type FROM sys.database_role_members m
        JOIN sys.database_principals r ON r.principal_id = m.role_principal_id
        JOIN sys.database_principals u ON u.principal_id = m.member_principal_id WHERE r.name = @role`,
      (request) => request.input('role', mssql.NVarChar, entitlement.role),
    );
    for (const { name, type } of found) {
      await this.run(entitlement, `ALTER ROLE ${quote(entitlement.role)} DROP MEMBER ${quote(name)}`);
      if (type.startsWith('S')) await this.run(entitlement, `DROP USER ${quote(name)}`);
    }
  }

  async permit(entitlement: SqlRoleEntitlement, principal: Principal) {
    await this.run(entitlement, `GRANT VIEW DEFINITION TO ${await this.#quotedName(entitlement, principal)}`);
  }

  async shutOut(entitlement: SqlRoleEntitlement, principal: Principal) {
    await this.run(entitlement, `DENY CONNECT TO ${await this.#quotedName(entitlement, principal)}`);
  }

  async run({ database }: SqlRoleEntitlement, statement: string) {
    await (await this.#pool(database)).request().batch(statement);
  }

  /** A session of whoever `connect` logs in, in a transaction that keeps it to one connection. */
  async openSession(connect: Connect, { database }: SqlRoleEntitlement, principal: Principal): Promise<Session> {
    const pool = await connect(database);
    pool.on('error', () => undefined);
    const transaction = new mssql.Transaction(pool);
    await transaction.begin();
    const [row] = (await transaction.request().query<{ id: number }>('SELECT @@SPID AS id')).recordset;
    if (!row) throw new Error('no session id');
    this.#sessions.add(row.id);
    // The driver opens a connection to try the pool out, and closes it again; it is not to be counted.
    await until(async () => (await this.#theirSessions(database, principal)).every(({ id }) => this.#sessions.has(id)));
    const ask = (text: string) => transaction.request().query(text);
    return {
      canRead: () =>
        ask('SELECT id FROM dbo.curfew_probe').then(
          () => true,
          (error: unknown) => {
            if (error instanceof mssql.RequestError && error.number === 229) return false;
            throw error;
          },
        ),
      beginLongStatement: async () => {
        const outcome = ask("WAITFOR DELAY '00:00:30'").then(
          () => 'finished' as const,
          () => 'broken' as const,
        );
        await until(async () =>
          (await this.#theirSessions(database, principal)).some(
            ({ id, status }) => id === row.id && status === 'running',
          ),
        );
        return { outcome };
      },
      isOpen: () =>
        ask('SELECT 1 AS one').then(
          () => true,
          () => false,
        ),
      close: async () => {
        this.#sessions.delete(row.id);
        await transaction.rollback().catch(() => undefined);
        await pool.close();
      },
    };
  }

  /** Resolves once a session of that application is in the midst of a statement. */
  async statementRunning({ database }: SqlRoleEntitlement, application: string) {
    await until(async () => {
      const found = await this.#ask(
        database,
        "SELECT session_id FROM sys.dm_exec_sessions WHERE program_name = @name AND status = 'running'",
        (request) => request.input('name', mssql.NVarChar, application),
      );
      return found.length > 0;
    });
  }

  /** Drops every newcomer that is left, and lets go of the connections. */
  async close(entitlements: readonly SqlRoleEntitlement[]) {
    for (const entitlement of entitlements) {
      for (const person of this.#newcomers) {
        if ((await this.userName(entitlement, person)) !== undefined) await this.dropUser(entitlement, person);
      }
    }
    for (const pool of this.#pools.values()) await (await pool).close();
  }

  async #quotedName(entitlement: SqlRoleEntitlement, principal: Principal): Promise<string> {
    const name = await this.userName(entitlement, principal);
    if (name === undefined) throw new Error('the principal has no user');
    return quote(name);
  }

  #theirSessions(database: string, { principalId }: Principal): Promise<{ id: number; status: string }[]> {
    return this.#ask(
      database,
      'SELECT session_id AS id, status FROM sys.dm_exec_sessions WHERE security_id = @sid',
      (request) => request.input('sid', mssql.VarBinary(85), sidOf(principalId)),
    );
  }

  async #ask<Row>(database: string, text: string, bind: (request: mssql.Request) => unknown): Promise<Row[]> {
    const request = (await this.#pool(database)).request();
    bind(request);
    return (await request.query<Row>(text)).recordset;
  }

  #pool(database: string): Promise<mssql.ConnectionPool> {
    const standing = this.#pools.get(database) ?? this.#connect(database);
    this.#pools.set(database, standing);
    return standing;
  }
}

// The suite's own way from a GUID to a SID and back: the first three groups are turned round.
const turn = (hex: string) => Buffer.from(hex, 'hex').reverse().toString('hex');

function sidOf(guid: string): Buffer {
  const [first = '', second = '', third = '', ...rest] = guid.split('-');
  return Buffer.from([turn(first), turn(second), turn(third), ...rest].join(''), 'hex');
}

function guidOf(sid: Buffer): string {
  const hex = sid.toString('hex');
  const groups = [turn(hex.slice(0, 8)), turn(hex.slice(8, 12)), turn(hex.slice(12, 16)), hex.slice(16, 20)];
  return [...groups, hex.slice(20)].join('-');
}

/** Asks again until it is so: each asking is a round trip, so it needs no pause. */
async function until(isSo: () => Promise<boolean>) {
  for (let asked = 0; asked < 500; asked++) if (await isSo()) return;
  throw new Error('it never came to be so');
}
