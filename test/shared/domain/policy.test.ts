import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PrincipalId } from '../../../shared/domain/ids.ts';
import { isInAudience, mayBreakGlass, type Person, requesterGroups, rolesFor } from '../../../shared/domain/policy.ts';
import { ada, analysts, bob, owners, policy, question } from './generated.ts';

const nobody = { people: [], groups: [] };
const application = 'd0000000-0000-4000-8000-000000000005' as PrincipalId;
const client = 'c0000000-0000-4000-8000-000000000005' as PrincipalId;
const nightlyExport: Person = {
  principalId: application,
  clientId: client,
  name: 'nightly-export',
  userPrincipalName: 'nightly-export',
  mail: '',
};

function named(userPrincipalName: string): Person {
  return { ...ada, userPrincipalName };
}

describe('an audience', () => {
  test('has whoever is named, in any case of ASCII letters, and whoever is in a group', () => {
    const audience = { people: ['BOB@contoso.example'], groups: [analysts] };
    expect(isInAudience(audience, bob, [])).toBe(true);
    expect(isInAudience(audience, ada, [analysts])).toBe(true);
    expect(isInAudience(audience, ada, [owners])).toBe(false);
  });
  test.each([
    ['a Kelvin sign', 'mi\u212ae@contoso.example', 'mike@contoso.example'],
    ['full-width letters', '\uff42\uff4f\uff42@contoso.example', 'bob@contoso.example'],
    ['a long s', 'ro\u017fa@contoso.example', 'rosa@contoso.example'],
    ['a dotted capital i', 'l\u0130sa@contoso.example', 'lisa@contoso.example'],
    ['a dotless i', 'l\u0131sa@contoso.example', 'LISA@contoso.example'],
    ['a Cyrillic o', 'b\u043eb@contoso.example', 'bob@contoso.example'],
    ['a letter and its accent apart', 'rene\u0301@contoso.example', 'ren\u00e9@contoso.example'],
    ['another accented capital', 'REN\u00c9@contoso.example', 'ren\u00e9@contoso.example'],
    ['a sharp s', 'gro\u00df@contoso.example', 'GROSS@contoso.example'],
    ['a space at the end', 'bob@contoso.example ', 'bob@contoso.example'],
    ['a zero-width space', 'bo\u200bb@contoso.example', 'bob@contoso.example'],
  ])('has nobody by a look-alike: %s', (_, likeness, meant) => {
    expect(isInAudience({ people: [meant], groups: [] }, named(likeness), [])).toBe(false);
    expect(isInAudience({ people: [likeness], groups: [] }, named(meant), [])).toBe(false);
  });
  test('has a name in any case of ASCII letters and in no other form', () => {
    const swap = (letter: string) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase());
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(isInAudience({ people: [name.replace(/[a-zA-Z]/g, swap)], groups: [] }, named(name), [])).toBe(true);
        const folded = name.normalize('NFKC').toLowerCase();
        if (folded === name.replace(/[A-Z]/g, swap)) return;
        expect(isInAudience({ people: [folded], groups: [] }, named(name), [])).toBe(false);
      }),
    );
  });
  test('has an application by the object id of its service principal and by nothing else', () => {
    expect(isInAudience({ ...nobody, applications: [application] }, nightlyExport, [])).toBe(true);
    expect(isInAudience({ ...nobody, applications: [client] }, nightlyExport, [])).toBe(false);
    expect(isInAudience({ ...nobody, people: ['nightly-export'] }, nightlyExport, [])).toBe(false);
    expect(isInAudience({ ...nobody, groups: [analysts] }, nightlyExport, [analysts])).toBe(true);
  });
  test('has no person by an application’s id', () => {
    expect(isInAudience({ ...nobody, applications: [ada.principalId] }, ada, [])).toBe(false);
  });
});

test('what is listed is what may be asked for, if only by breaking the glass', () => {
  fc.assert(
    fc.property(policy, question, (of, { requester, groups }) => {
      const known = groups === 'unknown' ? [] : groups;
      const listed = rolesFor(of, requester, known).flatMap(({ roles }) => roles);
      const open = of.targets.flatMap(({ roles }) =>
        roles.filter((role) => isInAudience(role.requesters, requester, known) || mayBreakGlass(role, requester)),
      );
      expect(listed).toEqual(open);
    }),
  );
});

test('the directory is asked about every group that decides over a requester', () => {
  fc.assert(
    fc.property(policy, (of) => {
      const asked = requesterGroups(of);
      expect(new Set(asked).size).toBe(asked.length);
      for (const { roles } of of.targets) {
        for (const { requesters, automaticApprovals } of roles) {
          for (const audience of [requesters, ...automaticApprovals.map((each) => each.requesters ?? nobody)]) {
            expect(asked).toEqual(expect.arrayContaining([...audience.groups]));
          }
        }
      }
      for (const { when } of of.rules) {
        expect(asked).toEqual(expect.arrayContaining([...(when.requesters?.groups ?? [])]));
      }
    }),
  );
});
