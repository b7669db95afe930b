import { z } from 'zod';

// Entra compares identifiers without regard to case; one spelling inside keeps every look-up a plain equality.
const id = z.guid('must be a GUID').toLowerCase();
const text = z.string().min(1, 'must not be empty');
const roles = z.array(text);

const Person = z.strictObject({
  id,
  userPrincipalName: z.email('must look like an address'),
  displayName: text,
  mail: z.email('must look like an address').nullable(),
  jobTitle: text.nullable(),
  managerId: id.nullable(),
  accountEnabled: z.boolean(),
  password: text,
  appRoles: roles,
});

const Group = z.strictObject({ id, displayName: text, members: z.array(id) });

const Application = z.strictObject({
  clientId: id,
  servicePrincipalId: id,
  displayName: text,
  identifierUri: z
    .string()
    .regex(/^api:\/\/\S+[^/\s]$/, 'must be api://… without a slash at the end')
    .nullable(),
  secret: text.nullable(),
  /** Service principals whose token for `api://AzureADTokenExchange` stands for a secret. */
  federatedIdentities: z.array(id).default([]),
  redirectUris: z.array(z.string().refine(isRedirectUri, 'must be https, or http on localhost or 127.0.0.1')),
  appRoles: roles,
  accountEnabled: z.boolean().default(true),
  /** Of the access tokens that are made for it, where it is an API. */
  accessTokenVersion: z.literal([1, 2]).default(2),
});

const Shape = z.strictObject({
  tenantId: id,
  people: z.array(Person).min(1, 'must name at least one person'),
  groups: z.array(Group),
  applications: z.array(Application),
});

export type Company = z.infer<typeof Shape>;
export type Person = z.infer<typeof Person>;
export type Group = z.infer<typeof Group>;
export type Application = z.infer<typeof Application>;

/** The people, groups and applications of a JSON text. Throws an Error whose message has one sentence per fault, a line each. */
export function readCompany(text: string): Company {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`The company file is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const read = Shape.safeParse(json);
  const faults = read.success
    ? referenceFaults(read.data)
    : read.error.issues.map(({ path, message }) => `${z.core.toDotPath(path) || 'The company file'}: ${message}.`);
  if (!read.success || faults.length > 0) throw new Error(faults.join('\n'));
  return read.data;
}

function referenceFaults({ people, groups, applications }: Company): string[] {
  const objects = [...people, ...groups].map((each) => each.id).concat(applications.map((a) => a.servicePrincipalId));
  const known = new Set(objects);
  const isPerson = new Set(people.map((person) => person.id));
  return [
    ...repeated('The object id', objects),
    ...repeated(
      'The user principal name',
      people.map((person) => person.userPrincipalName.toLowerCase()),
    ),
    ...repeated(
      'The client id',
      applications.map((application) => application.clientId),
    ),
    ...repeated(
      'The identifier URI',
      applications.flatMap((application) => application.identifierUri ?? []),
    ),
    ...people
      .filter(({ managerId }) => managerId !== null && !isPerson.has(managerId))
      .map((person) => `The manager of ${person.displayName} (${person.managerId}) is not among the people.`),
    ...groups.flatMap((group) =>
      group.members
        .filter((member) => !known.has(member))
        .map((member) => `The group ${group.displayName} has a member (${member}) that is nowhere in the file.`),
    ),
    ...applications.flatMap(({ displayName, federatedIdentities }) =>
      federatedIdentities
        .filter((identity) => !applications.some(({ servicePrincipalId }) => servicePrincipalId === identity))
        .map((identity) => `The application ${displayName} trusts an identity (${identity}) that is no application’s.`),
    ),
  ];
}

function repeated(what: string, values: readonly string[]): string[] {
  const twice = new Set(values.filter((value, at) => values.indexOf(value) !== at));
  return [...twice].map((value) => `${what} ${value} is used more than once.`);
}

function isRedirectUri(value: string): boolean {
  const url = URL.parse(value);
  if (!url || value.includes('#') || value.includes('*')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname));
}
