import { type Approvers, isInAudience, type Person, type Stage } from './domain/policy.ts';
import type { Directory } from './ports.ts';

/** Whether they are among them now. Asks the directory anew: a person as written down may have been switched off or moved since. */
export async function isStillIn(
  directory: Directory,
  audience: Approvers,
  { principalId, clientId }: Person,
  requester?: Person,
): Promise<boolean> {
  const found = clientId === undefined ? await directory.person(principalId) : await directory.application(principalId);
  if (!found) return false;
  const groups = audience.groups.length > 0 ? await directory.memberGroups(found, audience.groups) : [];
  if (isInAudience(audience, found, groups)) return true;
  if (!audience.manager || requester === undefined) return false;
  return (await managerOf(directory, requester))?.principalId === principalId;
}

/** Whether the approver may still decide in this stage: as one of those asked first, or after nobody answered. */
export async function mayStillDecide(
  directory: Directory,
  stage: Stage | undefined,
  approver: Person,
  requester: Person,
): Promise<boolean> {
  const audiences = [stage?.approvers, stage?.escalation?.to].filter((audience) => audience !== undefined);
  for (const audience of audiences) {
    if (await isStillIn(directory, audience, approver, requester)) return true;
  }
  return false;
}

/** Everybody among them, once each, in the policy's order. People the directory doesn't know are left out. */
export async function peopleIn(directory: Directory, audience: Approvers, requester?: Person): Promise<Person[]> {
  const manager = audience.manager && requester ? [managerOf(directory, requester)] : [];
  const named = await Promise.all([...manager, ...audience.people.map((name) => directory.person(name))]);
  const members = await Promise.all(audience.groups.map((group) => directory.groupMembers(group)));
  const people = [...named, ...members.flat()].filter((person) => person !== undefined);
  return [...new Map(people.map((person) => [person.principalId, person])).values()];
}

/** An application has no manager. */
async function managerOf(directory: Directory, { principalId, clientId }: Person): Promise<Person | undefined> {
  return clientId === undefined ? directory.manager(principalId) : undefined;
}
