import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import {
  addMember,
  createUser,
  dropMember,
  dropUser,
  killSession,
  markUser,
  membership,
  quoteName,
  sessions,
} from '../../../../shared/providers/sql-role/statements.ts';

const maria = { principalId: '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId };
const hostile = 'x]; DROP USER bob;--@contoso.example';
const refusal = expect.objectContaining({ code: 'CURFEW_TARGET_REFUSED' });

describe('quoteName', () => {
  test('doubles the closing bracket and leaves the rest', () => {
    expect(quoteName(hostile)).toBe('[x]]; DROP USER bob;--@contoso.example]');
    expect(quoteName("fionn.o'brien@contoso.example")).toBe("[fionn.o'brien@contoso.example]");
  });

  test('refuses what cannot be a name', () => {
    for (const name of ['', 'a\0b', 'x'.repeat(129)]) expect(() => quoteName(name)).toThrow(refusal);
    expect(quoteName('x'.repeat(128))).toHaveLength(130);
  });

  test('of any text makes one bracketed name that reads back as the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (name) => {
        fc.pre(name.length <= 128 && !name.includes('\0'));
        const quoted = quoteName(name);
        expect(quoted).toMatch(/^\[(?:[^\]]|\]\])*\]$/);
        expect(quoted.slice(1, -1).replaceAll(']]', ']')).toBe(name);
      }),
    );
  });
});

describe('statements', () => {
  test('a user is created under its name with its SID', () => {
    expect(createUser(hostile, maria)).toEqual({
      operation: 'createUser',
      text: 'CREATE USER [x]]; DROP USER bob;--@contoso.example] WITH SID = 0x33221100554477668899aabbccddeeff, TYPE = E',
    });
  });

  test('names of roles and users stand in brackets', () => {
    expect(addMember('a]b', hostile).text).toBe('ALTER ROLE [a]]b] ADD MEMBER [x]]; DROP USER bob;--@contoso.example]');
    expect(dropUser(hostile).text).toBe('DROP USER [x]]; DROP USER bob;--@contoso.example]');
  });

  test('a drop asks, drops if the name is still theirs, and asks again', () => {
    const { text, values } = dropMember('a]b', hostile, maria);
    const [before, drop, after] = text.split(';\n');
    expect(drop).toMatch(
      /^IF EXISTS \(SELECT 1 FROM sys.database_principals WHERE name = @name AND sid IN \(@sid, @loginSid\)\) /,
    );
    expect(drop).toContain(' ALTER ROLE [a]]b] DROP MEMBER [x]]; DROP USER bob;--@contoso.example]');
    expect([before, after]).toEqual([membership('a]b', maria).text, membership('a]b', maria).text]);
    expect(values).toEqual({ ...membership('a]b', maria).values, name: hostile });
  });

  test('a value is never in the text', () => {
    const marker = 'Zebra';
    for (const { operation, text, values } of [markUser(marker), membership(marker, maria), sessions(maria)]) {
      expect(`${operation} ${text}`).not.toMatch(/Zebra|332211/);
      expect(Object.keys(values ?? {}).every((name) => text.includes(`@${name}`))).toBe(true);
    }
  });

  test('a session is ended only while it is the principal’s and not one’s own', () => {
    const { text, values } = killSession(maria, 57);
    expect(text).toMatch(
      /IF \(SELECT [^;]*security_id IN \(@sid, @loginSid\)[^;]*<> @@SPID AND session_id = @session\) > 0 KILL 57$/,
    );
    expect(values?.session).toBe(57);
  });

  test('only a positive whole number is killed', () => {
    for (const session of [0, -1, 1.5, Number.NaN]) expect(() => killSession(maria, session)).toThrow();
  });
});
