import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reconcile } from '../../cli/reconcile.ts';
import { connectAs } from '../../local/database.ts';
import { type FunctionsHost, startFunctionsHost } from '../../local/functions-host/index.ts';
import { samplePerson } from '../../local/people.ts';
import { guidToBytes } from '../../local/sql-server/index.ts';
import { type Api, startApi, until } from './api-support.ts';

const onCall = 'platform@contoso.example';
/** What one turn of the timer may take, and how young a request is left alone. Milliseconds. */
const aTurn = 20_000;
const youth = 31_000;

let api: Api;
let host: FunctionsHost | undefined;
const ids: Record<'adopted' | 'putBack', string> = { adopted: '', putBack: '' };
let firstLook: { code: number; out: string; events: object[] };

beforeAll(async () => {
  api = await startApi({ settings: { CURFEW_ALERT_ADDRESS: onCall } });
  ids.adopted = await api.asked('ada', { duration: '60s' });
  await api.approve('bob', ids.adopted);
  ids.putBack = await api.asked('fionn', { duration: '2s' });
  await api.untilState(ids.putBack, 'expired');
  await api.untilState(ids.adopted, 'granted');
  expect((await dryRun()).code).toBe(0);
  // While Curfew is down nobody sees to anything.
  await api.host?.close();
  await byHand(...makeUser('fionn'), ...makeUser('bob'));
  await byHand('ALTER ROLE [orders_reader] ADD MEMBER [fionn]', 'ALTER ROLE [orders_writer] ADD MEMBER [bob]');
  const look = await dryRun();
  firstLook = { ...look, events: await api.documents('events') };
  await startWithoutTaskHub();
  await host?.runTimer('reconcile');
}, 60_000);

afterAll(async () => {
  await host?.close();
  await api.close().catch(() => undefined);
});

/** As the administrator of the database. */
async function byHand(...statements: string[]): Promise<void> {
  const pool = await connectAs(await api.tokenOf('carla', 'https://database.windows.net/.default'), api.ports.sql);
  for (const statement of statements) await pool.request().batch(statement);
  await pool.close();
}

function makeUser(name: string): string[] {
  const sid = Buffer.from(guidToBytes(samplePerson(name).id)).toString('hex');
  return [`CREATE USER [${name}] WITH SID = 0x${sid}, TYPE = E`];
}

async function membersOf(role: string): Promise<string[]> {
  const pool = await connectAs(await api.tokenOf('carla', 'https://database.windows.net/.default'), api.ports.sql);
  const { recordset } = await pool
    .request()
    .input('role', role)
    .query(`SELECT u.name FROM sys.database_role_members AS m
      JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
      JOIN sys.database_principals AS u ON u.principal_id = m.member_principal_id WHERE r.name = @role`);
  await pool.close();
  return (recordset as { name: string }[]).map(({ name }) => name);
}

async function dryRun() {
  const out: string[] = [];
  const say = (text: string) => out.push(text);
  const system = { out: say, error: say, read: () => '', now: () => '' as never };
  const code = await reconcile(['--dry-run'], system, { ...process.env, ...api.settings });
  return { code, out: out.join('\n') };
}

/** What a task hub's loss, or a purge by mistake, does: no instance is known any more. */
async function startWithoutTaskHub(): Promise<void> {
  const statePath = join(api.folder, 'durable.sqlite');
  for (const file of [statePath, `${statePath}-wal`, `${statePath}-shm`]) rmSync(file, { force: true });
  const app = new URL('../../functions/index.ts', import.meta.url);
  host = await startFunctionsHost({ app, port: api.ports.api, statePath });
}

async function drift() {
  const { status, text } = await api.call('carla', '/drift');
  expect(status).toBe(200);
  const { targets } = JSON.parse(text) as {
    targets: { target: string; open: { holder: object }[]; events: { event: { type: string } }[]; chain: unknown }[];
  };
  const [orders] = targets;
  if (!orders) throw new Error('no target');
  return orders;
}

const mailed = (subject: string) =>
  api.mail.waitFor((message) => message.to.includes(onCall) && message.subject.includes(subject), aTurn);
/** Beside it stand the processes that have held claims. */
const lastSuccess = async () => (await api.documents('reconciler')).find((each) => each.id === 'last-success')?.at;

describe('what the reconciler finds', () => {
  test('is said by the dry run in sentences, with what it could not look at, and nothing is changed', async () => {
    expect(firstLook.code).toBe(1);
    expect(firstLook.out).toContain(ids.putBack);
    expect(firstLook.out).toContain('bob (');
    expect(firstLook.out).toContain('Not looked at: which requests have a living orchestration');
    expect(firstLook.out).not.toContain(ids.adopted);
    expect(firstLook.events).not.toContainEqual(expect.objectContaining({ requestId: 'drift-orders' }));
  });

  test('a member put back after the end loses the membership again, and somebody is told', async () => {
    await until(
      () => membersOf('orders_reader'),
      (members) => !members.includes('fionn'),
      aTurn,
    );
    expect((await mailed('Access stood past its end')).text).toContain(ids.putBack);
    expect(await api.shown(ids.putBack)).toMatchObject({ state: 'expired' });
  }, 90_000);

  test('a request whose orchestration was lost is adopted, and its access ends at its deadline', async () => {
    const { submittedAt } = await api.shown(ids.adopted);
    await sleep(Math.max(0, Date.parse(submittedAt) + youth - Date.now()));
    await host?.runTimer('reconcile');
    const ended = await until(
      () => api.shown(ids.adopted),
      ({ state }) => state === 'expired',
      120_000,
    );
    expect(ended).toMatchObject({ state: 'expired' });
    expect((ended as { latenessMilliseconds?: number }).latenessMilliseconds).toBeLessThan(2_000);
    expect((ended as { latenessMilliseconds?: number }).latenessMilliseconds).toBeGreaterThanOrEqual(0);
    expect(await api.reads('ada')).not.toBe('rows');
    expect((await api.call('carla', `/requests/${ids.adopted}/events`)).body.chain).toBe('intact');
  }, 130_000);

  test('a member added by hand is told and written down once, and left there; health knows of the last success', async () => {
    const before = await until(lastSuccess, (at) => at !== undefined, aTurn);
    await host?.runTimer('reconcile');
    expect(await lastSuccess()).not.toBe(before);
    expect(await drift()).toMatchObject({
      target: 'orders',
      open: [{ holder: { principalId: samplePerson('bob').id, name: 'bob' } }],
      events: [{ event: { type: 'drift-found', action: 'report' } }],
      chain: 'intact',
    });
    await mailed('Somebody holds what Curfew never granted');
    expect(await membersOf('orders_writer')).toContain('bob');
    expect((await api.call(undefined, '/health')).body.checks).toMatchObject({ reconciler: 'works' });
    expect((await api.call('ada', '/drift')).body.code).toBe('CURFEW_FORBIDDEN');
    const again = await dryRun();
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('0 found')]);
  }, 160_000);
});
