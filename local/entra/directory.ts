import type { Application, Company, Group, Person } from './company.ts';
import type { Edits } from './state-file.ts';

/** The company with the edits made since, and the questions that tokens and Graph ask of it. */
export class Directory {
  readonly tenantId: string;
  readonly #company: Company;
  readonly #edits: Edits;

  constructor(company: Company, edits: Edits) {
    this.#company = company;
    this.#edits = edits;
    this.tenantId = company.tenantId;
  }

  people(): Person[] {
    const { accountEnabled, managerId } = this.#edits;
    return this.#company.people.map((person) => ({
      ...person,
      accountEnabled: accountEnabled[person.id] ?? person.accountEnabled,
      // Null is an edit too: nobody.
      managerId: person.id in managerId ? (managerId[person.id] ?? null) : person.managerId,
    }));
  }

  get applications(): Application[] {
    return this.#company.applications.map((application) => ({
      ...application,
      accountEnabled: this.#edits.accountEnabled[application.servicePrincipalId] ?? application.accountEnabled,
    }));
  }

  groups(): Group[] {
    return this.#company.groups.map((group) => ({ ...group, members: this.#edits.members[group.id] ?? group.members }));
  }

  person(idOrName: string): Person | undefined {
    const key = idOrName.toLowerCase();
    return this.people().find((person) => person.id === key || person.userPrincipalName.toLowerCase() === key);
  }

  group(id: string): Group | undefined {
    return this.groups().find((group) => group.id === id.toLowerCase());
  }

  application(clientId: string): Application | undefined {
    return this.applications.find((application) => application.clientId === clientId.toLowerCase());
  }

  servicePrincipal(id: string): Application | undefined {
    return this.applications.find((application) => application.servicePrincipalId === id.toLowerCase());
  }

  /** The application that is meant by a client id or an identifier URI, where it is an API that tokens are made for. */
  api(name: string): Application | undefined {
    return this.applications.find(
      ({ identifierUri, clientId }) => identifierUri === name || (identifierUri !== null && clientId === name),
    );
  }

  /** Groups that hold the object, directly or through other groups, in the order of the company file; a circle of groups ends. */
  groupsOf(id: string): Group[] {
    const groups = this.groups();
    const found = new Set<Group>();
    const wanted = [id];
    for (const member of wanted)
      for (const group of groups)
        if (!found.has(group) && group.members.includes(member)) {
          found.add(group);
          wanted.push(group.id);
        }
    return groups.filter((group) => found.has(group));
  }

  /** People in the group, directly or through other groups, each once, in the order of the company file. */
  peopleIn(groupId: string): Person[] {
    return this.people().filter((person) => this.groupsOf(person.id).some((group) => group.id === groupId));
  }

  /** Whether an object of that id exists, of any kind. */
  has(id: string): boolean {
    return Boolean(this.people().find((p) => p.id === id) ?? this.group(id) ?? this.servicePrincipal(id));
  }
}
