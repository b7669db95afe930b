import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { inspect } from 'node:util';
import type { TokenCredential } from '@azure/identity';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Arm, type ArmOptions, startArm } from '../../../local/arm/index.ts';
import { createTargetRegistry } from '../../../shared/providers/sql-role/target-registry.ts';

const subscription = '/subscriptions/5b000000-0000-4000-8000-000000000001';
const group = `${subscription}/resourceGroups/shop`;
const server = `${group}/providers/Microsoft.Sql/servers/orders`;
const database = `${server}/databases/Orders #1 of 2026`;
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
      expect([scope].flat()).toEqual(['https://management.azure.com/.default']);
      return Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 });
    },
  };
  return createTargetRegistry({ resourceManagerUrl: url, credential });
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

describe('before it matters', () => {
  const rights = ['servers/databases/read', 'servers/read', 'checkNameAvailability/action'].map(
    (right) => `Microsoft.Sql/${right}`,
  );
  test('it can be seen whether a deletion could be', async () => {
    const registry = await start();
    expect(await registry.preflight(database)).toEqual({ isUnknown: false, lacks: [] });
    expect(await registry.preflight(database.replace('/shop/', '/shpo/'))).toEqual({ isUnknown: true, lacks: [] });
    const elsewhere = database.replace('5b000000', '5c000000');
    expect(await registry.preflight(elsewhere)).toEqual({ isUnknown: true, lacks: [] });
  });
  test('each right that is missing is named', async () => {
    const registry = await start({ authorize: () => false });
    expect(await registry.preflight(database)).toEqual({ isUnknown: false, lacks: rights });
    const refusal = saying(403, '{"error":{"code":"AuthorizationFailed"}}');
    const there = saying(200, JSON.stringify({ id: server }));
    const free = saying(200, '{"available":false}');
    for (const [index, right] of rights.entries()) {
      const answers = [there, there, free].with(index, refusal);
      const { answer } = await ask(answers[0], answers[1], answers[2], 'preflight');
      expect(answer).toEqual({ isUnknown: false, lacks: [right] });
    }
  });
  test('what cannot be asked is not called fine', async () => {
    const registry = await start();
    await expect(registry.preflight(server)).rejects.toEqual(unsure);
    expect((await ask(saying(500, missing), undefined, undefined, 'preflight')).answer).toEqual(unsure);
    expect((await ask(saying(200, '{}'), undefined, undefined, 'preflight')).answer).toEqual(unsure);
    await expect(registryOf('mallory').preflight(database)).rejects.toEqual(unsure);
  });
});

