import { expect, test } from 'vitest';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import { dropFromRole } from '../../../../shared/providers/sql-role/drop.ts';
import { scriptedDatabase, serverError } from './scripted-database.ts';

const maria = { principalId: '00112233-4455-6677-8899-aabbccddeeff' as PrincipalId };
const at = new Date('2026-11-21T09:00:00.123Z');
const member = { held: 1, at, sees: 1 };
const noMember = { held: 0, at, sees: 1 };
const user = (name: string) => ({ name, principal_id: 7 });
const droppedAt = '2026-11-21T09:00:00.123Z';

test('a prepared drop is one round trip', async () => {
  const database = scriptedDatabase([[member], [noMember]]);
  expect(await dropFromRole(database, 'reader', maria, 'maria')).toEqual({ outcome: 'revoked', droppedAt });
  expect(database.sent).toHaveLength(1);
});

test('a drop that found no member says so', async () => {
  const database = scriptedDatabase([[noMember], [noMember]]);
  expect(await dropFromRole(database, 'reader', maria, 'maria')).toEqual({ outcome: 'absent', droppedAt });
});

test('a user that was renamed after the preparation is dropped under its new name', async () => {
  const database = scriptedDatabase([[member], [member]], [[user('maria.new')]], [[member], [noMember]]);
  expect(await dropFromRole(database, 'reader', maria, 'maria')).toEqual({ outcome: 'revoked', droppedAt });
  expect(database.sent.at(-1)?.text).toContain('DROP MEMBER [maria.new]');
});

test('a member that stays is not called dropped', async () => {
  const database = scriptedDatabase([[user('maria')]], [[member], [member]]);
  await expect(dropFromRole(database, 'reader', maria)).rejects.toMatchObject({ code: 'CURFEW_TARGET_NOT_VERIFIED' });
});

test('a role or user that has gone leaves nothing to take', async () => {
  const database = scriptedDatabase(serverError(15151), [[noMember]]);
  expect(await dropFromRole(database, 'reader', maria, 'maria')).toEqual({ outcome: 'absent', droppedAt });
});

test('a member that Curfew may not drop is an error, not an absence', async () => {
  const database = scriptedDatabase(serverError(15151), [[member]]);
  await expect(dropFromRole(database, 'reader', maria, 'maria')).rejects.toMatchObject({ number: 15151 });
});

test('any other error is passed on', async () => {
  await expect(dropFromRole(scriptedDatabase(serverError(1205)), 'reader', maria, 'maria')).rejects.toMatchObject({
    number: 1205,
  });
});

test('an answer of another form is not taken for a drop', async () => {
  for (const answer of [
    [],
    [[member]],
    [[member], []],
    [[member], [{ ...noMember, held: 'no' }]],
    [[member], [{ ...noMember, at: droppedAt }]],
  ]) {
    await expect(dropFromRole(scriptedDatabase(answer), 'reader', maria, 'maria')).rejects.toMatchObject({
      code: 'CURFEW_TARGET_NOT_VERIFIED',
    });
  }
});

test('an absence that Curfew may not see is none', async () => {
  for (const sees of [0, null]) {
    const database = scriptedDatabase([[]], [[{ ...noMember, sees }]]);
    await expect(dropFromRole(database, 'reader', maria)).rejects.toMatchObject({ code: 'CURFEW_TARGET_NOT_VERIFIED' });
  }
});
