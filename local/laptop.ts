import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CosmosClient } from '@azure/cosmos';
import containers from '../infra/containers.json' with { type: 'json' };
import { type Arm, startArm } from './arm/index.ts';
import { type Certificate, certificateIn, trust } from './certificate.ts';
import { type Cosmos, startCosmos } from './cosmos/index.ts';
import { type Company, type Entra, openVerifier, readCompany, startEntra, type TokenVerifier } from './entra/index.ts';
import { type FunctionsHost, type FunctionsHostOptions, startFunctionsHost } from './functions-host/index.ts';
import { type Mail, startMail } from './mail/index.ts';
import { sampleDatabase, serviceClientId } from './sample/database.ts';
import { type SqlServer, startSqlServer } from './sql-server/index.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

export const fixedPorts = { api: 7071, entra: 8443, sql: 14330, cosmos: 8081, arm: 8444, smtp: 2525, inbox: 8025 };
export type Ports = typeof fixedPorts;

export interface LaptopOptions {
  readonly folder: string;
  /** Any free ones where they are left out. */
  readonly ports?: Ports;
  readonly timers?: FunctionsHostOptions['timers'];
  readonly steps?: FunctionsHostOptions['steps'];
  /** Only the stand-ins, not Curfew. */
  readonly withoutCurfew?: boolean;
  /** Curfew as it is deployed, in the place of its sources. */
  readonly bundled?: boolean;
  /** An entry in the place of Curfew's own. */
  readonly app?: URL;
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
  readonly arm: Arm;
  readonly host: FunctionsHost | undefined;
  /** The settings that Curfew runs with here; the same names as in Azure. */
  readonly settings: Record<string, string>;
  /** The resource id of the database of orders. */
  readonly databaseId: string;
  /** For reading the store as an auditor would. */
  readonly cosmosKey: string;
  close(): Promise<void>;
}

const apiClientId = 'c0000000-0000-4000-8000-000000000001';
export const terminalClientId = 'c0000000-0000-4000-8000-000000000003';
/** The database in the sample policy. */
const ordersId =
  '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Sql/servers/contoso-orders/databases/orders';

export function readSampleCompany() {
  return readCompany(read('local/sample/company.json'));
}

/** Where a laptop's parts live; the parts that are processes of their own share it. */
export interface Place {
  readonly folder: string;
  readonly ports: Ports;
  readonly company: Company;
  readonly certificate: Certificate;
}

export async function startLaptop(options: LaptopOptions): Promise<Laptop> {
  const { folder, timers, steps, withoutCurfew, bundled, app, control, company = readSampleCompany() } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const certificate = await certificateIn(folder);
  trust(certificate);
  const place = { folder, company, certificate, ports: options.ports ?? (await freePorts()) };
  const { ports } = place;
  const entra = await startDirectory(place, control);
  const arm = await startResourceManager(place, entra);
  const [sql, cosmos, mail] = await Promise.all([
    startDatabase(place, entra, ports.sql, [...(arm.has(ordersId) ? ['orders'] : []), ...(options.databases ?? [])]),
    startStore(place, entra),
    startMail({ smtpPort: ports.smtp, httpPort: ports.inbox, path: join(folder, 'mail.sqlite') }),
  ]);
  await createContainers(place);
  const settings = settingsFor(place, entra, options);
  Object.assign(process.env, settings);
  const host = withoutCurfew
    ? undefined
    : await startCurfew(place, { timers, steps }, bundled ? await bundleIn(folder) : app);
  return {
    ports,
    entra,
    sql,
    cosmos,
    mail,
    arm,
    host,
    settings,
    cosmosKey: cosmosKeyIn(folder),
    databaseId: ordersId,
    async close() {
      await host?.close();
      await Promise.all([sql.close(), cosmos.close(), mail.close()]);
      await arm.close();
      await entra.close();
    },
  };
}

export function startDirectory({ folder, ports, company, certificate }: Place, control = false): Promise<Entra> {
  return startEntra({ port: ports.entra, tls: certificate, company, keysPath: entraFile(folder), control });
}

/** Knows the database until it is deleted, which outlives the process. */
export function startResourceManager({ folder, ports, certificate }: Place, entra: TokenVerifier): Promise<Arm> {
  return startArm({
    port: ports.arm,
    tls: certificate,
    databases: [ordersId],
    path: join(folder, 'arm.json'),
    authenticateToken: (token) => entra.verify(token, 'https://management.azure.com'),
    authorize: ({ clientId }) => clientId === serviceClientId,
  });
}

/** For the parts that don't share a process with the directory. */
export function openTokenVerifier({ folder, ports, company }: Place): Promise<TokenVerifier> {
  return openVerifier({ port: ports.entra, company, keysPath: entraFile(folder) });
}

