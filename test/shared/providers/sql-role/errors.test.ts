import mssql from 'mssql';
import { describe, expect, test } from 'vitest';
import { CurfewError, type ErrorCode } from '../../../../shared/domain/errors.ts';
import { curfewError, isShutOut, LoginRefused, numberOf } from '../../../../shared/providers/sql-role/errors.ts';

const secret = "CREATE USER [maria@contoso.example] at /srv/db with token eyJhbGciOi'";

/** As the driver builds it: an error of the server comes with `info`. */
const fromServer = (number: number) =>
  new mssql.RequestError(Object.assign(new Error(secret), { info: { number } }), 'EREQUEST');

const code = (error: unknown, otherwise: ErrorCode = 'CURFEW_INTERNAL') => curfewError(error, otherwise).code;

describe('an error of the server', () => {
  test.each([
    40613, 40197, 40501, 49918, 49919, 49920, 10928, 10929, 40615, 4060, 18456, 1205, 1222, 596, 615, 926, 11001, 17197,
    40549, 40553,
  ])('%i may pass', (number) => expect(code(fromServer(number))).toBe('CURFEW_TARGET_UNAVAILABLE'));
  test.each([15151, 15247, 229, 15405, 15413, 15081, 297, 6102, 33130, 33131, 33134, 33159])('%i is final', (number) =>
    expect(code(fromServer(number))).toBe('CURFEW_TARGET_REFUSED'),
  );
  test.each([15023, 15063])('%i is a name that is taken', (number) =>
    expect(code(fromServer(number))).toBe('CURFEW_USER_NAME_TAKEN'),
  );
  test('of an unknown number is what the caller makes of it', () => {
    expect(code(fromServer(99_999), 'CURFEW_TARGET_REFUSED')).toBe('CURFEW_TARGET_REFUSED');
    expect(code(fromServer(99_999), 'CURFEW_TARGET_UNAVAILABLE')).toBe('CURFEW_TARGET_UNAVAILABLE');
  });
  test('says when to come back, where the server does', () => {
    expect(curfewError(fromServer(40501), 'CURFEW_INTERNAL').refusal.retryAfter).toBe(10);
    expect(curfewError(fromServer(40613), 'CURFEW_INTERNAL').refusal.retryAfter).toBeUndefined();
  });
  test('is found under the error of a transaction', () => {
    const inner = Object.assign(new Error(secret), { number: 1205, code: 'EREQUEST' });
    expect(numberOf(new mssql.TransactionError(inner))).toBe(1205);
  });
});

describe('an error without a number', () => {
  test.each(['ELOGIN', 'ESOCKET', 'ETIMEOUT', 'ENOTOPEN'] as const)(
    '%s means that the target is not there',
    (driver) => {
      expect(code(new mssql.ConnectionError(secret, driver), 'CURFEW_TARGET_REFUSED')).toBe(
        'CURFEW_TARGET_UNAVAILABLE',
      );
    },
  );
  test('a request that timed out, whose number is a word, is one', () => {
    const inner = Object.assign(new Error(secret), { code: 'ETIMEOUT' });
    expect(code(new mssql.RequestError(inner, 'EREQUEST'))).toBe('CURFEW_TARGET_UNAVAILABLE');
  });
  test('what is not even an error is one', () => expect(code(undefined)).toBe('CURFEW_TARGET_UNAVAILABLE'));
});

test('nothing of the foreign error comes along but its number or code', () => {
  const odd = Object.assign(new Error(secret), { code: secret });
  for (const error of [fromServer(15151), fromServer(99_999), new mssql.ConnectionError(secret, 'ELOGIN'), odd]) {
    const made = curfewError(error, 'CURFEW_TARGET_REFUSED');
    expect(made.cause).toBeUndefined();
    expect([made.message, made.stack, JSON.stringify(made)].join()).not.toMatch(/maria|srv|eyJ|CREATE/);
  }
});

test('a refused login may pass, whatever its number, and two of them say that nobody is let in', () => {
  for (const number of [4060, 18456, 40613, 40615, 99_999]) {
    const refused = new LoginRefused(number);
    const { code, refusal } = curfewError(refused, 'CURFEW_TARGET_REFUSED');
    expect([code, refusal.detail]).toEqual([
      'CURFEW_TARGET_UNAVAILABLE',
      expect.stringContaining(`(ELOGIN ${number})`),
    ]);
    expect(isShutOut(refused)).toBe([4060, 18456].includes(number));
  }
  // A session whose user was dropped behind its back.
  expect([916, 229].map((number) => isShutOut(fromServer(number)))).toEqual([true, false]);
});

test('an error of Curfew’s own passes through', () => {
  const own = new CurfewError('CURFEW_TARGET_NOT_VERIFIED');
  expect(curfewError(own, 'CURFEW_TARGET_REFUSED')).toBe(own);
});
