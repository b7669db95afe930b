import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Arm, type ArmOptions, startArm } from '../../../local/arm/index.ts';
import { createTargetRegistry } from '../../../shared/adapters/arm/target-registry.ts';

const subscription = '/subscriptions/5b000000-0000-4000-8000-000000000001';
const group = `${subscription}/resourceGroups/shop`;
const server = `${group}/providers/Microsoft.Sql/servers/orders`;
const database = `${server}/databases/Orders of 2026`;
const neighbour = `${server}/databases/returns`;

let certificate: { key: string; cert: string };
let arm: Arm;
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), made.cert]);
  certificate = { key: made.private, cert: made.cert };
});
afterEach(() => arm.close());

async function start(more: Partial<ArmOptions> = {}) {
  arm = await startArm({
    port: 0,
    tls: certificate,
    databases: [database, neighbour],
    authenticateToken: (token) =>
      token === 'curfew' ? Promise.resolve({ objectId: token }) : Promise.reject(new Error('unknown')),
    ...more,
  });
  return registryOf('curfew');
}
const registryOf = (token: string, url = arm.url) => {
  const credential: TokenCredential = {
    getToken: (scope) => {
      expect(scope).toBe('https://management.azure.com/.default');
      return Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 });
    },
  };
  return createTargetRegistry({ url, credential });
};
const unsure = expect.objectContaining({ code: 'CURFEW_TARGET_UNAVAILABLE' });

describe('a database', () => {
  test('that is there is not gone, however its id is written', async () => {
    const registry = await start();
    expect(await registry.isGone(database)).toBe(false);
    expect(await registry.isGone(database.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'))).toBe(false);
  });
  test('that was deleted is gone, and its neighbour is not', async () => {
    const registry = await start();
    arm.delete(database);
    expect(await registry.isGone(database)).toBe(true);
    expect(await registry.isGone(neighbour)).toBe(false);
  });
  test.each([
    ['server', server],
    ['resource group', group],
  ])('whose %s was deleted is gone', async (_, id) => {
    const registry = await start();
    arm.delete(id);
    expect(await registry.isGone(database)).toBe(true);
  });
  test('whose server has moved to another resource group is not gone, nor is one whose id is wrong', async () => {
    const moved = database.replace('/shop/', '/other-shop/');
    const registry = await start({ databases: [moved] });
    expect(await registry.isGone(moved)).toBe(false);
    expect(await registry.isGone(database)).toBe(false);
    expect(await registry.isGone(database.replace('/shop/', '/shpo/'))).toBe(false);
  });
  test('in a subscription that nobody knows may be there still', async () => {
    const registry = await start();
    await expect(registry.isGone(database.replace('5b000000', '5c000000'))).rejects.toEqual(unsure);
  });
  test('that is no database of a server is not asked about', async () => {
    const registry = await start();
    for (const id of [server, '', '/x', `${database}/more`]) {
      await expect(registry.isGone(id)).rejects.toEqual(unsure);
    }
  });
});

describe('whoever', () => {
  test('brings no good token is told nothing', async () => {
    await start();
    arm.delete(database);
    await expect(registryOf('mallory').isGone(database)).rejects.toEqual(unsure);
    expect((await fetch(`${arm.url}${server}?api-version=2021-11-01`)).status).toBe(401);
  });
  test('may not read is told nothing, whether or not it is there', async () => {
    const registry = await start({ authorize: () => false });
    arm.delete(database);
    for (const id of [database, neighbour]) await expect(registry.isGone(id)).rejects.toEqual(unsure);
  });
  test('asks while nobody answers is told nothing', async () => {
    await start();
    const { url } = arm;
    await arm.close();
    await expect(registryOf('curfew', url).isGone(database)).rejects.toEqual(unsure);
    await start();
  });
});

describe('an answer that says nothing of the database', () => {
  test.each([
    [404, '{"error":{"code":"InvalidResourceNamespace"}}'],
    [404, '<html>Not found</html>'],
    [403, '{"error":{"code":"AuthorizationFailed"}}'],
    [429, '{"error":{"code":"ResourceNotFound"}}'],
    [503, '{"error":{"code":"ResourceNotFound"}}'],
    [200, ''],
  ])('is no proof: %i %s', async (status, body) => {
    await start();
    const other = createServer(certificate, ({ url }, response) => {
      const isDatabase = url?.includes('/databases/');
      response.writeHead(isDatabase ? status : 200).end(isDatabase ? body : '{"available":true}');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `https://localhost:${(other.address() as AddressInfo).port}`;
    await expect(registryOf('curfew', url).isGone(database)).rejects.toEqual(unsure);
    other.close();
    other.closeAllConnections();
  });
});

describe('the stand-in', () => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${arm.url}${path}`, { ...init, headers: { authorization: 'Bearer curfew' } });
  const codeOf = async (response: Response) => {
    const { error } = (await response.json()) as { error: { code: string } };
    return [response.status, error.code];
  };
  test('refuses what it does not know', async () => {
    await start();
    expect(await codeOf(await ask(server))).toEqual([400, 'MissingApiVersionParameter']);
    expect(await codeOf(await ask(`${server}?api-version=2014-04-01`))).toEqual([400, 'NoRegisteredProviderFound']);
    expect(await codeOf(await ask(`${group}?api-version=2021-11-01`))).toEqual([405, 'NotSupportedByStandIn']);
    const deleting = await ask(`${encodeURI(database)}?api-version=2021-11-01`, { method: 'DELETE' });
    expect(await codeOf(deleting)).toEqual([405, 'NotSupportedByStandIn']);
    expect(await codeOf(await ask('/%E0%A4%A?api-version=2021-11-01'))).toEqual([400, 'BadRequest']);
  });
  test('remembers what was deleted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-arm-'));
    const path = join(folder, 'arm.json');
    await start({ path });
    arm.delete(database);
    await arm.close();
    const registry = await start({ path });
    expect([await registry.isGone(database), arm.has(neighbour)]).toEqual([true, true]);
    rmSync(folder, { recursive: true });
  });
});
