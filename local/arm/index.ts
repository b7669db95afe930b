import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { placeOf, Resources } from './resources.ts';

export interface ArmOptions {
  /** 0 takes any free one. Listens on 127.0.0.1 alone and gives its address as https://localhost:<port>. */
  port: number;
  tls: { key: string; cert: string };
  /** The resource ids of the databases that there are. */
  databases: readonly string[];
  /** A JSON file for what was deleted; in memory where it is left out. */
  path?: string;
  /** Throws when the token is bad. */
  authenticateToken: (accessToken: string) => Promise<Caller>;
  /** Whether somebody may read what is there; everybody where it is left out. */
  authorize?: (caller: Caller) => boolean;
}

export interface Caller {
  objectId: string;
  clientId?: string;
}

export interface Arm {
  url: string;
  has(resourceId: string): boolean;
  /** How often somebody was told whether something is there. */
  readonly asked: number;
  /** A database, a server or a resource group, with all that is in it. */
  delete(resourceId: string): void;
  close(): Promise<void>;
}

/** An answer that is no success, in ARM's form. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const oldest = '2021-11-01';
const nameQuestion = z.object({ name: z.string(), type: z.literal('Microsoft.Sql/servers') });

/** See README.md for what is covered, what is refused and what differs from Azure. */
export async function startArm(options: ArmOptions): Promise<Arm> {
  const resources = new Resources(options.databases, options.path);
  let asked = 0;

  async function answer(message: IncomingMessage): Promise<object> {
    const caller = await authenticate(message.headers.authorization);
    const url = new URL(message.url ?? '/', 'https://localhost');
    // The SDK's paths may have a slash twice.
    const path = decodeURIComponent(url.pathname).replaceAll(/\/+/g, '/').replace(/\/$/, '');
    checkVersion(url.searchParams.get('api-version'));
    if (options.authorize?.(caller) === false) {
      throw new Refusal(403, 'AuthorizationFailed', `The client does not have authorization over scope '${path}'.`);
    }
    const names = /^(\/subscriptions\/[^/]+)\/providers\/microsoft\.sql\/checknameavailability$/i.exec(path);
    if (names?.[1] !== undefined && message.method === 'POST') return nameAvailability(names[1], await bodyOf(message));
    if (placeOf(path)?.server !== undefined && message.method === 'GET') return read(path);
    throw new Refusal(405, 'NotSupportedByStandIn', `The stand-in has no ${message.method} ${path}.`);
  }

  async function authenticate(authorization = ''): Promise<Caller> {
    const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new Refusal(401, 'AuthenticationFailed', 'The Authorization header is missing.');
    return options.authenticateToken(token).catch(() => {
      throw new Refusal(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
    });
  }

  function read(id: string): object {
    asked++;
    const { subscription, group, server, database } = placeOf(id) ?? {};
    const ofSubscription = `/subscriptions/${subscription}`;
    const ofGroup = `${ofSubscription}/resourcegroups/${group}`;
    const ofServer = `${ofGroup}/providers/microsoft.sql/servers/${server}`;
    needSubscription(ofSubscription);
    if (!resources.has(ofGroup)) {
      throw new Refusal(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
    }
    if (database !== undefined && !resources.has(ofServer)) {
      const text = `Can not perform requested operation on nested resource. Parent resource '${server}' not found.`;
      throw new Refusal(404, 'ParentResourceNotFound', text);
    }
    if (!resources.has(id)) throw new Refusal(404, 'ResourceNotFound', `The Resource '${id}' was not found.`);
    const type = database === undefined ? 'Microsoft.Sql/servers' : 'Microsoft.Sql/servers/databases';
    const properties = database === undefined ? { state: 'Ready' } : { status: 'Online' };
    return { id, name: database ?? server, type, location: 'westeurope', properties };
  }

  function nameAvailability(subscription: string, body: unknown): object {
    needSubscription(subscription);
    const question = nameQuestion.safeParse(body);
    if (!question.success) throw new Refusal(400, 'InvalidNameAvailabilityRequest', 'The request is invalid.');
    const { name } = question.data;
    if (!resources.hasServer(name)) return { name, available: true };
    return { name, available: false, reason: 'AlreadyExists', message: 'Specified server name is already used' };
  }

  function needSubscription(id: string): void {
    if (!resources.has(id)) throw new Refusal(404, 'SubscriptionNotFound', 'The subscription could not be found.');
  }

  const server = createServer(options.tls, (message, response) => {
    void answer(message)
      .then((body) => send(response, 200, body))
      .catch((error: unknown) => {
        const { status, code, message: text } = refusalOf(error);
        send(response, status, { error: { code, message: text } });
      })
      // Nobody is left to be told: the client went away.
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    has: (id) => resources.has(id),
    get asked() {
      return asked;
    },
    delete: (id) => resources.delete(id),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function checkVersion(version: string | null): void {
  if (version === null) throw new Refusal(400, 'MissingApiVersionParameter', 'The api-version parameter is required.');
  if (!/^\d{4}-\d\d-\d\d(-preview)?$/.test(version) || version < oldest) {
    throw new Refusal(400, 'NoRegisteredProviderFound', `The stand-in knows no api-version '${version}'.`);
  }
}

async function bodyOf(message: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > 4096) throw new Refusal(413, 'RequestContentTooLarge', 'The body is too large.');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'InvalidRequestContent', 'The body is no JSON.');
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof URIError || error instanceof TypeError) {
    return new Refusal(400, 'BadRequest', 'The address cannot be read.');
  }
  console.error('arm stand-in:', error);
  return new Refusal(500, 'InternalServerError', 'The stand-in failed; its log says how.');
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  });
  response.end(JSON.stringify(body));
}
