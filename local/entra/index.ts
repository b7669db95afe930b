import { createServer } from 'node:https';
import type { Server } from 'node:net';
import { answerAuthorize, answerLogout } from './authorize.ts';
import { Codes } from './codes.ts';
import type { Company } from './company.ts';
import { answerControl } from './control.ts';
import { Directory } from './directory.ts';
import { instanceDiscovery, openidConfiguration } from './discovery.ts';
import { GraphError, OAuthError } from './errors.ts';
import { answerGraph } from './graph.ts';
import { json, type Reply, type Request, readRequest, refused, send } from './http.ts';
import { SigningKeys } from './signing-keys.ts';
import { StateFile } from './state-file.ts';
import { answerToken } from './token-endpoint.ts';
import { Tokens, type Verified } from './tokens.ts';

export { type Application, type Company, type Group, type Person, readCompany } from './company.ts';
export type { Verified } from './tokens.ts';

export interface EntraOptions {
  /** 0 for a free one. Listens on 127.0.0.1 alone and gives its address as https://localhost:<port>. */
  port: number;
  tls: { key: string; cert: string };
  company: Company;
  /** A JSON file for the signing keys (private parts included) and directory edits; in memory when absent. */
  keysPath?: string;
  /** Opens /control, by which tests change the directory. */
  control?: boolean;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface TokenVerifier {
  authority: string;
  /** Whom an access token for that audience (or one of several) speaks for; throws on anything that is wrong with it. */
  verify(accessToken: string, audience: string | readonly string[]): Promise<Verified>;
}

export interface Entra extends TokenVerifier {
  url: string;
  issuer: string;
  graphUrl: string;
  /** A new key signs from now on; the old one stays published for a day. */
  rollKeys(): Promise<void>;
  close(): Promise<void>;
}

export async function startEntra(options: EntraOptions): Promise<Entra> {
  const now = options.now ?? Date.now;
  const file = new StateFile(options.keysPath);
  const keys = await SigningKeys.open(file, now);
  const directory = new Directory(options.company, file.state.edits);
  const codes = new Codes(now);
  const server = createServer(options.tls);
  const url = `https://localhost:${await listen(server, options.port)}`;
  const authority = `${url}/${directory.tenantId}`;
  const graphUrl = `${url}/graph/v1.0`;
  const tokens = new Tokens(authority, directory, keys, now);
  const verifyGraph = (token: string): Promise<Verified> => tokens.verify(token, 'https://graph.microsoft.com');

  async function answer(request: Request): Promise<Reply> {
    const { method, path } = request;
    const [first, ...rest] = path;
    const tail = rest.join('/');
    if (first === 'graph' && rest[0] === 'v1.0') return answerGraph(directory, verifyGraph, graphUrl, request);
    if (first === 'control' && options.control) return answerControl(directory, file, request);
    if (tail === 'discovery/instance' && method === 'GET') return json(instanceDiscovery(authority));
    if (!endpoints.has(tail))
      return refused(404, 'not_found', `The stand-in has no ${method} ${request.url.pathname}.`);
    if (first?.toLowerCase() !== directory.tenantId)
      throw new OAuthError('invalid_tenant', 90002, `The tenant ${first} was not found.`);
    switch (`${method} ${tail}`) {
      case 'GET v2.0/.well-known/openid-configuration':
        return json(openidConfiguration(authority));
      case 'GET discovery/v2.0/keys':
        return json({ keys: keys.published() });
      case 'POST oauth2/v2.0/token':
        return answerToken({ directory, tokens, codes }, request);
      case 'GET oauth2/v2.0/authorize':
      case 'POST oauth2/v2.0/authorize':
        return answerAuthorize(directory, codes, url, request);
      case 'GET oauth2/v2.0/logout':
        return answerLogout(directory, request);
      default:
        return refused(405, 'invalid_request', `${request.url.pathname} has no ${method}.`);
    }
  }

  server.on('request', (message, response) => {
    void readRequest(message, url)
      .then((request) => ('status' in request ? request : answer(request)))
      .catch(failure)
      .then((reply) => send(response, reply))
      // Nobody is left to be told: the client went away.
      .catch(() => response.destroy());
  });

  return {
    url,
    issuer: tokens.issuer,
    authority,
    graphUrl,
    verify: (token, audience) => tokens.verify(token, audience),
    rollKeys: () => keys.roll(),
    close: () => close(server),
  };
}

/**
 * Checks tokens in another process than the stand-in's, by its state file. Keys that are rolled and people who are changed
 * afterwards are not known here.
 */
export async function openVerifier(
  options: Required<Pick<EntraOptions, 'port' | 'company' | 'keysPath'>>,
): Promise<TokenVerifier> {
  const file = new StateFile(options.keysPath);
  const keys = await SigningKeys.open(file, Date.now);
  const directory = new Directory(options.company, file.state.edits);
  const authority = `https://localhost:${options.port}/${directory.tenantId}`;
  const tokens = new Tokens(authority, directory, keys, Date.now);
  return { authority, verify: (token, audience) => tokens.verify(token, audience) };
}

const endpoints = new Set([
  'v2.0/.well-known/openid-configuration',
  'discovery/v2.0/keys',
  'oauth2/v2.0/token',
  'oauth2/v2.0/authorize',
  'oauth2/v2.0/logout',
]);

function failure(error: unknown): Reply {
  if (error instanceof OAuthError || error instanceof GraphError) return json(error, error.status);
  console.error('entra stand-in:', error);
  return refused(500, 'server_error', 'The stand-in failed; its log says how.');
}

function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject).listen(port, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address ? address.port : port);
  });
  return promise;
}

function close(server: ReturnType<typeof createServer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
