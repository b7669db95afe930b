import type { Person, Policy } from './domain/policy.ts';
import { foldCase } from './domain/text.ts';
import type { Directory } from './ports.ts';

/** The directory, with the zone beside each person whose time they read. An application reads no clock. */
export function inTimeZones(directory: Directory, zonesOf: () => Pick<Policy, 'timeZone' | 'zones'>): Directory {
  const placed = (person: Person): Person => {
    const { timeZone, zones } = zonesOf();
    return { ...person, timeZone: zones[foldCase(person.userPrincipalName)] ?? timeZone };
  };
  return {
    ...directory,
    async person(idOrName) {
      const found = await directory.person(idOrName);
      return found && placed(found);
    },
    async manager(principalId) {
      const found = await directory.manager(principalId);
      return found && placed(found);
    },
    async groupMembers(groupId) {
      return (await directory.groupMembers(groupId)).map(placed);
    },
  };
}
