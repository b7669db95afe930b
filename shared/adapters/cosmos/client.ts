import { type Container, CosmosClient, type ItemDefinition } from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';
import { CurfewError } from '../../domain/errors.ts';

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

/** The containers of Curfew's database. Nothing is asked of the server yet. */
export function openContainers({ endpoint, database, credential }: CosmosOptions): Containers {
  const client = new CosmosClient({
    endpoint,
    aadCredentials: credential,
    connectionPolicy: { requestTimeout: 4_000 },
  });
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

/** Runs a call to Cosmos DB. Gives `undefined` for the status codes that the caller expects; all else is an outage. */
export async function expecting<Answer>(
  codes: readonly number[],
  call: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await call();
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (typeof code === 'number' && codes.includes(code)) return undefined;
    throw new CurfewError('CURFEW_STORE_UNAVAILABLE', { cause: error });
  }
}

/** A document with its ETag, or undefined where there is none. */
export async function readItem(
  container: Container,
  id: string,
  partition = id,
): Promise<(ItemDefinition & { _etag: string }) | undefined> {
  const response = await expecting([404], () =>
    container.item(id, partition).read<ItemDefinition & { _etag: string }>(),
  );
  return response?.resource;
}

/** Writes only if no other writer came between: creates where there was nothing, else replaces what was read. */
export async function writeItem(
  container: Container,
  item: ItemDefinition & { id: string },
  previous: { _etag: string } | undefined,
): Promise<boolean> {
  const written = await expecting([404, 409, 412], () =>
    previous
      ? container
          .item(item.id, item.id)
          .replace(item, { accessCondition: { type: 'IfMatch', condition: previous._etag } })
      : container.items.create(item),
  );
  return written !== undefined;
}
