import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CosmosClient } from '@azure/cosmos';
import { connectAs } from '../../../local/database.ts';
import { tokenFor } from '../../../local/people.ts';
import { readEvent } from '../../../shared/adapters/cosmos/event-store.ts';
import type { AccessRequest } from '../../../shared/domain/access-request.ts';
import type { RecordedEvent } from '../../../shared/domain/events.ts';
import type { LaptopProcessOptions } from './laptop-child.ts';

/** One line of what the database wrote down about itself. `at` in milliseconds since 1970, with a fraction. */
export interface AuditLine {
  readonly at: number;
  readonly principal: string;
  readonly action: string;
  readonly object: string | null;
  readonly member: string | null;
}

/** Everything that the stores and the database have, read past Curfew. */
export interface Evidence {
  readonly chains: ReadonlyMap<string, readonly RecordedEvent[]>;
  readonly projections: ReadonlyMap<string, AccessRequest>;
  readonly holds: readonly unknown[];
  readonly members: readonly { readonly role: string; readonly member: string }[];
  readonly madeUsers: readonly string[];
  /** What succeeded. */
  readonly audit: readonly AuditLine[];
}

export async function gather(options: LaptopProcessOptions, authority: string): Promise<Evidence> {
  const [stores, database] = await Promise.all([readStores(options), readDatabase(options, authority)]);
  return { ...stores, ...database };
}

async function readStores({ folder, ports }: LaptopProcessOptions) {
  const key = readFileSync(join(folder, 'cosmos.key'), 'utf8');
  const client = new CosmosClient({ endpoint: `https://localhost:${ports.cosmos}`, key });
  const all = async (container: string) =>
    (await client.database('curfew').container(container).items.readAll().fetchAll()).resources as unknown[];
  try {
    const events = (await all('events')).map(readEvent).sort((a, b) => a.sequence - b.sequence);
    const requests = ((await all('requests')) as { request: AccessRequest }[]).map(({ request }) => request);
    return {
      chains: Map.groupBy(events, ({ requestId }) => requestId),
      projections: new Map(requests.map((request) => [request.id, request])),
      holds: await all('holds'),
    };
  } finally {
    client.dispose();
  }
}

/** As the administrator, who alone sees the audit. */
async function readDatabase({ ports }: LaptopProcessOptions, authority: string) {
  const token = await tokenFor('carla', authority, 'https://database.windows.net/.default');
  const pool = await connectAs(token, ports.sql);
  try {
    const { recordset: members } = await pool.request().query<{ role: string; member: string }>(
      `SELECT r.name AS role, u.name AS member FROM sys.database_role_members AS m
        JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
        JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id
        WHERE r.name IN ('orders_reader', 'orders_writer')`,
    );
    const { recordset: made } = await pool.request().query<{ name: string }>(
      `SELECT u.name FROM sys.extended_properties AS p JOIN sys.database_principals AS u ON u.principal_id = p.major_id
        WHERE p.class = 4 AND p.name = 'Curfew'`,
    );
    const { recordset: audit } = await pool
      .request()
      .query<AuditLine>(
        'SELECT at, principal, action, object, member FROM standin.audit WHERE succeeded = 1 ORDER BY id',
      );
    return { members, madeUsers: made.map(({ name }) => name), audit };
  } finally {
    await pool.close();
  }
}
