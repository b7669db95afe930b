import { describe, expect, it } from 'vitest';
import { readCompany } from '../../../local/entra/index.ts';
import { ada, company } from './start.ts';

/** The faults that a change to the sample brings, one a line. */
function faults(change: (copy: typeof company) => void): string[] {
  const copy = structuredClone(company);
  change(copy);
  try {
    readCompany(JSON.stringify(copy));
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : [];
  }
}

describe('the company file', () => {
  it('reads the sample', () => {
    expect(faults(() => {})).toEqual([]);
  });

  it('is refused when it is not JSON', () => {
    expect(() => readCompany('{')).toThrow(Error);
  });

  it.each<[string, (copy: typeof company) => void]>([
    ['a tenant that is no GUID', (copy) => Object.assign(copy, { tenantId: 'contoso' })],
    ['an unknown key', (copy) => Object.assign(copy, { colour: 'blue' })],
    ['an object id used twice', ({ people, groups }) => Object.assign(groups[1] ?? {}, { id: people[0]?.id })],
    ['a name used twice', ({ people }) => Object.assign(people[1] ?? {}, { userPrincipalName: 'ADA@contoso.example' })],
    ['a manager who is nobody', ({ people, tenantId }) => Object.assign(people[0] ?? {}, { managerId: tenantId })],
    ['a member who is nobody', ({ groups, tenantId }) => groups[0]?.members.push(tenantId)],
    ['a redirect URI without TLS', ({ applications }) => applications[2]?.redirectUris.push('http://a.example/b')],
    [
      'a federated identity that is no application’s',
      ({ applications }) => applications[0]?.federatedIdentities.push(ada),
    ],
    [
      'a redirect URI with a wildcard',
      ({ applications }) => applications[2]?.redirectUris.push('https://*.a.example/b'),
    ],
  ])('is refused with one sentence for %s', (_what, change) => {
    const found = faults(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/\.$/);
  });

  it('names every fault at once', () => {
    const found = faults(({ people }) => {
      Object.assign(people[0] ?? {}, { id: 'x', mail: 'y' });
    });
    expect(found.map((fault) => fault.split(':')[0])).toEqual(['people[0].id', 'people[0].mail']);
  });

  it('is one spelling of an id inside', () => {
    const upper = readCompany(JSON.stringify(company).replaceAll(ada, ada.toUpperCase()));
    expect(upper.people[0]?.id).toBe(ada);
  });
});
