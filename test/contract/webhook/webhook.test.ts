import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPublisher } from '../../../functions/publish.ts';
import { createCursorStore } from '../../../shared/adapters/cosmos/cursor-store.ts';
import { createEventFeed } from '../../../shared/adapters/cosmos/event-feed.ts';
import { createDriftStore, createEventStore } from '../../../shared/adapters/cosmos/event-store.ts';
import { createTeamsSink } from '../../../shared/adapters/webhook/teams.ts';
import { createWebhookSink } from '../../../shared/adapters/webhook/webhook.ts';
import type { CurfewError } from '../../../shared/domain/errors.ts';
import { link, verifyChain } from '../../../shared/domain/hash-chain.ts';
import { driftIdOf, type TargetId } from '../../../shared/domain/ids.ts';
import { instantOf } from '../../../shared/domain/time.ts';
import type { Clock, Sink } from '../../../shared/ports.ts';
import { ada, bob, chainOf, commandId, entitlement, requested, requestId, start } from '../../support/samples.ts';
import { containerOf, server as cosmosServer } from '../cosmos/support.ts';
import { freePort, startReceiver } from './receiver.ts';

const [key, otherKey] = [Buffer.alloc(32, 7), Buffer.alloc(32, 9)];
const source = 'https://curfew.example/api/requests';
const minute = 60_000;
const clockAt = (offset = 0): Clock => ({ now: () => instantOf(Date.now() + offset), sleepUntil: async () => {} });
const webhookTo = (url: string, { keys = [key], clock = clockAt() } = {}) =>
  createWebhookSink({ url, keys, source, clock });

const chain = chainOf(requested(), {
  type: 'access-denied',
  at: start,
  ...{ stage: 0, by: bob, through: 'api', comment: 'Ünïcode – “no”', commandId },
});
const [asked, denied] = chain;
if (!asked || !denied) throw new Error('no events');

/** What came to a receiver that answers what it is told to. */
interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
let recorder: Server;
let recorderUrl: string;
let calls: Call[];
let answer: { status: number; headers?: Record<string, string> } | undefined;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  receiver = await startReceiver(`whsec_${key.toString('base64')}`);
  recorder = createServer(async (request, response) => {
    calls.push({ path: request.url ?? '', headers: request.headers, body: await text(request) });
    if (answer) response.writeHead(answer.status, answer.headers).end('thanks');
  }).listen(0, '127.0.0.1');
  await once(recorder, 'listening');
  recorderUrl = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}/marked`;
});
beforeEach(() => {
  calls = [];
  answer = { status: 204 };
});
afterAll(async () => {
  recorder.closeAllConnections();
  recorder.close();
  await receiver.close();
});

const failureOf = (sent: Promise<void>) =>
  sent.then(
    () => undefined,
    (error: CurfewError) => error,
  );

describe('the receiver of docs/webhooks.md', () => {
  test('gets what is in the store, in order, and its copy of each chain holds', async () => {
    const { url } = await cosmosServer();
    const [events, reconciler] = [
      await containerOf(url),
      await containerOf(url, { id: 'reconciler', partitionKey: { paths: ['/id'] } }),
    ];
    const publish = createPublisher({
      clock: clockAt(),
      log: () => {},
      feed: createEventFeed(events),
      cursors: createCursorStore(reconciler),
      sinks: [webhookTo(receiver.url)],
    });
    const store = createEventStore(events);
    const before = link('req-before' as typeof requestId, undefined, requested());
    await store.append(before);
    await publish();
    for (const event of chain) await store.append(event);
    const holder = { principalId: ada.principalId, name: ada.name };
    const drift = link(driftIdOf('orders' as TargetId), undefined, {
      type: 'drift-gone',
      at: start,
      entitlement,
      holder,
    } as const);
    await createDriftStore(events).append(drift);
    await publish();
    await vi.waitFor(() => expect(receiver.received()).toHaveLength(3));
    expect(receiver.received()[1]).toEqual({
      specversion: '1.0',
      id: `${requestId}/1`,
      source,
      type: 'dev.curfew.access-denied',
      subject: requestId,
      time: start,
      datacontenttype: 'application/json',
      data: denied,
    });
    const copies = receiver.received().map(({ data }) => data);
    expect(copies).toEqual([...chain, drift]);
    expect(verifyChain(requestId, copies.slice(0, 2) as typeof chain)).toBeUndefined();
    expect(verifyChain(driftIdOf('orders' as TargetId), copies.slice(2) as (typeof drift)[])).toBeUndefined();
  });

  test.each([
    ['another secret', { keys: [otherKey] }],
    ['a time that is long past', { clock: clockAt(-6 * minute) }],
    ['a time that is to come', { clock: clockAt(6 * minute) }],
  ])('refuses %s', async (_, options) => {
    expect((await failureOf(webhookTo(receiver.url, options).send(asked)))?.code).toBe('CURFEW_WEBHOOK_UNAVAILABLE');
  });

  test('knows one of two secrets, in whatever place it stands', async () => {
    for (const keys of [
      [otherKey, key],
      [key, otherKey],
    ]) {
      expect(await failureOf(webhookTo(receiver.url, { keys }).send(asked))).toBeUndefined();
    }
  });

  test('refuses what was changed on the way, and takes what is played back as what it has seen', async () => {
    await webhookTo(recorderUrl).send({ ...asked, sequence: 77 });
    const [{ headers, body } = { headers: {}, body: '' }] = calls;
    const signed = Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^webhook-|^content-type$/.test(name)),
    ) as Record<string, string>;
    const play = async (more: Record<string, string>, changed = body) =>
      (await fetch(receiver.url, { method: 'POST', headers: { ...signed, ...more }, body: changed })).status;
    const seen = () => receiver.received().filter(({ id }) => id === `${requestId}/77`).length;
    expect(await play({}, body.replace('Refund', 'Reward'))).toBe(401);
    expect(await play({ 'webhook-id': `${requestId}/78` })).toBe(401);
    expect(await play({ 'webhook-timestamp': String(Number(signed['webhook-timestamp']) + 1) })).toBe(401);
    for (const signature of ['', 'v1,', 'v1,AAAA', 'nothing of the kind']) {
      expect(await play({ 'webhook-signature': signature })).toBe(401);
    }
    expect(seen()).toBe(0);
    expect([await play({}), await play({})]).toEqual([204, 204]);
    await vi.waitFor(() => expect(seen()).toBe(1));
  });
});

test('the feed passes over what is no event, and goes on behind it', async () => {
  const { url } = await cosmosServer();
  const container = await containerOf(url);
  const feed = createEventFeed(container);
  const cursor = await feed.end();
  await container.items.create({ id: '1', requestId: 'somebody-else', hello: 'there' });
  await createEventStore(container).append(asked);
  const pages = [];
  for await (const page of feed.after(cursor)) pages.push(page);
  expect(pages.map(({ events, strangers }) => [events, strangers])).toEqual([[[asked], 1]]);
  for await (const page of feed.after(pages[0]?.cursor ?? cursor)) expect(page).toBe('there is no more');
});

describe.each<[string, (url: string) => Sink]>([
  ['the webhook', (url) => webhookTo(url)],
  ['Teams', (url) => createTeamsSink({ url, events: { read: async () => chain } })],
])('%s', (_name, sinkTo) => {
  test.each([200, 202, 204])('has told whoever answers %i', async (status) => {
    answer = { status };
    expect(await failureOf(sinkTo(recorderUrl).send(asked))).toBeUndefined();
    expect(calls).toHaveLength(1);
  });

  test('follows nobody elsewhere', async () => {
    answer = { status: 307, headers: { location: `${recorderUrl}/elsewhere` } };
    expect((await failureOf(sinkTo(recorderUrl).send(asked)))?.code).toBe('CURFEW_WEBHOOK_UNAVAILABLE');
    expect(calls.map(({ path }) => path)).toEqual(['/marked']);
  });

  test.each([
    ['120', 120],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    ['-1', undefined],
  ])('hears how long a busy receiver wants to be left alone: %s', async (header, retryAfter) => {
    answer = { status: 429, headers: { 'retry-after': header } };
    expect(await failureOf(sinkTo(recorderUrl).send(asked))).toMatchObject({
      code: 'CURFEW_WEBHOOK_UNAVAILABLE',
      refusal: { retryAfter },
    });
  });

  test('gives up on one that is silent, after five seconds', async () => {
    answer = undefined;
    const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.timeout(50));
    expect((await failureOf(sinkTo(recorderUrl).send(asked)))?.message).toContain('TimeoutError');
    expect(limit).toHaveBeenCalledWith(5_000);
    limit.mockRestore();
  });

  test('says what failed, and not where: no error holds the address or the secret', async () => {
    const gone = await failureOf(sinkTo(`http://localhost:${await freePort()}/marked?sig=hunter2`).send(asked));
    expect(gone?.message).toContain('ECONNREFUSED');
    answer = { status: 500 };
    const failed = await failureOf(sinkTo(`${recorderUrl}?sig=hunter2`).send(asked));
    expect(failed?.message).toContain('500');
    for (const error of [gone, failed]) {
      expect(inspect(error, { depth: 20 })).not.toMatch(new RegExp(`hunter2|/marked|${key.toString('base64')}`));
    }
  });
});

