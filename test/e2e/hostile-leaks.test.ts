import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CosmosClient } from '@azure/cosmos';
import { ClientSecretCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connectAs } from '../../local/database.ts';
import type { RecordedEvent } from '../../shared/domain/events.ts';
import { type Api, reader, startApi } from './api-support.ts';

let api: Api;
const said: string[] = [];
beforeAll(async () => {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => said.push(words.map(String).join(' ')));
  }
  api = await startApi();
});
afterAll(() => api.close());

const tokenIn = (link: string) => link.slice(-43);

describe('secrets', () => {
  test('of a whole story stand in no log, store, history or answer', async () => {
    const answers: string[] = [];
    const heard = async (answer: Promise<{ text: string }>) => answers.push((await answer).text);
    const ended = await api.asked('ada');
    const links = [await api.linkOf('bob', ended), await api.linkOf('carla', ended)];
    await heard(api.decide(links[0] ?? '', { decision: 'maybe' }));
    await heard(api.decide(links[0] ?? '', { decision: 'approve' }));
    await heard(api.decide(links[1] ?? '', { decision: 'deny' }));
    expect(await api.reads('ada')).toBe('rows');
    await heard(api.post('ada', `/requests/${ended}/revoke`));
    await heard(api.call('carla', `/requests/${ended}/events`));

    // And one that fails: a name in the database that is somebody else's already.
    const pool = await connectAs(await api.tokenOf('carla', 'https://database.windows.net/.default'), api.ports.sql);
    await pool.request().query('CREATE USER [fionn@contoso.example] WITHOUT LOGIN');
    await pool.close();
    const failed = await api.asked('fionn');
    links.push(await api.linkOf('bob', failed));
    await heard(api.decide(links[2] ?? '', { decision: 'approve' }));
    expect(await api.shown(failed)).toMatchObject({ state: 'failed', failure: 'CURFEW_USER_NAME_TAKEN' });

    const bearer = await api.tokenOf('ada');
    await heard(api.call(undefined, '/requests', { headers: { authorization: `Bearer ${bearer}x` } }));
    await heard(api.post('ada', '/requests', { ...reader, duration: bearer }));
    await heard(api.post('ada', '/requests', reader, { 'idempotency-key': `${bearer} ` }));

    const files = readdirSync(api.folder).filter((name) => /^(durable|cosmos)\.sqlite/.test(name));
    expect(files.length).toBeGreaterThanOrEqual(2);
    const stored = files.map((name) => readFileSync(join(api.folder, name), 'latin1'));
    const documents = await Promise.all(
      (['events', 'requests', 'links', 'holds', 'sessions'] as const).map(api.documents),
    );
    const places = [said.join('\n'), answers.join('\n'), JSON.stringify(documents), ...stored];
    const { browser, csrf } = await api.signInAs('bob', links[0] ?? '');
    const session = browser.cookieFor(links[0] ?? '').split('=')[1] ?? '';
    expect(session).toMatch(/^[\w-]{43}$/);
    // The form's token belongs into its pages, and nowhere else.
    for (const place of [said.join('\n'), JSON.stringify(documents), ...stored]) expect(place).not.toContain(csrf);
    const secrets = [
      session,
      ...links.map(tokenIn),
      bearer.split('.')[2] ?? bearer,
      api.settings.AZURE_CLIENT_SECRET ?? '',
      api.cosmosKey,
    ];
    expect(said.join('')).toContain('CURFEW_USER_NAME_TAKEN');
    expect(stored.join('')).toContain(ended);
    for (const place of places) {
      for (const secret of secrets) {
        expect(secret.length).toBeGreaterThan(20);
        expect(place.includes(secret)).toBe(false);
      }
      // Nor a token of Curfew's own, nor what it says to databases.
      expect(place).not.toMatch(/eyJ[\w-]{20,}\.eyJ/);
      expect(place).not.toMatch(/ALTER ROLE|CREATE USER|sp_addextendedproperty|sys\.d/);
    }
  });
});

describe('what has happened', () => {
  test('can’t be rewritten or removed by Curfew itself', async () => {
    const id = await api.asked('ada');
    const { AZURE_TENANT_ID = '', AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = api.settings;
    const service = new CosmosClient({
      endpoint: api.cosmos.url,
      aadCredentials: new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, {
        authorityHost: api.entra.url,
        disableInstanceDiscovery: true,
      }),
    });
    const events = service.database('curfew').container('events');
    const item = events.item('00000000', id);
    const { resource } = await item.read<RecordedEvent>();
    expect(resource?.requestId).toBe(id);
    await expect(item.delete()).rejects.toMatchObject({ code: 403 });
    await expect(item.replace({ id: '00000000', ...resource })).rejects.toMatchObject({ code: 403 });
    await expect(events.items.upsert({ id: '00000000', ...resource })).rejects.toMatchObject({ code: 403 });
    await expect(item.patch([{ op: 'set', path: '/event/reason', value: 'x' }])).rejects.toMatchObject({ code: 403 });
    service.dispose();
  });

  test('shows where somebody with the account’s key altered it, or cut off its end', async () => {
    const chainOf = async (id: string) => (await api.call('ada', `/requests/${id}/events`)).body.chain;
    const [altered, cut] = [await api.asked('ada'), await api.asked('ada')];
    for (const id of [altered, cut]) {
      await api.decide(await api.linkOf('bob', id), { decision: 'deny' });
      expect(await chainOf(id)).toBe('intact');
    }
    const events = api.database.container('events');
    const first = events.item('00000000', altered);
    await first.patch([{ op: 'set', path: '/event/reason', value: 'Something harmless' }]);
    expect(await chainOf(altered)).toEqual({ sequence: 0, problem: 'altered' });
    await events.item('00000001', cut).delete();
    expect(await chainOf(cut)).toEqual({ sequence: 1, problem: 'missing' });
  });

  test('a forged projection approves nothing and shows nobody more than the story allows', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    const item = api.database.container('requests').item(id, id);
    await item.patch([{ op: 'set', path: '/request/state', value: 'granting' }]);
    const told = await api.decide(link, { decision: 'approve' });
    expect(told.status).toBe(409);
    expect(await api.reads('ada')).not.toBe('rows');
    const { body } = await api.call('ada', `/requests/${id}/events`);
    expect(body.events.map(({ event }) => event.type)).toEqual(['access-requested']);
  });
});
