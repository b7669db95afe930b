import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { startReceiver } from '../contract/webhook/receiver.ts';
import { type Api, startApi, until } from './api-support.ts';

/** Whole requests, with a machine that is told everything, and a channel in Teams. */

const key = Buffer.alloc(32, 'marked').toString('base64');
const signature = 'marked-signature-of-a-workflow';
const said: string[] = [];
const cards: string[] = [];
let status = 202;
let api: Api;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let teams: Server;

beforeAll(async () => {
  for (const where of ['log', 'error'] as const) {
    vi.spyOn(console, where).mockImplementation((...words: unknown[]) => void said.push(words.map(String).join(' ')));
  }
  receiver = await startReceiver(`whsec_${key}`);
  teams = createServer(async (request, response) => {
    const body = await text(request);
    if (status === 202) cards.push(body);
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(teams, 'listening');
  api = await startApi({
    settings: {
      CURFEW_WEBHOOK_URL: receiver.url,
      CURFEW_WEBHOOK_SECRET: `whsec_${key} whsec_${Buffer.alloc(32).toString('base64')}`,
      CURFEW_TEAMS_URL: `http://127.0.0.1:${(teams.address() as AddressInfo).port}/invoke?sig=${signature}`,
    },
  });
  await api.asked('ada', { role: 'writer' });
  await api.host?.runTimer('publish');
}, 60_000);
afterAll(async () => {
  await api.close();
  await receiver.close();
  teams.closeAllConnections();
  teams.close();
});

/** What the receiver has of a request, once it has so many events. */
const copiesOf = (id: string, count: number) =>
  until(
    async () => {
      await api.host?.runTimer('publish');
      return receiver.received().filter(({ subject }) => subject === id);
    },
    (found) => found.length >= count,
  );
const headings = () => cards.map((card) => JSON.parse(card).attachments[0].content.body[0].inlines[0].text);

test('every event of a request that was asked, approved, granted and ended arrives, in order, in a chain that holds', async () => {
  const id = await api.asked('ada');
  await api.approve('bob', id);
  await api.untilState(id, 'granted');
  await api.post('ada', `/requests/${id}/revoke`, { reason: 'Done' });
  await api.untilState(id, 'revoked');
  const { events } = (await api.call('carla', `/requests/${id}/events`)).body;
  const copies = await copiesOf(id, events.length);
  expect(copies.map(({ data }) => data)).toEqual(events);
  expect(copies.map(({ type }) => type)).toEqual([
    'dev.curfew.access-requested',
    'dev.curfew.access-approved',
    'dev.curfew.grant-intended',
    'dev.curfew.access-granted',
    'dev.curfew.revocation-began',
    'dev.curfew.access-revoked',
  ]);
  expect(verifyChain(id as RequestId, copies.map(({ data }) => data) as typeof events)).toBeUndefined();
  // What was asked before anybody was to hear of it is the store's alone.
  expect(new Set(receiver.received().map(({ subject }) => subject))).toEqual(new Set([id]));
  await until(
    async () => headings(),
    ({ length }) => length >= 2,
  );
  expect(headings()).toEqual([
    'Ada Lindqvist asks for reader on orders',
    'Bob Okafor approved reader on orders for Ada Lindqvist',
  ]);
  expect(cards.join()).not.toContain('/approvals/');
});

test('a channel that takes nothing is said in the log, holds up nobody else, and leaks neither address nor secret', async () => {
  status = 500;
  const id = await api.asked('fionn');
  expect(await copiesOf(id, 1)).toHaveLength(1);
  await until(
    async () => said.join('\n'),
    (lines) => /events could not be sent on.*"sink":"teams".*answered 500/.test(lines),
  );
  expect(said.join('\n')).not.toMatch(new RegExp(`${signature}|${key.slice(0, 16)}|/invoke`));
});
