import { connect as connectTcp } from 'node:net';
import sql from 'mssql';
import { Connection } from 'tedious';
import { describe, expect, test } from 'vitest';
import { ADA, ADA_SID, ADMINISTRATOR, errorOf, run, SERVICE, stand, tokenLogin } from './support.ts';

describe('logging in', () => {
  test('an application logs in by its token and is known by its client id', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    const [row] = await run(
      service,
      'SELECT DB_NAME() AS db, USER_NAME() AS usr, SUSER_SNAME() AS login, @@SPID AS spid',
    );
    expect(row).toEqual({ db: 'orders', usr: 'curfew-service', login: SERVICE.name, spid: 51 });
  });

  test('a credential is asked for a token of the database resource', async () => {
    await using s = await stand();
    const asked: unknown[] = [];
    const credential = {
      getToken: async (scope: string | string[]) => {
        asked.push(scope);
        return { token: JSON.stringify(SERVICE), expiresOnTimestamp: Date.now() + 60_000 };
      },
    };
    const pool = new sql.ConnectionPool({
      server: 'localhost',
      port: s.server.port,
      database: 'orders',
      options: { encrypt: true, cryptoCredentialsDetails: { ca: s.ca } },
      authentication: { type: 'token-credential', options: { credential } },
    });
    await pool.connect();
    expect((await run(pool, 'SELECT USER_NAME() AS usr'))[0].usr).toBe('curfew-service');
    expect(new Set(asked)).toEqual(new Set(['https://database.windows.net/.default']));
    await pool.close();
  });

  test('a person logs in by password as the same principal as by token', async () => {
    await using s = await stand();
    const service = await s.as(SERVICE);
    await run(service, `CREATE USER [ada] WITH SID = ${ADA_SID}, TYPE = E`);
    const byToken = await s.as(ADA);
    const byPassword = await s.withPassword(ADA.name, 'ada-on-a-laptop');
    const who = 'SELECT DATABASE_PRINCIPAL_ID() AS id, SUSER_SID() AS sid';
    expect(await run(byPassword, who)).toEqual(await run(byToken, who));
  });

  test('a login without a user, a wrong password and a bad token are all refused', async () => {
    await using s = await stand({
      authenticateToken: async (token) => {
        if (token === 'bad') throw new Error('bad token');
        return JSON.parse(token) as typeof ADA;
      },
    });
    await expect(s.as(ADA)).rejects.toMatchObject({ code: 'ELOGIN' });
    await expect(s.withPassword(ADA.name, 'ada-on-a-laptop')).rejects.toMatchObject({ code: 'ELOGIN' });
    await expect(s.withPassword(ADA.name, 'guess')).rejects.toMatchObject({ code: 'ELOGIN' });
    expect(await loginErrors(s.server.port, s.ca, 'orders', 'bad')).toEqual([18456]);
    expect(s.server.audit('orders').filter(({ action }) => action === 'LOGIN FAILED')).toHaveLength(4);
  });

  test('an unknown database is 4060, then 18456', async () => {
    await using s = await stand();
    expect(await loginErrors(s.server.port, s.ca, 'nowhere', JSON.stringify(SERVICE))).toEqual([4060, 18456]);
  });

  test('revoking CONNECT keeps a user out', async () => {
    await using s = await stand();
    const administrator = await s.as(ADMINISTRATOR);
    await run(administrator, 'REVOKE CONNECT FROM [curfew-service]');
    await expect(s.as(SERVICE)).rejects.toMatchObject({ code: 'ELOGIN' });
  });

  test('the administrator is dbo', async () => {
    await using s = await stand();
    const administrator = await s.as(ADMINISTRATOR);
    expect((await run(administrator, "SELECT USER_NAME() AS usr, IS_ROLEMEMBER('db_owner') AS owner"))[0]).toEqual({
      usr: 'dbo',
      owner: 1,
    });
  });
});

describe('encryption', () => {
  test('nonsense within the handshake ends the connection, not the server', async () => {
    await using s = await stand();
    // One option: encryption is on.
    const prelogin = '1201000f00000100' + '0100060001ff01';
    for (const noise of ['12010003', '1201000c0000010041414141', '1603010005']) {
      await new Promise<void>((resolve) => {
        const socket = connectTcp(s.server.port, '127.0.0.1', () => socket.write(Buffer.from(prelogin, 'hex')));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.once('data', () => socket.end(Buffer.from(noise, 'hex')));
      });
    }
    expect(await errorOf(await s.as(SERVICE), 'SELECT 1')).toBe(0);
  });

  test('a client that will not encrypt is refused', async () => {
    await using s = await stand();
    const pool = new sql.ConnectionPool({
      server: 'localhost',
      port: s.server.port,
      database: 'orders',
      options: { encrypt: false },
      authentication: tokenLogin(JSON.stringify(SERVICE)),
    });
    await expect(pool.connect()).rejects.toMatchObject({ code: 'EENCRYPT' });
  });

  test('a certificate of an unknown authority is refused by the client', async () => {
    await using s = await stand();
    const pool = new sql.ConnectionPool({
      server: 'localhost',
      port: s.server.port,
      database: 'orders',
      options: { encrypt: true },
      authentication: tokenLogin(JSON.stringify(SERVICE)),
    });
    await expect(pool.connect()).rejects.toMatchObject({ code: 'ESOCKET' });
  });

  test('a client that speaks something else is cut off, and the server goes on', async () => {
    await using s = await stand();
    for (const noise of [
      'GET / HTTP/1.1\r\n\r\n',
      '\u0012\u0001\u0000\u0001\u0000\u0000\u0000\u0000',
      '\u0010\u0001\u0000\u0009\u0000\u0000\u0000\u0000x',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connectTcp(s.server.port, '127.0.0.1', () => socket.write(noise, 'latin1'));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    expect(await errorOf(await s.as(SERVICE), 'SELECT 1')).toBe(0);
  });
});

/** The driver keeps the numbers of login errors to itself; its events have them. */
function loginErrors(port: number, ca: string, database: string, token: string): Promise<number[]> {
  return new Promise((resolve) => {
    const numbers: number[] = [];
    const connection = new Connection({
      server: 'localhost',
      options: { port, database, encrypt: true, cryptoCredentialsDetails: { ca } },
      authentication: { type: 'azure-active-directory-access-token', options: { token } },
    });
    connection.on('errorMessage', ({ number }) => numbers.push(number));
    connection.on('end', () => resolve(numbers));
    connection.connect(() => connection.close());
  });
}