/** `port` where something stands between it and those who call it on the place's port. */
export function startDatabase(
  place: Place,
  entra: TokenVerifier,
  port = place.ports.sql,
  databases: readonly string[] = ['orders'],
): Promise<SqlServer> {
  const { folder, company, certificate } = place;
  const carla = company.people.find(({ appRoles }) => appRoles.includes('Access.Administer'));
  return startSqlServer({
    port,
    dataPath: join(folder, 'sql'),
    tls: certificate,
    databases: databases.map((name) => ({ name, seed: sampleDatabase() })),
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
  });
}

/** `port` as with the database. */
export function startStore(place: Place, entra: TokenVerifier, port = place.ports.cosmos): Promise<Cosmos> {
  const { folder, ports, certificate } = place;
  const address = cosmosAddress(ports);
  return startCosmos({
    port,
    address,
    path: join(folder, 'cosmos.sqlite'),
    tls: certificate,
    key: cosmosKeyIn(folder),
    authenticateToken: (token) => entra.verify(token, address),
    // As deployed: in each container what its role there gives, which for `events` is neither replacing nor deleting.
    authorize: (caller, action, container) =>
      caller === 'key' ||
      action === 'metadata' ||
      containers.some(({ id, may }) => id === container && may.includes(action)),
  });
}

/** Writes the policy, and says what Curfew is to run with. */
export function settingsFor(
  { folder, ports, company }: Place,
  entra: Entra,
  options: Pick<LaptopOptions, 'policy' | 'settings'>,
): Record<string, string> {
  const service = company.applications.find(({ clientId }) => clientId === serviceClientId);
  const policyFile = join(folder, 'policy.yaml');
  const policy = options.policy ?? read('policy.sample.yaml');
  writeFileSync(policyFile, policy.replaceAll(/port: \d+/g, `port: ${ports.sql}`));
  return {
    CURFEW_PUBLIC_URL: `http://localhost:${ports.api}`,
    CURFEW_POLICY_FILE: policyFile,
    CURFEW_TOKEN_ISSUER: entra.issuer,
    CURFEW_TOKEN_AUDIENCE: apiClientId,
    CURFEW_TOKEN_ISSUER_V1: `${entra.authority}/`,
    CURFEW_TOKEN_AUDIENCE_V1: 'api://curfew',
    CURFEW_TENANT_ID: company.tenantId,
    CURFEW_GRAPH_URL: entra.graphUrl,
    CURFEW_AUTHORITY_HOST: entra.url,
    CURFEW_RESOURCE_MANAGER_URL: `https://localhost:${ports.arm}`,
    CURFEW_COSMOS_ENDPOINT: cosmosAddress(ports),
    CURFEW_COSMOS_DATABASE: 'curfew',
    CURFEW_SMTP_URL: `smtp://127.0.0.1:${ports.smtp}`,
    CURFEW_MAIL_FROM: 'Curfew <curfew@contoso.example>',
    AZURE_TENANT_ID: company.tenantId,
    AZURE_CLIENT_ID: serviceClientId,
    AZURE_CLIENT_SECRET: service?.secret ?? '',
    // Tests and benches ask as fast as they can.
    CURFEW_CALLS_PER_MINUTE: '100000',
    ...options.settings,
  };
}

/** Curfew on its host, which reads its settings from this process's environment. */
export function startCurfew(
  { folder, ports }: Place,
  { timers, steps }: Pick<LaptopOptions, 'timers' | 'steps'> = {},
  app = new URL('functions/index.ts', root),
): Promise<FunctionsHost> {
  return startFunctionsHost({
    app,
    port: ports.api,
    statePath: join(folder, 'durable.sqlite'),
    ...(timers && { timers }),
    ...(steps && { steps }),
    // A laptop has one process: where that is gone nobody waits until it is known to be.
    redeliverAfter: 0,
  });
}

async function bundleIn(folder: string): Promise<URL> {
  const { bundle } = await import('../infra/bundle.ts');
  const place = join(folder, 'bundle');
  await bundle(place);
  return pathToFileURL(join(place, 'index.js'));
}

/** What Bicep does in Azure. */
export async function createContainers({ folder, ports }: Place): Promise<void> {
  const client = new CosmosClient({ endpoint: cosmosAddress(ports), key: cosmosKeyIn(folder) });
  const { database } = await client.databases.createIfNotExists({ id: 'curfew' });
  for (const { may: _, ...container } of containers) await database.containers.createIfNotExists(container);
  client.dispose();
}

const entraFile = (folder: string) => join(folder, 'entra.json');
const cosmosAddress = ({ cosmos }: Ports) => `https://localhost:${cosmos}/`;
const cosmosKeyIn = (folder: string) => secretIn(folder, 'cosmos.key');

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
