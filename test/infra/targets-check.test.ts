import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { check } from '../../cli/targets/check.ts';
import type { TargetId } from '../../shared/domain/ids.ts';
import type { Entitlement, Policy, Role, Target } from '../../shared/domain/policy.ts';
import { instantOf } from '../../shared/domain/time.ts';
import { closedPort } from '../conformance/providers/ports.ts';
import { run, SERVICE } from '../contract/sql-server/support.ts';
import { MemoryRegistry } from '../support/memory.ts';
import { policy } from '../support/samples.ts';
import { bareShop, curfew } from './shop.ts';

const patient = { now: () => instantOf(Date.now()), sleepUntil: () => new Promise<void>(() => undefined) };
const [sample] = policy.targets[0]?.roles ?? [];

/** The command, as the service, over the real wires. */
function terminalOf({ provider }: Awaited<ReturnType<typeof bareShop>>) {
  const from = {
    clock: patient,
    providers: { 'sql-role': provider },
    registry: new MemoryRegistry(),
    asker: { objectId: SERVICE.objectId, clientId: SERVICE.clientId, name: SERVICE.name },
  };
  return async (...targets: Target[]) => {
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const system = { out: say, error: say, read: () => '', now: () => patient.now() };
    const code = await check({ ...from, policy: (): Policy => ({ ...policy, targets }) }, [], system);
    return { code, text: said.join('\n') };
  };
}

function target(id: string, ...entitlements: Entitlement[]): Target {
  if (!sample) throw new Error('the sample policy has no role');
  const roles = entitlements.map((entitlement): Role => ({ ...sample, entitlements: [entitlement] }));
  return { id: id as TargetId, description: id, roles };
}

/** By database, what is printed to be run in sqlcmd. */
function batchesIn(text: string): [database: string, batch: string][] {
  const blocks = [...text.matchAll(/^-- sqlcmd -S \S+ -d (\S+) -G -b\n([\s\S]*?)\nGO$/gm)];
  return blocks.map(([, database = '', batch = '']) => [database, batch]);
}

test('what it prints mends each half of an onboarding, and then all is well', async () => {
  await using t = await bareShop(['orders', 'returns', 'stock']);
  await t.onboard();
  await t.onboard({ ...curfew, roles: ['orders_reader'] }, 'returns');
  await t.runIn('returns', [
    'REVOKE KILL DATABASE CONNECTION FROM [curfew-service]; REVOKE VIEW DEFINITION FROM [curfew-service]',
    'CREATE ROLE [orders writer]',
  ]);
  await t.onboard({ ...curfew, roles: [] }, 'stock');
  const look = terminalOf(t);
  const orders = target('orders', t.on('orders_reader'), t.on('orders writer'));
  const returns = target('returns', t.on('orders_reader', 'returns'), t.on('orders writer', 'returns'));
  const stock = (role: string) => target('stock', t.on(role, 'stock'), t.on("Bob's role", 'stock'));

  const before = await look(orders, returns, stock('db_datareader'));
  expect(before.code).toBe(1);
  expect(before.text).toMatch(
    /^orders: orders on localhost,\d+ knows who asks as curfew-service, which lacks nothing\.$/m,
  );
  const batches = batchesIn(before.text);
  expect(batches.map(([database]) => database)).toEqual(['returns', 'stock']);
  expect(batches[0]?.[1].split('\n')).toEqual([
    'GRANT KILL DATABASE CONNECTION TO [curfew-service];',
    'GRANT VIEW DEFINITION TO [curfew-service];',
    'GRANT ALTER ON ROLE::[orders writer] TO [curfew-service];',
  ]);
  for (const [database, batch] of batches) await t.runIn(database, [batch]);

  // The fixed role has to leave the policy as well.
  expect((await look(orders, returns, stock('db_datareader'))).code).toBe(1);
  const after = await look(orders, returns, stock('curfew_db_datareader'));
  expect(after).toMatchObject({ code: 0, text: expect.stringContaining('3 targets: 0 with something missing.') });
  expect(batchesIn(after.text)).toEqual([]);
});

test('a database that has no user for it is onboarded by the command that it prints', async () => {
  await using t = await bareShop();
  const look = terminalOf(t);
  const roles = [t.on('orders_reader'), t.on('orders writer')];
  const before = await look(target('orders', ...roles, t.on('db_datareader')));
  expect(before.code).toBe(1);
  const [command = ''] = /^node infra\/targets\/onboard\.ts .*$/m.exec(before.text) ?? [];
  expect(command).toContain(`--server localhost --port ${t.s.server.port} --database orders --user curfew-service`);
  const { stdout } = spawnSync('sh', ['-c', `${command.replace('node', process.execPath)} --print`], {
    encoding: 'utf8',
  });
  await t.runIn(
    'orders',
    stdout.split(/^GO$/m).filter((batch) => batch.trim() !== ''),
  );
  // The policy has to name the role that is put inside the fixed one.
  expect((await look(target('orders', ...roles, t.on('curfew_db_datareader')))).code).toBe(0);
});

test('a server that is away, a database that is not there and one that denies are told apart from one that is well', async () => {
  await using t = await bareShop();
  await t.onboard();
  const look = terminalOf(t);
  const away = target('away', { ...t.on('orders_reader'), port: await closedPort() });
  const { code, text } = await look(target('orders', t.on('orders_reader')), away);
  expect(code).toBe(2);
  expect(text).toContain('lacks nothing');
  expect(text).toMatch(/^away: .* was not looked at\. .*\(ESOCKET\)\. \(CURFEW_TARGET_UNAVAILABLE\)$/m);
  expect(text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|connect/i);
  expect((await look(target('nowhere', t.on('orders_reader', 'nowhere')))).code).toBe(1);
  await run(t.administrator, 'DENY CONNECT TO [curfew-service]');
  await t.provider.close();
  expect((await look(target('orders', t.on('orders_reader')))).code).toBe(1);
});
