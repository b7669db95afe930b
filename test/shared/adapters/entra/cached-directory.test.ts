import { beforeEach, expect, test } from 'vitest';
import { createCachedDirectory } from '../../../../shared/adapters/entra/cached-directory.ts';
import { CurfewError } from '../../../../shared/domain/errors.ts';
import type { PrincipalId } from '../../../../shared/domain/ids.ts';
import type { Person } from '../../../../shared/domain/policy.ts';
import { plus } from '../../../../shared/domain/time.ts';
import type { Directory } from '../../../../shared/ports.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const [ada, robot, group] = ['ada', 'robot', 'group'] as PrincipalId[] as [PrincipalId, PrincipalId, PrincipalId];
const someone = { principalId: ada, name: 'Ada', userPrincipalName: 'ada@contoso.example', mail: '' };

let asked: string[];
let answer: () => Promise<Person | undefined>;
let time: VirtualClock;
let directory: Directory;
beforeEach(() => {
  [asked, time] = [[], new VirtualClock()];
  answer = () => Promise.resolve(someone);
  const ask = (kind: string) => (name: string) => {
    asked.push(`${kind} ${name}`);
    return answer();
  };
  const bare: Directory = {
    person: ask('person'),
    application: ask('application'),
    manager: ask('manager'),
    memberGroups: ({ principalId, clientId }, groups) => {
      asked.push(`groups of ${principalId} ${clientId}: ${groups.join()}`);
      return Promise.resolve([...groups]);
    },
    groupMembers: (id) => {
      asked.push(`members of ${id}`);
      return Promise.resolve([someone]);
    },
  };
  directory = createCachedDirectory(bare, time.clock);
});

const pass = (milliseconds: number) => time.advanceTo(plus(time.now, milliseconds), async () => undefined);

test('an answer is given again for ten seconds, and no longer', async () => {
  await directory.person('ada');
  await pass(9_999);
  expect(await directory.person('ada')).toBe(someone);
  expect(asked).toHaveLength(1);
  await pass(1);
  await directory.person('ada');
  expect(asked).toHaveLength(2);
});

test('so is the answer that nobody is there', async () => {
  answer = () => Promise.resolve(undefined);
  expect([await directory.person('eve'), await directory.person('eve')]).toEqual([undefined, undefined]);
  expect(asked).toHaveLength(1);
});

test('those who ask at the same time share one call', async () => {
  await Promise.all([directory.manager(ada), directory.manager(ada), directory.manager(ada)]);
  expect(asked).toEqual(['manager ada']);
});

test('a failure is told to all who share it, and forgotten', async () => {
  answer = () => Promise.reject(new CurfewError('CURFEW_DIRECTORY_UNAVAILABLE'));
  const both = await Promise.allSettled([directory.person('ada'), directory.person('ada')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(asked).toHaveLength(1);
  answer = () => Promise.resolve(someone);
  expect(await directory.person('ada')).toBe(someone);
});

test('another question is another answer', async () => {
  await directory.person('ada');
  await directory.application(ada);
  await directory.manager(ada);
  await directory.groupMembers(group);
  await directory.memberGroups({ principalId: ada }, [group]);
  await directory.memberGroups({ principalId: ada, clientId: robot }, [group]);
  await directory.memberGroups({ principalId: ada }, []);
  await directory.memberGroups({ ...someone }, [group]);
  expect(asked).toEqual([
    'person ada',
    'application ada',
    'manager ada',
    'members of group',
    'groups of ada undefined: group',
    'groups of ada robot: group',
    'groups of ada undefined: ',
  ]);
});

test('of more than a thousand answers the oldest is forgotten', async () => {
  for (let count = 0; count <= 1_000; count++) await directory.person(`${count}`);
  await directory.person('1');
  expect(asked).toHaveLength(1_001);
  await directory.person('0');
  expect(asked).toHaveLength(1_002);
});
