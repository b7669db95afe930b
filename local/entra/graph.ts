import { z } from 'zod';
import type { Application, Group, Person } from './company.ts';
import type { Directory } from './directory.ts';
import { GraphError } from './errors.ts';
import { json, type Reply, type Request } from './http.ts';
import type { Verified } from './tokens.ts';

type Entity = Record<string, unknown>;
type Row = { entity: Entity; type: string; byDefault: readonly string[] };

const personDefaults = ['displayName', 'jobTitle', 'mail', 'userPrincipalName', 'id'];
const CheckMemberGroups = z.strictObject({ groupIds: z.array(z.guid()).min(1).max(20) });

/** What of Microsoft Graph v1.0 Curfew reads. `verify` checks the bearer token. */
export async function answerGraph(
  directory: Directory,
  verify: (token: string) => Promise<Verified>,
  root: string,
  request: Request,
): Promise<Reply> {
  await authenticate(verify, request);
  const options = readOptions(request.url);
  const { path, method } = request;
  const [, , collection, id, ...rest] = path;
  const tail = rest.join('/');
  const get = method === 'GET';
  const one = (row: Row): Reply => json({ '@odata.context': `${root}/$metadata`, ...pick(row, options.select) });
  const many = (rows: Row[]): Reply => json(page(rows, options, root, request.url));

  if (collection === 'users' && get && id === undefined) return many(filtered(directory, options.filter));
  if (id === undefined) throw unknownRoute(request);
  if (options.filter !== undefined) throw new GraphError(501, 'notSupported', '$filter is for /users alone.');

  if (collection === 'users') {
    const person = directory.person(id) ?? notFound(id);
    if (get && tail === '') return one(userRow(person));
    if (get && tail === 'manager') return one(userRow(directory.person(person.managerId ?? '') ?? notFound('manager')));
    if (get && tail === 'transitiveMemberOf/microsoft.graph.group')
      return many(directory.groupsOf(person.id).map(groupRow));
    if (method === 'POST' && tail === 'checkMemberGroups')
      return checkMemberGroups(directory, person.id, root, request);
  }
  if (collection === 'groups' && get) {
    const group = directory.group(id) ?? notFound(id);
    if (tail === '') return one(groupRow(group));
    if (tail === 'transitiveMembers/microsoft.graph.user') return many(directory.peopleIn(group.id).map(userRow));
  }
  if (collection === 'servicePrincipals') {
    const application = directory.servicePrincipal(id) ?? notFound(id);
    if (get && tail === '') return one(servicePrincipalRow(application));
    if (method === 'POST' && tail === 'checkMemberGroups')
      return checkMemberGroups(directory, application.servicePrincipalId, root, request);
  }
  throw unknownRoute(request);
}

async function authenticate(verify: (token: string) => Promise<Verified>, request: Request): Promise<void> {
  const [, token] = /^Bearer (\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
  const checked = token === undefined ? undefined : await verify(token).catch(() => undefined);
  if (!checked) throw new GraphError(401, 'InvalidAuthenticationToken', 'The access token is missing or not valid.');
}

function checkMemberGroups(directory: Directory, memberId: string, root: string, request: Request): Reply {
  const body = CheckMemberGroups.safeParse(parseJson(request.body));
  if (!body.success) throw badRequest('The body must be {"groupIds": […]} with 1 to 20 ids.');
  const held = new Set(directory.groupsOf(memberId).map((group) => group.id));
  const value = [...new Set(body.data.groupIds.map((each) => each.toLowerCase()))].filter((each) => held.has(each));
  return json({ '@odata.context': `${root}/$metadata#Collection(Edm.String)`, value });
}

interface Options {
  select?: string[];
  filter?: string;
  top: number;
  skip: number;
}

function readOptions({ searchParams }: URL): Options {
  const known = new Set(['$select', '$top', '$filter', '$skiptoken']);
  const other = [...searchParams.keys()].find((key) => !known.has(key));
  if (other !== undefined) throw new GraphError(501, 'notSupported', `The stand-in has no query option ${other}.`);
  const filter = searchParams.get('$filter');
  const select = searchParams.get('$select')?.split(',');
  return {
    top: whole(searchParams.get('$top') ?? '100', 1, 999, '$top'),
    skip: whole(searchParams.get('$skiptoken') ?? '0', 0, Number.MAX_SAFE_INTEGER, '$skiptoken'),
    ...(filter === null ? {} : { filter }),
    ...(select === undefined ? {} : { select }),
  };
}

function whole(text: string, least: number, most: number, name: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw badRequest(`${name} must be a number from ${least} to ${most}.`);
  return value;
}

function filtered(directory: Directory, filter: string | undefined): Row[] {
  if (filter === undefined) return directory.people().map(userRow);
  const [, quoted] = /^userPrincipalName eq '((?:[^']|'')*)'$/.exec(filter) ?? [];
  if (quoted === undefined) throw new GraphError(501, 'notSupported', "Only userPrincipalName eq '…' is supported.");
  const name = quoted.replaceAll("''", "'").toLowerCase();
  return directory
    .people()
    .filter((person) => person.userPrincipalName.toLowerCase() === name)
    .map(userRow);
}

function page(rows: Row[], { top, skip, select }: Options, root: string, asked: URL): Entity {
  const next = new URL(asked);
  next.searchParams.set('$skiptoken', String(skip + top));
  return {
    '@odata.context': `${root}/$metadata`,
    ...(skip + top < rows.length ? { '@odata.nextLink': next.href } : {}),
    value: rows.slice(skip, skip + top).map((row) => pick(row, select)),
  };
}

function pick({ entity, type, byDefault }: Row, select: readonly string[] = byDefault): Entity {
  const unknown = select.find((name) => !Object.hasOwn(entity, name));
  if (unknown !== undefined)
    throw badRequest(`Could not find a property named '${unknown}' on type 'microsoft.graph.${type}'.`);
  return Object.fromEntries(select.map((name) => [name, entity[name]]));
}

/** As in Graph, `accountEnabled` comes only when it is selected. */
const userRow = (person: Person): Row => ({
  type: 'user',
  byDefault: personDefaults,
  entity: {
    id: person.id,
    displayName: person.displayName,
    jobTitle: person.jobTitle,
    mail: person.mail,
    userPrincipalName: person.userPrincipalName,
    accountEnabled: person.accountEnabled,
  },
});

const groupRow = (group: Group): Row =>
  whollyByDefault('group', {
    id: group.id,
    displayName: group.displayName,
    securityEnabled: true,
    mailEnabled: false,
  });

const servicePrincipalRow = (application: Application): Row =>
  whollyByDefault('servicePrincipal', {
    id: application.servicePrincipalId,
    appId: application.clientId,
    displayName: application.displayName,
    appDisplayName: application.displayName,
    accountEnabled: application.accountEnabled,
    servicePrincipalType: 'Application',
  });

const whollyByDefault = (type: string, entity: Entity): Row => ({ type, entity, byDefault: Object.keys(entity) });

function notFound(id: string): never {
  throw new GraphError(404, 'Request_ResourceNotFound', `Resource '${id}' does not exist.`);
}

const badRequest = (message: string): GraphError => new GraphError(400, 'BadRequest', message);

const unknownRoute = ({ method, url }: Request): GraphError =>
  new GraphError(501, 'notSupported', `The stand-in has no ${method} ${url.pathname}.`);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
