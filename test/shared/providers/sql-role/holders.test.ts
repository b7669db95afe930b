import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { loginSidOf, sidOf } from '../../../../shared/providers/sql-role/sid.ts';
import { holderOf } from '../../../../shared/providers/sql-role/users.ts';

const id = '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId;

test('people and groups are known by their id, however their user was made', () => {
  for (const sid of [sidOf({ principalId: id }), loginSidOf({ principalId: id })]) {
    expect(holderOf({ name: 'maria', type: 'E', sid })).toEqual({ principalId: id, name: 'maria' });
    expect(holderOf({ name: 'team', type: 'X', sid })).toEqual({ principalId: id, name: 'team' });
  }
});

test('whom Entra ID does not know has a name alone, even with a SID as long as a GUID', () => {
  for (const [type, sid] of [
    ['S', sidOf({ principalId: id })],
    ['R', Buffer.alloc(28)],
    ['E', Buffer.alloc(3)],
    ['S', null],
  ] as const) {
    expect(holderOf({ name: 'app', type, sid })).toEqual({ principalId: '', name: 'app' });
  }
});
