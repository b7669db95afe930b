import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, JSONObject } from '@azure/cosmos';
import { DefaultAzureCredential } from '@azure/identity';
import { connectAs } from '../local/database.ts';
import { tokenFor } from '../local/people.ts';
import type { OrchestratorInput } from '../orchestrations/contract.ts';
import { openContainers } from '../shared/adapters/cosmos/client.ts';
import { createEventStore } from '../shared/adapters/cosmos/event-store.ts';
import { createHoldStore } from '../shared/adapters/cosmos/hold-store.ts';
import { createRequestStore } from '../shared/adapters/cosmos/request-store.ts';
import { decide, type LifecycleCommand } from '../shared/domain/decide.ts';
import type { CurfewEvent, RecordedEvent } from '../shared/domain/events.ts';
import { evolve } from '../shared/domain/evolve.ts';
import { link } from '../shared/domain/hash-chain.ts';
import { holdKey } from '../shared/domain/holds.ts';
import { type PrincipalId, type RequestId, requestIdOf } from '../shared/domain/ids.ts';
import { instantOf, millisecondsOf } from '../shared/domain/time.ts';
import type { EventStore, HoldStore, RequestStore } from '../shared/ports.ts';
import { sidOf } from '../shared/providers/sql-role/sid.ts';
import { signIn } from './company.ts';
import { inParallel } from './figures.ts';
import { Portal } from './portal.ts';
import type { System } from './system.ts';

/** Databases that are alike. */
export const databases = Array.from({ length: 20 }, (_, number) => (number === 0 ? 'orders' : `orders${number + 1}`));

export interface Seed {
  readonly number: number;
  readonly database: string;
  /** Epoch milliseconds. */
  readonly deadline: number;
  /** Whether the deadline scheduler revokes at the instant; otherwise the durable timer alone does. */
  readonly isScheduled: boolean;
}

type Pattern = Extract<CurfewEvent, { type: 'access-requested' }>;

/** What a bench writes and reads beside the service's own API. */
export type Fixture = Awaited<ReturnType<typeof openFixture>>;

/** A request that was made over the API is the pattern for all others. */
export async function openFixture(system: System) {
  Object.assign(process.env, system.settings);
  const { authority, ports, settings } = system;
  const credential = new DefaultAzureCredential({
    authorityHost: settings.CURFEW_AUTHORITY_HOST ?? '',
    disableInstanceDiscovery: true,
  });
  const { CURFEW_COSMOS_ENDPOINT: endpoint = '', CURFEW_COSMOS_DATABASE: database = '' } = settings;
  const containers = openContainers({ endpoint, database, credential });
  const analyst = await signIn(system, 0);
  const portal = new Portal(system);
  const { id } = await portal.ask(analyst, 3600);
  const [first] = await createEventStore(containers.events).read(id as RequestId);
  if (first?.event.type !== 'access-requested') throw new Error('There is no first event.');
  await portal.withdraw(analyst, id);
  const token = await tokenFor('carla', authority, 'https://database.windows.net/.default');
  const administrators = await Promise.all(databases.map((name) => connectAs(token, ports.sql, name)));
  return { system, containers, pattern: first.event, token, ports, administrators };
}

/** Its connections would keep the process that measures from ending. */
export async function closeFixture({ administrators }: Fixture): Promise<void> {
  await Promise.all(administrators.map((pool) => pool.close()));
}

/**
 * Writes granted requests as the service would have left them: membership, events, request and hold, and starts their
 * orchestrations where they go on. Nothing arms them but the minute timer or the start of a process.
 */
export async function seed(fixture: Fixture, seeds: readonly Seed[]): Promise<void> {
  // Building them keeps this process busy, and its connections have to be served meanwhile.
  const atOnce = 500;
  for (let from = 0; from < seeds.length; from += atOnce) await seedSome(fixture, seeds.slice(from, from + atOnce));
}

async function seedSome(fixture: Fixture, seeds: readonly Seed[]): Promise<void> {
  await addMembers(fixture, seeds);
  const [events, requests, holds] = [collect(), collect(), collect()];
  const stores = {
    events: createEventStore(events.container),
    requests: createRequestStore(requests.container),
    holds: createHoldStore(holds.container),
  };
  const inputs: OrchestratorInput[] = [];
  for (const each of seeds) inputs.push(await buildGranted(stores, fixture.pattern, each));
  await createAll(fixture.containers.events, events.items, 'requestId');
  await createAll(fixture.containers.requests, requests.items, 'id');
  await createAll(fixture.containers.holds, holds.items, 'id');
  const perCall = 50;
  await inParallel(Math.ceil(inputs.length / perCall), 2, async (part) => {
    const body = JSON.stringify(inputs.slice(perCall * part, perCall * (part + 1)));
    const response = await fetch(`${fixture.system.api}/bench/start`, { method: 'POST', body });
    if (!response.ok) throw new Error(`The orchestrations were not started: ${response.status}`);
  });
}

