import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { loginSidOf, principalIdOf, sidOf } from '../../../../shared/providers/sql-role/sid.ts';

const id = '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId;

test('the first three groups of a GUID are little-endian in a SID', () => {
  expect(sidOf({ principalId: id }).toString('hex')).toBe('33221100554477668899aabbccddeeff');
});

test('an application has the SID of its client id', () => {
  const principalId = 'd0000000-0000-4000-8000-000000000005' as PrincipalId;
  expect(sidOf({ principalId, clientId: id })).toEqual(sidOf({ principalId: id }));
  expect(loginSidOf({ principalId, clientId: id })).toEqual(loginSidOf({ principalId: id }));
});

test('a SID gives back the principal that it was made of', () => {
  fc.assert(
    fc.property(fc.uuid(), (guid) => {
      expect(principalIdOf(sidOf({ principalId: guid as PrincipalId }))).toBe(guid);
      expect(principalIdOf(loginSidOf({ principalId: guid as PrincipalId }))).toBe(guid);
    }),
  );
});

test('an upper-case GUID is the same principal', () => {
  expect(sidOf({ principalId: id.toUpperCase() as PrincipalId })).toEqual(sidOf({ principalId: id }));
});

test('a SID that is not one of Entra ID gives no principal', () => {
  expect(principalIdOf(Buffer.from([1]))).toBeUndefined();
  expect(principalIdOf(Buffer.alloc(28))).toBeUndefined();
  expect(principalIdOf(Buffer.alloc(18))).toBeUndefined();
});

test('what is not a GUID has no SID', () => {
  for (const text of ['', 'bob', `${id}0`, `0x${id}`, `${id}\n`]) {
    expect(() => sidOf({ principalId: text as PrincipalId })).toThrow(
      expect.objectContaining({ code: 'CURFEW_TARGET_REFUSED' }),
    );
  }
});
