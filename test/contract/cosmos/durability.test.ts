import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startCosmos } from '../../../local/cosmos/index.ts';
import { Store } from '../../../local/cosmos/store.ts';
import { clientOf, containerOf, events, key, server, statusOf } from './support.ts';

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cosmos-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'cosmos.db');
}

test('a restart keeps everything: documents, ETags, settings and continuation tokens', async () => {
  const path = await file();
  const first = await startCosmos({ port: 0, path, key });
  const before = await containerOf(first.url, { defaultTtl: -1 });
  for (const id of ['1', '2', '3']) await before.items.create({ id, requestId: 'r' });
  const { resource } = await before.item('1', 'r').read();
  const settings = (await before.read()).resource;
  const paged = { maxItemCount: 1, partitionKey: 'r' };
  const { continuationToken } = await before.items.query('SELECT VALUE c.id FROM c', paged).fetchNext();
  await first.close();

  const second = await server({ path });
  const after = clientOf(second.url).database('curfew').container('events');
  expect((await after.item('1', 'r').read()).resource).toEqual(resource);
  expect((await after.read()).resource).toEqual(settings);
  const next = await after.items.query('SELECT VALUE c.id FROM c', { ...paged, continuationToken }).fetchNext();
  expect(next.resources).toEqual(['2']);
  expect(await statusOf(after.items.create({ id: '1', requestId: 'r' }))).toBe(409);
});

test('a write or read whose commit is lost is answered with 500 and not as if it stood', async () => {
  const { container } = await events();
  await container.items.create({ id: '1', requestId: 'r' });
  const lost = vi.spyOn(Store.prototype, 'settled').mockRejectedValue(new Error('disk full'));
  onTestFinished(() => lost.mockRestore());
  expect(await statusOf(container.items.create({ id: '2', requestId: 'r' }))).toBe(500);
  expect(await statusOf(container.item('1', 'r').read())).toBe(500);
  lost.mockRestore();
  expect(await statusOf(container.item('1', 'r').read())).toBe(200);
});

test('two servers cannot open one file', async () => {
  const path = await file();
  await server({ path });
  await expect(startCosmos({ port: 0, path, key })).rejects.toThrow();
});

test('a server that nobody could call does not start', async () => {
  await expect(startCosmos({ port: 0, path: ':memory:' })).rejects.toThrow(TypeError);
});

test('after kill -9 everything acknowledged is there, and every batch is whole', async () => {
  const path = await file();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), path, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const container = await containerOf(url);
  const acknowledged: string[] = [];
  let attempts = 0;

  // Eight writers at once, so that the kill falls between the parts of a shared commit.
  async function write(writer: number): Promise<void> {
    for (let i = 0; ; i++) {
      const requestId = `${writer}-${i}`;
      const create = (id: string) => ({ operationType: 'Create' as const, resourceBody: { id, requestId } });
      attempts += 1;
      if (attempts === 200) child.kill('SIGKILL');
      const done =
        i % 4 === 0
          ? (await container.items.batch(['a', 'b', 'c'].map(create), requestId)).code === 200
          : (await container.items.create({ id: 'a', requestId })).statusCode === 201;
      if (done) acknowledged.push(requestId);
    }
  }
  const writers = await Promise.allSettled(Array.from({ length: 8 }, (_, writer) => write(writer)));
  expect(writers.every(({ status }) => status === 'rejected')).toBe(true);
  expect(acknowledged.length).toBeGreaterThan(100);

  const after = clientOf((await server({ path })).url)
    .database('curfew')
    .container('events');
  const { resources } = await after.items
    .query<{ id: string; requestId: string }>('SELECT c.id, c.requestId FROM c')
    .fetchAll();
  const kept = new Map<string, string>();
  for (const { id, requestId } of resources) kept.set(requestId, (kept.get(requestId) ?? '') + id);
  for (const requestId of acknowledged) expect(kept.has(requestId), requestId).toBe(true);
  for (const [requestId, ids] of kept) expect(ids).toBe(Number(requestId.split('-')[1]) % 4 === 0 ? 'abc' : 'a');
  expect(await statusOf(after.items.create({ id: 'a', requestId: 'new' }))).toBe(201);
});