/** Has the domain decide up to the grant, which needs no approver here, and writes what the service would have written. */
export async function buildGranted(
  { events, requests, holds }: { events: EventStore; requests: RequestStore; holds: HoldStore },
  pattern: Pattern,
  { number, database, deadline, isScheduled }: Seed,
  now = instantOf(Date.now()),
): Promise<OrchestratorInput> {
  const id = requestIdOf(randomBytes(16));
  const entitlements = pattern.terms.entitlements.map((each) => ({ ...each, database }));
  const requester = { ...pattern.requester, ...analystOf(number) };
  const { terms } = pattern;
  const first = link(id, undefined, {
    ...pattern,
    at: now,
    requester,
    revocation: { isScheduled, longestPause: 60_000 },
    terms: {
      ...terms,
      stages: [],
      startsAt: now,
      duration: deadline - millisecondsOf(now),
      automatic: { name: 'bench', requesters: terms.requesters },
      entitlements,
    },
  });
  await events.append(first);
  let last: RecordedEvent = first;
  let request = evolve(undefined, id, first.event);
  const evidence = entitlements.map((entitlement) => ({ entitlement, outcome: 'granted' as const, verifiedAt: now }));
  const commands: LifecycleCommand[] = [
    { kind: 'approve-automatically' },
    { kind: 'begin-grant' },
    { kind: 'confirm-grant', evidence },
  ];
  for (const command of commands) {
    const decision = decide(request, command, now);
    if ('refusal' in decision) throw new Error(`${command.kind} was refused: ${decision.refusal.code}`);
    last = link(id, last, decision.event);
    request = evolve(request, id, decision.event);
    await events.append(last);
  }
  await requests.save(request);
  for (const entitlement of entitlements) {
    await holds.change(holdKey(entitlement, requester.principalId), () => ({
      document: { standing: false, holds: { [id]: instantOf(deadline) } },
      answer: undefined,
    }));
  }
  return { first, resumed: { request, last, outbox: { events: [], groups: [] }, attempts: 0 } };
}

/** Collects what is created, to be written with others: a call for each would take most of the time. */
function collect() {
  const items: Record<string, unknown>[] = [];
  const container = {
    id: 'collected',
    database: { id: 'collected' },
    items: {
      async create(item: Record<string, unknown>) {
        items.push(item);
        return { resource: item };
      },
    },
    item: () => ({ read: async () => ({ resource: undefined }) }),
  } as unknown as Container;
  return { items, container };
}

async function createAll(container: Container, items: readonly Record<string, unknown>[], partition: string) {
  const perCall = 100;
  await inParallel(Math.ceil(items.length / perCall), 4, async (part) => {
    const operations = items.slice(perCall * part, perCall * (part + 1)).map((item) => ({
      operationType: 'Create' as const,
      partitionKey: String(item[partition]),
      resourceBody: item as JSONObject,
    }));
    const create = () => container.items.bulk(operations);
    // A connection may break. What had been written by then is in the way of the second try, and as it should be.
    const answers = await create().catch(create);
    const refused = answers.find(({ statusCode }) => statusCode >= 400 && statusCode !== 409);
    if (refused) throw new Error(`A document was refused: ${refused.statusCode}`);
  });
}

/** Creates a user, as Curfew does, for each analyst unknown to the database, and makes all of them members. */
export async function addMembers(
  { administrators }: Pick<Fixture, 'administrators'>,
  members: readonly Pick<Seed, 'number' | 'database'>[],
): Promise<void> {
  for (const [database, some] of Map.groupBy(members, (member) => member.database)) {
    for (let from = 0; from < some.length; from += 250) {
      const text = some.slice(from, from + 250).map(({ number }) => {
        const analyst = analystOf(number);
        const name = analyst.userPrincipalName;
        const sid = sidOf(analyst).toString('hex');
        return `IF DATABASE_PRINCIPAL_ID(N'${name}') IS NULL CREATE USER [${name}] WITH SID = 0x${sid}, TYPE = E; ALTER ROLE orders_reader ADD MEMBER [${name}];`;
      });
      const sql = `BEGIN TRANSACTION; ${text.join('\n')} COMMIT TRANSACTION;`;
      await administrators[databases.indexOf(database)]?.request().batch(sql);
    }
  }
}

/** An analyst who is in no directory: a revocation does not ask it. */
export function analystOf(number: number) {
  const userPrincipalName = `analyst${String(number).padStart(5, '0')}@contoso.example`;
  const principalId = `e1000000-0000-4000-8000-${String(number).padStart(12, '0')}` as PrincipalId;
  return { principalId, userPrincipalName, name: `Analyst ${number}`, mail: userPrincipalName };
}

/** Waits until no more than so many orchestrations are running. Fails if there still are after two minutes. */
export async function awaitIdle({ system }: Pick<Fixture, 'system'>, running = 0, limitMs = 120_000): Promise<void> {
  for (const giveUp = Date.now() + limitMs; Date.now() < giveUp; await sleep(1_000)) {
    const { count } = (await (await fetch(`${system.api}/bench/running`)).json()) as { count: number };
    if (count <= running) return;
  }
  throw new Error('Orchestrations were still running.');
}