describe('whoever', () => {
  test('brings no good token is told nothing', async () => {
    await start();
    arm.delete(database);
    const refusal = await registryOf('mallory')
      .isGone(database)
      .catch((error: unknown) => error);
    expect(refusal).toEqual(unsure);
    expect(inspect(refusal, { depth: 20, showHidden: true, customInspect: false })).not.toContain('mallory');
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

type Answer = (response: ServerResponse, message: IncomingMessage) => void;
const json = { 'content-type': 'application/json' };
const missing = '{"error":{"code":"ResourceNotFound"}}';
const saying =
  (status: number, body: string, headers: OutgoingHttpHeaders = json): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

/** What comes of it where somebody answers like this for the database, its server and the server's name; and how often the database was asked for. */
async function ask(
  forDatabase: Answer = saying(404, missing),
  forServer: Answer = saying(200, JSON.stringify({ id: server })),
  forName: Answer = saying(200, '{"available":true}'),
  question: 'isGone' | 'preflight' = 'isGone',
) {
  await start();
  let asked = 0;
  const other = createServer(certificate, (message, response) => {
    if (message.method === 'POST') return forName(response, message);
    if (!message.url?.includes('/databases/')) return forServer(response, message);
    asked++;
    return forDatabase(response, message);
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const url = `https://localhost:${(other.address() as AddressInfo).port}`;
  const answer: unknown = await registryOf('curfew', url)
    [question](database)
    .catch((error: unknown) => error);
  other.close();
  other.closeAllConnections();
  return { answer, asked };
}

describe('an answer that says nothing of the database', () => {
  test('is told from one that does', async () => {
    expect(await ask(saying(404, missing))).toEqual({ answer: true, asked: 1 });
    expect(await ask(saying(404, missing), saying(404, missing))).toEqual({ answer: true, asked: 1 });
  });
  test.each([
    [404, '{"error":{"code":"InvalidResourceNamespace"}}'],
    [404, '{"code":"ResourceNotFound"}'],
    [404, '<html>Not found</html>'],
    [404, ''],
    [401, missing],
    [403, '{"error":{"code":"AuthorizationFailed"}}'],
    [410, missing],
    [429, missing],
    [500, missing],
    [503, missing],
    [200, ''],
    [200, '{}'],
    [200, missing],
    [204, ''],
  ])('is no proof: %i %s', async (status, body) => {
    expect(await ask(saying(status, body))).toEqual({ answer: unsure, asked: 1 });
  });
  test('is no proof where it is a page', async () => {
    const page = saying(404, missing, { 'content-type': 'text/html' });
    expect(await ask(page)).toEqual({ answer: unsure, asked: 1 });
  });
  test('is no proof where it is about the server', async () => {
    expect(await ask(saying(404, missing), saying(200, '{}'))).toEqual({ answer: unsure, asked: 1 });
  });
  test.each([
    [200, '{}'],
    [200, '{"available":"perhaps"}'],
    [404, missing],
    [403, '{"available":true}'],
  ])('is no proof where it is about the name of the server: %i %s', async (status, body) => {
    const told = await ask(saying(404, missing), saying(404, missing), saying(status, body));
    expect(told).toEqual({ answer: unsure, asked: 1 });
  });
  test.each([429, 503])('is left for the next try, however soon that may be: %i', async (status) => {
    const told = await ask(saying(status, missing, { ...json, 'retry-after': '0' }));
    expect(told).toEqual({ answer: unsure, asked: 1 });
  });
  test.each([301, 302, 307, 308])('is not looked for elsewhere: %i', async (status) => {
    const told = await ask((response, message) => {
      const isElsewhere = message.url === '/databases/elsewhere';
      saying(isElsewhere ? 404 : status, missing, { ...json, location: '/databases/elsewhere' })(response, message);
    });
    expect(told).toEqual({ answer: unsure, asked: 1 });
  });
  test.each<[string, Answer]>([
    ['does not come', () => undefined],
    ['has no end', (response) => response.writeHead(404, json).write(missing)],
  ])('is waited for four seconds where it %s', async (_, hang) => {
    const end = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(end.signal);
    const told = await ask((response, message) => {
      hang(response, message);
      setImmediate(() => end.abort());
    });
    expect(told).toEqual({ answer: unsure, asked: 1 });
    expect(timeout.mock.calls).toEqual([[4_000]]);
    timeout.mockRestore();
  });
});

describe('the stand-in', () => {
  const read = (path: string, init: RequestInit = {}) =>
    fetch(`${arm.url}${path}`, { ...init, headers: { authorization: 'Bearer curfew' } });
  const codeOf = async (response: Response) => {
    const { error } = (await response.json()) as { error: { code: string } };
    return [response.status, error.code];
  };
  test('refuses what it does not know', async () => {
    await start();
    expect(await codeOf(await read(server))).toEqual([400, 'MissingApiVersionParameter']);
    expect(await codeOf(await read(`${server}?api-version=2014-04-01`))).toEqual([400, 'NoRegisteredProviderFound']);
    expect(await codeOf(await read(`${group}?api-version=2021-11-01`))).toEqual([405, 'NotSupportedByStandIn']);
    const deleting = await read(`${encodeURI(neighbour)}?api-version=2021-11-01`, { method: 'DELETE' });
    expect(await codeOf(deleting)).toEqual([405, 'NotSupportedByStandIn']);
    expect(await codeOf(await read('/%E0%A4%A?api-version=2021-11-01'))).toEqual([400, 'BadRequest']);
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
