import type { Application } from './company.ts';
import type { Directory } from './directory.ts';
import { OAuthError } from './errors.ts';

/** What a token is for: an API registered in the company, or one of Azure's own services, which take v1.0 tokens. */
export interface Resource {
  audience: string;
  version: 1 | 2;
  api?: Application;
}

export interface Scopes {
  resource: Resource;
  /** What was asked of the resource, without its name: `.default` or names of delegated permissions. */
  permissions: string[];
  openid: boolean;
  offline: boolean;
}

const graph = 'https://graph.microsoft.com';
/** Where tokens of one identity are for that stand for the secret of an application (Entra's federated credentials). */
export const tokenExchange = 'api://AzureADTokenExchange';
const azure = new Set([
  'graph.microsoft.com',
  'database.windows.net',
  'ossrdbms-aad.database.windows.net',
  'cosmos.azure.com',
  'management.azure.com',
  'management.core.windows.net',
  'storage.azure.com',
  'monitor.azure.com',
  'communication.azure.com',
  'durabletask.io',
]);
const aboutThePerson = new Set(['openid', 'profile', 'email', 'offline_access']);

/** Reads the `scope` of a request. One token is for one resource; a name without a resource means Graph, as in Entra. */
export function readScopes(scope: string, directory: Directory): Scopes {
  const words = scope.split(' ').filter(Boolean);
  const asked = words.filter((word) => !aboutThePerson.has(word)).map(splitScope);
  const names = new Set(asked.map(({ resource }) => resource));
  if (names.size > 1) throw new OAuthError('invalid_scope', 28000, 'The scope names more than one resource.');
  const resource = findResource(asked[0]?.resource ?? graph, directory);
  const permissions = asked.map(({ permission }) => permission);
  const unknown = permissions.find((permission) => !permissionsOf(resource).includes(permission));
  if (unknown !== undefined) throw new OAuthError('invalid_scope', 70011, `The scope ${unknown} is not known.`);
  return { resource, permissions, openid: words.includes('openid'), offline: words.includes('offline_access') };
}

/** What a person's token says under `scp`: everything offered for `.default`, else what was asked. */
export function delegated({ resource, permissions }: Scopes): string {
  const named = permissions.filter((permission) => permission !== '.default');
  return (named.length > 0 ? named : permissionsOf(resource).slice(1)).join(' ');
}

// The permission follows the last slash: `https://database.windows.net//.default` is for the resource with its slash kept.
function splitScope(word: string): { resource: string; permission: string } {
  const slash = word.lastIndexOf('/');
  return slash < 0
    ? { resource: graph, permission: word }
    : { resource: word.slice(0, slash), permission: word.slice(slash + 1) };
}

function findResource(name: string, directory: Directory): Resource {
  const api = directory.api(name);
  if (api) return { ...apiResource(api), api };
  if (name === tokenExchange) return { audience: name, version: 2 };
  const url = URL.parse(name);
  const plain = url?.protocol === 'https:' && ['', '/'].includes(name.slice(`https://${url.host}`.length));
  // A Cosmos DB account is asked for by its own address; on a laptop that is a port on localhost.
  const account =
    url && (['localhost', '127.0.0.1'].includes(url.hostname) || /\.documents\.azure\.com$/.test(url.host));
  if (url && plain && (account || azure.has(url.host))) return { audience: name, version: 1 };
  throw new OAuthError('invalid_resource', 500011, `The resource ${name} was not found in the tenant.`);
}

/** An API's v1.0 tokens name it by its identifier URI, its v2.0 tokens by its client id. */
export function apiResource({ accessTokenVersion, identifierUri, clientId }: Application): Resource {
  const audience = accessTokenVersion === 1 && identifierUri !== null ? identifierUri : clientId;
  return { audience, version: accessTokenVersion };
}

function permissionsOf({ api, audience }: Resource): string[] {
  if (api) return ['.default', 'access_as_user'];
  return audience.startsWith(graph) ? ['.default', 'User.Read'] : ['.default', 'user_impersonation'];
}