describe('a channel in Teams', () => {
  test('gets a message with one card, of events that people want to hear of alone', async () => {
    const teams = createTeamsSink({ url: recorderUrl, events: { read: async () => chain } });
    await teams.send(asked);
    await teams.send(denied);
    await teams.send(link(requestId, denied, { type: 'access-reviewed', at: start, by: bob, comment: '', commandId }));
    const messages = calls.map(({ body }) => JSON.parse(body));
    expect(messages.map(({ attachments }) => attachments[0].content.body[0].inlines[0].text)).toEqual([
      'Ada Lindqvist asks for reader on orders',
      'Bob Okafor denied reader on orders for Ada Lindqvist',
    ]);
    expect(messages[0]).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: expect.objectContaining({ type: 'AdaptiveCard', version: '1.4' }),
        },
      ],
    });
    expect(calls[0]?.headers['content-type']).toBe('application/json');
  });

  test('is told of a request as it was with the event, whatever came of it since', async () => {
    const { requestId: id } = asked;
    const less = {
      type: 'access-approved',
      at: start,
      stage: 0,
      by: bob,
      through: 'api',
      comment: '',
      commandId,
    } as const;
    const read = async () => [asked, link(id, asked, { ...less, duration: 60 * minute })];
    await createTeamsSink({ url: recorderUrl, events: { read } }).send(asked);
    expect(calls[0]?.body).toContain('8h; From the moment it is approved');
  });

  test('gets no card of a request whose beginning is gone, which holds up nothing', async () => {
    const teams = createTeamsSink({ url: recorderUrl, events: { read: async () => [denied] } });
    expect(await failureOf(teams.send(denied))).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test('gets no card of a request whose events don’t follow one another, which holds up nothing', async () => {
    const again = link(requestId, denied, { ...denied.event });
    const teams = createTeamsSink({ url: recorderUrl, events: { read: async () => [...chain, again] } });
    expect(await failureOf(teams.send(again))).toBeUndefined();
    expect(calls).toEqual([]);
  });
});
