import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CosmosClient } from '@azure/cosmos';
import { certificateIn, trust } from './certificate.ts';
import { type Cosmos, startCosmos } from './cosmos/index.ts';
import { type Company, type Entra, readCompany, startEntra } from './entra/index.ts';
import { type FunctionsHost, startFunctionsHost } from './functions-host/index.ts';
import { type Mail, startMail } from './mail/index.ts';
import { type SqlServer, startSqlServer } from './sql-server/index.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

export const fixedPorts = { api: 7071, entra: 8443, sql: 14330, cosmos: 8081, smtp: 2525, inbox: 8025 };
export type Ports = typeof fixedPorts;

export interface LaptopOptions {
  readonly folder: string;
  /** Any free ones where they are left out. */
  readonly ports?: Ports;
  readonly timers?: 'exact' | 'azure-storage';
  /** Only the stand-ins, not Curfew. */
  readonly withoutCurfew?: boolean;
  /** Opens /control of the Entra stand-in, by which tests change who is in which group. */
  readonly control?: boolean;
  /** The text of a policy, in the place of the sample's. Whatever port it names becomes that of the SQL server. */
  readonly policy?: string;
  /** Databases beside `orders` that are like it. */
  readonly databases?: readonly string[];
  /** In the place of what the laptop sets itself. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The sample company where it is left out. */
  readonly company?: Company;
}

/** Azure on a laptop, with Curfew on it. */
export interface Laptop {
  readonly ports: Ports;
  readonly entra: Entra;
  readonly sql: SqlServer;
  readonly cosmos: Cosmos;
  readonly mail: Mail;
  readonly host: FunctionsHost | undefined;
  /** The settings that Curfew runs with here; the same names as in Azure. */
  readonly settings: Record<string, string>;
  /** For reading the store as an auditor would. */
  readonly cosmosKey: string;
  close(): Promise<void>;
}

/** The service's application in the sample company: what a managed identity is in Azure. */
const serviceClientId = 'c0000000-0000-4000-8000-000000000002';
const apiClientId = 'c0000000-0000-4000-8000-000000000001';
export const terminalClientId = 'c0000000-0000-4000-8000-000000000003';
const containers = [
  { id: 'events', partitionKey: '/requestId' },
  { id: 'requests', partitionKey: '/id' },
  { id: 'links', partitionKey: '/id', defaultTtl: -1 },
  { id: 'holds', partitionKey: '/id' },
  { id: 'sessions', partitionKey: '/id', defaultTtl: -1 },
];

export function readSampleCompany() {
  return readCompany(read('local/sample/company.json'));
}

export async function startLaptop(options: LaptopOptions): Promise<Laptop> {
  const { folder, ports: wanted, timers, withoutCurfew, control, company = readSampleCompany() } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const certificate = await certificateIn(folder);
  trust(certificate);
  const ports = wanted ?? (await freePorts());
  const service = company.applications.find(({ clientId }) => clientId === serviceClientId);
  const carla = company.people.find(({ appRoles }) => appRoles.includes('Access.Administer'));
  const entra = await startEntra({
    port: ports.entra,
    tls: certificate,
    company,
    keysPath: join(folder, 'entra.json'),
    ...(control && { control }),
  });
  const cosmosKey = secretIn(folder, 'cosmos.key');
  const [sql, cosmos, mail] = await Promise.all([
    startSqlServer({
      port: ports.sql,
      dataPath: join(folder, 'sql'),
      tls: certificate,
      databases: ['orders', ...(options.databases ?? [])].map((name) => ({
        name,
        seed: read('local/sample/orders.sql'),
      })),
      logins: company.people.map(({ userPrincipalName, password, id }) => ({
        name: userPrincipalName,
        password,
        objectId: id,
      })),
      authenticateToken: async (token) => {
        const { clientId, kind, ...caller } = await entra.verify(token, 'https://database.windows.net');
        // The client that a person signed in with is nobody to the database.
        return kind === 'application' && clientId !== undefined ? { ...caller, clientId } : caller;
      },
      tokenAuthority: entra.authority,
      ...(carla && { administrator: carla.id }),
    }),
    startCosmos({
      port: ports.cosmos,
      path: join(folder, 'cosmos.sqlite'),
      tls: certificate,
      key: cosmosKey,
      authenticateToken: (token) => entra.verify(token, `https://localhost:${ports.cosmos}`),
      // As deployed: the service appends to `events`, and can neither replace nor delete there.
      authorize: (caller, action, container) =>
        caller === 'key' || container !== 'events' || ['create', 'read', 'query', 'metadata'].includes(action),
    }),
    startMail({ smtpPort: ports.smtp, httpPort: ports.inbox, path: join(folder, 'mail.sqlite') }),
  ]);
  await createContainers(cosmos.url, cosmosKey);
  const policyFile = join(folder, 'policy.yaml');
  const policy = options.policy ?? read('policy.sample.yaml');
  writeFileSync(policyFile, policy.replaceAll(/port: \d+/g, `port: ${ports.sql}`));
  const settings = {
    CURFEW_PUBLIC_URL: `http://localhost:${ports.api}`,
    CURFEW_POLICY_FILE: policyFile,
    CURFEW_TOKEN_ISSUER: entra.issuer,
    CURFEW_TOKEN_AUDIENCE: apiClientId,
    CURFEW_TOKEN_ISSUER_V1: `${entra.authority}/`,
    CURFEW_TOKEN_AUDIENCE_V1: 'api://curfew',
    CURFEW_TENANT_ID: company.tenantId,
    CURFEW_GRAPH_URL: entra.graphUrl,
    CURFEW_AUTHORITY_HOST: entra.url,
    CURFEW_COSMOS_ENDPOINT: cosmos.url,
    CURFEW_COSMOS_DATABASE: 'curfew',
    CURFEW_SMTP_URL: `smtp://127.0.0.1:${mail.smtpPort}`,
    CURFEW_MAIL_FROM: 'Curfew <curfew@contoso.example>',
    AZURE_TENANT_ID: company.tenantId,
    AZURE_CLIENT_ID: serviceClientId,
    AZURE_CLIENT_SECRET: service?.secret ?? '',
    // Tests and benches ask as fast as they can.
    CURFEW_REVOCATION_LEAD: '3',
    CURFEW_CALLS_PER_MINUTE: '100000',
    ...options.settings,
  };
  Object.assign(process.env, settings);
  const host = withoutCurfew
    ? undefined
    : await startFunctionsHost({
        app: new URL('functions/index.ts', root),
        port: ports.api,
        statePath: join(folder, 'durable.sqlite'),
        ...(timers && { timers }),
      });
  return {
    ports,
    entra,
    sql,
    cosmos,
    mail,
    host,
    settings,
    cosmosKey,
    async close() {
      await host?.close();
      await Promise.all([sql.close(), cosmos.close(), mail.close()]);
      await entra.close();
    },
  };
}

/** What Bicep does in Azure. */
async function createContainers(endpoint: string, key: string): Promise<void> {
  const client = new CosmosClient({ endpoint, key });
  const { database } = await client.databases.createIfNotExists({ id: 'curfew' });
  for (const container of containers) await database.containers.createIfNotExists(container);
  client.dispose();
}

function secretIn(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(64).toString('base64'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** Links and addresses are settings, so the ports are chosen before anything listens. */
async function freePorts(): Promise<Ports> {
  const servers = Object.keys(fixedPorts).map(() => createServer());
  const found = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(Object.keys(fixedPorts).map((name, index) => [name, found[index]])) as Ports;
}
