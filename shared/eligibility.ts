import { type Audience, isInAudience, type Person } from './domain/policy.ts';
import type { Directory } from './ports.ts';

/** Asks the directory anew: the person as it was written down may have been switched off or moved since. */
export async function isStillIn(directory: Directory, audience: Audience, { principalId }: Person): Promise<boolean> {
  const person = await directory.person(principalId);
  if (!person) return false;
  const groups = await directory.memberGroups(principalId, audience.groups);
  return isInAudience(audience, person, groups);
}

/** Everybody in the audience, once each, in the policy's order. People the directory doesn't know are left out. */
export async function peopleIn(directory: Directory, audience: Audience): Promise<Person[]> {
  const named = await Promise.all(audience.people.map((name) => directory.person(name)));
  const members = await Promise.all(audience.groups.map((group) => directory.groupMembers(group)));
  const people = [...named, ...members.flat()].filter((person) => person !== undefined);
  return [...new Map(people.map((person) => [person.principalId, person])).values()];
}
