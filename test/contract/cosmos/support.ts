import { createHmac } from 'node:crypto';
import { type Container, type ContainerDefinition, CosmosClient } from '@azure/cosmos';
import { onTestFinished } from 'vitest';
import { type Cosmos, type CosmosOptions, startCosmos } from '../../../local/cosmos/index.ts';

export const key = Buffer.from('not a secret: the key of a stand-in on a laptop').toString('base64');

/** A server in memory that ends with the test. */
export async function server(options: Partial<CosmosOptions> = {}): Promise<Cosmos> {
  const cosmos = await startCosmos({ port: 0, path: ':memory:', key, ...options });
  onTestFinished(() => cosmos.close());
  return cosmos;
}

/** Endpoint discovery is off where a test wants failures at once: with it on, the SDK retries a lost server for minutes. */
export function clientOf(url: string, options: { key?: string; discovery?: boolean } = {}): CosmosClient {
  const connectionPolicy = { enableEndpointDiscovery: options.discovery ?? false };
  const client = new CosmosClient({ endpoint: url, key: options.key ?? key, connectionPolicy });
  onTestFinished(() => client.dispose());
  return client;
}

export async function containerOf(url: string, definition: Partial<ContainerDefinition> = {}): Promise<Container> {
  const { database } = await clientOf(url).databases.createIfNotExists({ id: 'curfew' });
  const partitionKey = { paths: ['/requestId'] };
  return (await database.containers.createIfNotExists({ id: 'events', partitionKey, ...definition })).container;
}

/** A server with one container, for the tests that are about documents. */
export async function events(options: Partial<CosmosOptions> = {}, definition: Partial<ContainerDefinition> = {}) {
  const cosmos = await server(options);
  return { cosmos, container: await containerOf(cosmos.url, definition) };
}

/** The status of an answer, whether the SDK returns or throws it. */
export async function statusOf(work: Promise<{ statusCode?: number; code?: number }>): Promise<unknown> {
  try {
    const response = await work;
    return response.statusCode ?? response.code;
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    return (error as { code?: unknown }).code ?? cause?.code;
  }
}

export const ifMatch = (condition: string) => ({ accessCondition: { type: 'IfMatch', condition } });
export const ifNoneMatch = (condition: string) => ({ accessCondition: { type: 'IfNoneMatch', condition } });

export function signature(method: string, path: string): Record<string, string> {
  const segments = path.split('/').filter(Boolean);
  const named = segments.length % 2 === 0;
  const type = segments.at(named ? -2 : -1) ?? '';
  const id = (named ? segments : segments.slice(0, -1)).join('/');
  const date = new Date().toUTCString();
  const text = `${method.toLowerCase()}\n${type}\n${id}\n${date.toLowerCase()}\n\n`;
  const signed = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return { authorization: encodeURIComponent(`type=master&ver=1.0&sig=${signed}`), 'x-ms-date': date };
}

/** REST without the SDK, for what the SDK refuses to send. */
export async function rest(url: string, method: string, path: string, more: { headers?: object; body?: unknown } = {}) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { ...signature(method, path), ...more.headers },
    ...(more.body !== undefined && { body: JSON.stringify(more.body) }),
  });
  const body = (await response.json()) as { code?: string; message?: string };
  return { status: response.status, code: body.code, headers: response.headers };
}
