import { spawnSync } from 'node:child_process';
import { UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { describeAsker, whoAsks } from '../../cli/targets/asker.ts';
import { check, targets } from '../../cli/targets/check.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import type { PrincipalId, TargetId } from '../../shared/domain/ids.ts';
import type { Entitlement, Policy, Target } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import type { Preflight } from '../../shared/providers/provider.ts';
import { MemoryDirectory, MemoryRegistry, MemoryTarget } from '../support/memory.ts';
import { ada, entitlement, policy, start } from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const service = { objectId: 'd0000000-0000-4000-8000-000000000002', clientId: 'c0000000-0000-4000-8000-000000000002' };
const resourceId =
  '/subscriptions/5b000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Sql/servers/s/databases/orders';
const well = { user: 'curfew-service', isOwner: false, lacks: [] };
const lacking = (...statements: string[]) => ({
  ...well,
  lacks: statements.map((statement) => ({ missing: `what ${statement} gives`, statement })),
});

/** Answers for each database, and where there is more to say for each role. */
class Scripted extends MemoryTarget {
  readonly asked: string[] = [];
  readonly answers: Record<string, Preflight | Promise<Preflight>> = {};

  override async preflight(entitlement: Entitlement): Promise<Preflight> {
    const [database, role] = [String(entitlement.database), String(entitlement.role)];
    this.asked.push(database);
    this.check();
    return this.answers[`${database}.${role}`] ?? this.answers[database] ?? well;
  }
}

const target = (id: string, more: Partial<Target> = {}, ...roles: string[]): Target => {
  const [sample] = policy.targets.flatMap((each) => each.roles);
  if (!sample) throw new Error('the sample policy has no role');
  const entitlements = (roles.length > 0 ? roles : ['orders_reader']).map((role) => ({
    ...entitlement,
    database: id,
    role,
  }));
  return { id: id as TargetId, description: id, roles: [{ ...sample, entitlements }], ...more };
};

function terminalFor(
  all: readonly Target[],
  asker: Parameters<typeof check>[0]['asker'] = { ...service, name: 'curfew-service' },
) {
  const time = new VirtualClock(start);
  const [provider, registry] = [new Scripted(time.clock), new MemoryRegistry()];
  const out: string[] = [];
  const errors: string[] = [];
  const system = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void errors.push(text),
    read: () => '',
    now: () => time.now,
  };
  const from = { clock: time.clock, providers: { 'sql-role': provider }, registry, asker };
  const look = async (...names: string[]) => {
    const code = await check({ ...from, policy: (): Policy => ({ ...policy, targets: all }) }, names, system);
    return { code, out: out.splice(0).join('\n'), errors: errors.splice(0).join('\n') };
  };
  return { time, provider, registry, look };
}

test('where nothing is missing it says so of each target, and who was asked as', async () => {
  const { look } = terminalFor([target('orders'), target('returns')]);
  const { code, out, errors } = await look();
  expect([code, errors]).toEqual([0, '']);
  expect(out).toContain(`Asked as curfew-service (client id ${service.clientId}).`);
  expect(out).toContain('about the service, if it is the service');
  expect(out).toContain('orders: orders on localhost,1433 knows who asks as curfew-service, which lacks nothing.');
  expect(out).toContain('2 targets: 0 with something missing. Nothing was changed.');
});

test('only those that are named are asked', async () => {
  const { look, provider } = terminalFor([target('orders'), target('returns'), target('stock')]);
  expect((await look('returns', 'stock')).code).toBe(0);
  expect(new Set(provider.asked)).toEqual(new Set(['returns', 'stock']));
});

test('a name that the policy has not is wrong usage, and nobody is asked', async () => {
  const { look, provider } = terminalFor([target('orders')]);
  const { code, errors } = await look('orders', 'odrers');
  expect([code, errors, provider.asked]).toEqual([2, 'The policy has no target odrers. It has orders.', []]);
});

