import { type Container, CosmosClient, type ItemDefinition, type SqlQuerySpec } from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';
import { CurfewError } from '../../domain/errors.ts';
import { count } from '../../metrics.ts';
import { inSpan } from '../../telemetry.ts';

export interface CosmosOptions {
  readonly endpoint: string;
  readonly database: string;
  readonly credential: TokenCredential;
}

export interface Containers {
  readonly events: Container;
  readonly requests: Container;
  readonly links: Container;
  readonly holds: Container;
  readonly sessions: Container;
  readonly reconciler: Container;
}

/**
 * How long a call may take, with all that the SDK does in it. By itself the SDK goes on for two minutes where it finds no server
 * and for eight where one is silent on a read, long after the caller has given up. Milliseconds.
 */
const callLimit = 4_000;
/** One request of a call. Milliseconds. */
const requestTimeout = 3_000;
/** For so long a busy server is waited for before it is asked again. More is for whoever called. Milliseconds. */
const longestPause = 1_000;
/** And at least for so long. Milliseconds. */
const shortestPause = 20;

/** Of 429 the SDK would wait for as long as the server says, be it a minute. Of 503 it doesn't heed that at all. */
export const connectionPolicy = { requestTimeout, retryOptions: { maxRetryAttemptCount: 0 } };

/** The containers of Curfew's database. Nothing is asked of the server yet. */
export function openContainers({ endpoint, database, credential }: CosmosOptions): Containers {
  const client = new CosmosClient({ endpoint, aadCredentials: credential, connectionPolicy });
  const container = (name: string) => client.database(database).container(name);
  return {
    events: container('events'),
    requests: container('requests'),
    links: container('links'),
    holds: container('holds'),
    sessions: container('sessions'),
    reconciler: container('reconciler'),
  };
}

/**
 * Runs a call to Cosmos DB, with the options that end it in time. Gives `undefined` for the status codes that the caller expects;
 * all else is an outage.
 */
export function expecting<Answer>(
  operation: 'create' | 'read' | 'replace' | 'upsert' | 'delete' | 'query' | 'readChangeFeed',
  container: Container,
  codes: readonly number[],
  call: (limit: { abortSignal: AbortSignal }) => Promise<Answer>,
  patience = callLimit,
): Promise<Answer | undefined> {
  // Neither what is written nor where in the container: some ids are hashes of tokens.
  const attributes = {
    'db.system': 'cosmosdb',
    'db.namespace': container.database.id,
    'db.collection.name': container.id,
    'db.operation.name': operation,
  };
  return inSpan(`${operation} ${container.id}`, { kind: 'client', attributes }, async (said) => {
    try {
      const answer = await inTime(call, patience);
      said.set({ 'azure.cosmosdb.operation.request_charge': numberIn(answer, 'requestCharge') });
      return answer;
    } catch (error) {
      const code = numberIn(error, 'code');
      said.set({ 'db.response.status_code': code?.toString() });
      if (codes.includes(code ?? 0)) return undefined;
      count('curfew.store.failures');
      throw unavailable(error);
    }
  });
}

async function inTime<Answer>(
  call: (limit: { abortSignal: AbortSignal }) => Promise<Answer>,
  patience: number,
): Promise<Answer> {
  const abortSignal = AbortSignal.timeout(patience);
  // The SDK doesn't hear the signal while it waits between two tries of its own.
  const late = new Promise<never>((_, reject) => {
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true });
  });
  return Promise.race([insist(() => call({ abortSignal })), late]);
}

/** Asks a busy server again after the time that it names, where that is bearable. */
async function insist<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const pause = pauseOf(error);
      if (pause === undefined || pause > longestPause) throw error;
      await new Promise((resolve) => {
        AbortSignal.timeout(Math.max(shortestPause, pause)).addEventListener('abort', resolve, { once: true });
      });
    }
  }
}

function unavailable(error: unknown): CurfewError {
  const pause = pauseOf(error);
  const retryAfter = pause === undefined ? undefined : Math.ceil(pause / 1000);
  return new CurfewError('CURFEW_STORE_UNAVAILABLE', { cause: error, retryAfter });
}

/** For how many milliseconds the server asks to wait: `x-ms-retry-after-ms`, as the SDK reads it. */
const pauseOf = (error: unknown) => numberIn(error, 'retryAfterInMs');

function numberIn(answer: unknown, name: 'code' | 'retryAfterInMs' | 'requestCharge'): number | undefined {
  const found: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : undefined;
  return typeof found === 'number' ? found : undefined;
}

/**
 * Runs a query for one item more than the limit, which is the sign that there is another page: then `last` is where this one ends.
 * One answer is to hold it all; by itself the server gives a hundred.
 */
export async function queryPage(
  container: Container,
  query: SqlQuerySpec,
  limit: number,
): Promise<{ items: readonly unknown[]; last: unknown }> {
  const answer = await expecting('query', container, [], (timeLimit) =>
    container.items.query(query, { ...timeLimit, maxItemCount: limit + 1 }).fetchAll(),
  );
  const found = answer?.resources ?? [];
  const items = found.slice(0, limit);
  return { items, last: found.length > limit ? items.at(-1) : undefined };
}

/** A document with its ETag, or undefined where there is none. */
export async function readItem(
  container: Container,
  id: string,
  partition = id,
): Promise<(ItemDefinition & { _etag: string }) | undefined> {
  const response = await expecting('read', container, [404], (limit) =>
    container.item(id, partition).read<ItemDefinition & { _etag: string }>(limit),
  );
  return response?.resource;
}

/** Writes only if no other writer came between: creates where there was nothing, else replaces what was read. */
export async function writeItem(
  container: Container,
  item: ItemDefinition & { id: string },
  previous: { _etag: string } | undefined,
): Promise<boolean> {
  const written = await expecting(previous ? 'replace' : 'create', container, [404, 409, 412], (limit) =>
    previous
      ? container
          .item(item.id, item.id)
          .replace(item, { ...limit, accessCondition: { type: 'IfMatch', condition: previous._etag } })
      : container.items.create(item, limit),
  );
  return written !== undefined;
}