test('what several roles and targets lack in one database is to be run once, and each database has its own', async () => {
  const twin = target('twin', { roles: target('orders', {}, 'a').roles });
  const { look, provider } = terminalFor([target('orders', {}, 'a', 'b'), twin, target('my orders')]);
  provider.answers['orders.a'] = lacking('GRANT KILL', 'GRANT a');
  provider.answers['orders.b'] = lacking('GRANT KILL', 'GRANT b');
  provider.answers['my orders'] = lacking('GRANT KILL');
  const { code, out } = await look();
  expect(code).toBe(1);
  const [, remedies = ''] = out.split('What mends it, for an administrator:\n\n');
  expect(remedies).toBe(`-- sqlcmd -S localhost,1433 -d orders -G -b
GRANT KILL
GRANT a
GRANT b
GO

-- sqlcmd -S localhost,1433 -d 'my orders' -G -b
GRANT KILL
GO

3 targets: 3 with something missing. Nothing was changed.`);
  expect(out).toContain('which lacks 3 things.\n  lacks what GRANT KILL gives');
});

test('what cannot be reached is exit code 2, with its code, and the others are told all the same', async () => {
  const { look, provider } = terminalFor([target('away'), target('orders'), target('broken'), target('returns')]);
  const failing = (error: Error) => Promise.reject<Preflight>(error);
  const away = new CurfewError('CURFEW_TARGET_UNAVAILABLE');
  provider.answers.orders = lacking('GRANT KILL');
  provider.preflight = async ({ database }) => {
    if (database === 'away') return failing(away);
    if (database === 'broken') return failing(new Error('Login failed for user ada with token eyJ'));
    return provider.answers[String(database)] ?? well;
  };
  const { code, out, errors } = await look();
  expect(code).toBe(2);
  expect(
    errors,
  ).toBe(`away: away on localhost,1433 was not looked at. The target cannot be reached. (CURFEW_TARGET_UNAVAILABLE)
broken: broken on localhost,1433 was not looked at. Something went wrong inside Curfew. (CURFEW_INTERNAL)`);
  expect(out).toContain('GRANT KILL');
  expect(out).toContain('returns on localhost,1433 knows who asks as curfew-service, which lacks nothing.');
  expect(out).toContain('4 targets: 1 with something missing, 2 not looked at.');
});

test('one that hangs holds nobody up for more than fifteen seconds', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `db${index}`);
  const { look, provider, time } = terminalFor(names.map((name) => target(name)));
  provider.answers.db0 = new Promise<never>(() => undefined);
  const looking = look();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle();
  expect(new Set(provider.asked)).toEqual(new Set(names));
  await time.advanceTo(plus(start, 15_000), settle);
  const { code, errors } = await looking;
  expect([code, errors.split('\n').length]).toEqual([2, 1]);
});

test('an administrator, who may do everything, learns nothing of the service by it', async () => {
  const { look, provider } = terminalFor([target('orders')], {
    objectId: ada.principalId,
    name: ada.userPrincipalName,
  });
  provider.answers.orders = { ...lacking('CREATE ROLE [orders_reader];'), user: 'dbo', isOwner: true };
  const { code, out, errors } = await look();
  expect(code).toBe(2);
  expect(out).toContain(`Asked as ada@contoso.example (object id ${ada.principalId}).`);
  expect(errors).toContain('knows who asks as dbo, who may do everything there.');
  expect(out).toContain('CREATE ROLE [orders_reader];');
});

describe('where there is no user for who asks', () => {
  const shop = target('orders', {}, 'orders_reader', 'the "writer"', 'orders_reader');

  test('it says what onboards it, with the names', async () => {
    const { look, provider } = terminalFor([shop]);
    provider.answers.orders = { user: undefined };
    const { code, out } = await look();
    expect(code).toBe(1);
    expect(out).toContain(`# in a shell, in this folder
node infra/targets/onboard.ts --server localhost --database orders --user curfew-service --client-id ${service.clientId} --role orders_reader --role 'the "writer"'\n`);
  });

  test('it onboards the service, not the person who asks', async () => {
    const { look, provider } = terminalFor([shop], { objectId: ada.principalId, name: ada.userPrincipalName });
    provider.answers.orders = { user: undefined };
    const { out } = await look();
    expect(out).toContain('--user "$CURFEW_SERVICE_NAME" --client-id "$CURFEW_SERVICE_CLIENT_ID"');
  });
});

describe('a resource id', () => {
  const orders = target('orders', { resourceId });

  test('that Azure knows is well', async () => {
    const { code, out } = await terminalFor([orders]).look();
    expect(code).toBe(0);
    expect(out).toContain('orders: were it deleted, Azure Resource Manager would say so.');
  });

  test('that Curfew may not see is missing a role, and it says which rights and how to give them', async () => {
    const { look, registry } = terminalFor([orders, target('returns', { resourceId })]);
    registry.lacks = ['Microsoft.Sql/servers/read'];
    const { code, out } = await look();
    expect(code).toBe(1);
    expect(out).toContain('  lacks Microsoft.Sql/servers/read');
    const command = `az deployment sub create --subscription 5b000000-0000-4000-8000-000000000001 .* --template-file infra/roles/subscription.bicep .* targetReader=${service.objectId}`;
    expect(out.match(new RegExp(command, 'g'))).toHaveLength(1);
  });

  test('by which there is nothing is to be corrected', async () => {
    const { look, registry } = terminalFor([orders]);
    registry.deleted.add(resourceId);
    const { code, out } = await look();
    expect(code).toBe(1);
    expect(out).toContain('nothing by its resource id: correct it in the policy.');
  });

  test('that could not be asked about is exit code 2', async () => {
    const { look, registry } = terminalFor([orders]);
    registry.failure = 'CURFEW_TARGET_UNAVAILABLE';
    const { code, out, errors } = await look();
    expect(code).toBe(2);
    expect(errors).toContain('its resource id was not looked at.');
    expect(out).toContain('which lacks nothing.');
  });
});

describe('who asks', () => {
  const { objectId: oid, clientId } = service;
  const [principalId, ofClient] = [oid as PrincipalId, clientId as PrincipalId];
  const directory = new MemoryDirectory(
    [{ ...ada, principalId, clientId: ofClient, name: 'curfew-service' }],
    new Map(),
  );
  const asker = (claims: Record<string, string> | undefined) => {
    const getToken = async () => {
      if (!claims) throw new Error('nobody has signed in');
      return { token: new UnsecuredJWT(claims).encode(), expiresOnTimestamp: 0 };
    };
    return whoAsks({ getToken }, directory);
  };

  test('is an application with its name, or without where the directory does not answer', async () => {
    expect(await asker({ oid, appid: clientId })).toEqual({ ...service, name: 'curfew-service' });
    directory.failure = 'CURFEW_DIRECTORY_UNAVAILABLE';
    expect(await asker({ oid, azp: clientId })).toEqual({ ...service, name: undefined });
  });

  test('is a person', async () => {
    const person = { objectId: oid, name: 'ada@contoso.example' };
    expect(await asker({ oid, appid: clientId, upn: 'ada@contoso.example' })).toEqual(person);
  });

  test('is nobody where there is no token, and that is said', async () => {
    expect(await asker(undefined)).toBeUndefined();
    expect(describeAsker(undefined)).toContain('az login');
  });
});

test.each([[[]], [['chekc']], [['check', '--all']]])('%j is answered with the usage', async (args) => {
  const errors: string[] = [];
  const error = (text: string) => void errors.push(text);
  expect(await targets(args, { out: error, error, read: () => '', now: () => start }, {})).toBe(2);
  expect(errors.join()).toContain('curfew targets check [NAME…]');
});

test('wrong settings are said, and nothing is looked at', () => {
  const { status, stderr } = spawnSync(process.execPath, ['cli/curfew.ts', 'targets', 'check'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(status).toBe(2);
  expect(stderr).toContain('CURFEW_PUBLIC_URL');
});
