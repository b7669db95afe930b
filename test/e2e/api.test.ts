import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyChain } from '../../shared/domain/hash-chain.ts';
import type { RequestId } from '../../shared/domain/ids.ts';
import { type Api, reader, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('what one may ask for', () => {
  test('an analyst sees the roles that the policy gives to analysts, also by way of a nested group', async () => {
    for (const name of ['ada', 'fionn']) {
      const { status, body } = await api.call(name, '/targets');
      expect(status).toBe(200);
      expect(body.targets.map(({ id, roles }) => [id, roles.map((role) => role.id)])).toEqual([
        ['orders', ['reader', 'writer', 'maintainer']],
      ]);
    }
  });

  test('who may ask for nothing sees nothing', async () => {
    for (const name of ['eve', 'bob']) {
      const { status, body } = await api.call(name, '/targets');
      expect([status, body.targets]).toEqual([200, []]);
    }
  });

  test('health says what works', async () => {
    const { status, body } = await api.call(undefined, '/health');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'healthy',
      checks: {
        policy: 'works',
        eventStore: 'works',
        directory: 'works',
        reconciler: 'works',
        'target orders': 'works',
      },
    });
  });
});

describe('asking', () => {
  test('a request is accepted with its address, its version and what the policy made of it', async () => {
    const { status, headers, body } = await api.ask('ada');
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/api/requests/${body.id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ state: 'waiting-for-approval', target: 'orders', role: 'reader', duration: 'PT1H' });
    expect(body.approvers.map((each) => each.userPrincipalName)).toEqual([
      'bob@contoso.example',
      'carla@contoso.example',
    ]);
    expect(await api.shown(body.id, 'ada')).toEqual(body);
  });

  test('without an Idempotency-Key the same body is another request', async () => {
    const [one, other] = [await api.ask('ada'), await api.ask('ada')];
    expect(one.body.id).not.toBe(other.body.id);
  });

  test('the same key with the same body is the same request, however the duration is written', async () => {
    const key = { 'idempotency-key': 'same-body' };
    const [one, other, third] = [
      await api.ask('ada', {}, key),
      await api.ask('ada', {}, key),
      await api.ask('ada', { duration: 'PT60M' }, key),
    ];
    expect([one.status, other.status, third.status]).toEqual([202, 202, 202]);
    expect([other.body.id, third.body.id]).toEqual([one.body.id, one.body.id]);
  });

  test('the same key with another body is refused, in a dry run too', async () => {
    const key = { 'idempotency-key': 'other-body' };
    const { body } = await api.ask('ada', {}, key);
    for (const path of ['/requests', '/requests?dryRun=true']) {
      const other = await api.post('ada', path, { ...reader, duration: '2h' }, key);
      expect([other.status, other.body.code]).toEqual([422, 'CURFEW_IDEMPOTENCY_MISMATCH']);
    }
    expect((await api.shown(body.id)).duration).toBe('PT1H');
  });

  test('one person’s key is nothing to another person', async () => {
    const key = { 'idempotency-key': 'shared' };
    const [ada, fionn] = [await api.ask('ada', {}, key), await api.ask('fionn', {}, key)];
    expect([ada.status, fionn.status]).toEqual([202, 202]);
    expect(ada.body.id).not.toBe(fionn.body.id);
  });

  test('a start that has come since does not make a repeated request another one', async () => {
    const key = { 'idempotency-key': 'start-passed' };
    const startsAt = new Date(Date.now() - 59_500).toISOString();
    const first = await api.ask('ada', { startsAt }, key);
    expect(first.status).toBe(202);
    const remaining = Date.parse(startsAt) + 60_100 - Date.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, remaining)));
    const again = await api.ask('ada', { startsAt }, key);
    expect([again.status, again.body.id]).toEqual([202, first.body.id]);
  });

  test('twenty at once with one key are one request, with one mail to each approver', async () => {
    const key = { 'idempotency-key': 'twenty' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.ask('ada', {}, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = new Set(answers.map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    await api.mailTo('carla', id);
    const mails = (await api.mail.messages()).filter(({ text }) => text.includes(id));
    expect(mails.map(({ to }) => to[0]).sort()).toEqual(['bob@contoso.example', 'carla@contoso.example']);
    const events = (await api.documents('events')).filter(({ requestId }) => requestId === id);
    expect(events).toHaveLength(1);
  });

  test('a booked window is to be approved before it is over', async () => {
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    const { body } = await api.ask('ada', { startsAt, duration: '30m' });
    expect(Date.parse(body.approveBy)).toBe(Date.parse(startsAt) + 1_800_000);
  });

  test('a dry run says what would be done, and does nothing', async () => {
    const before = await api.documents('events');
    const { status, body } = await api.post('ada', '/requests?dryRun=true', reader);
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: true, state: 'waiting-for-approval', duration: 'PT1H' });
    expect(body.plans).toHaveLength(1);
    expect(body.id).toBeUndefined();
    expect(await api.documents('events')).toEqual(before);
  });
});

describe('looking', () => {
  test('an ETag saves the body, and only while nothing has changed', async () => {
    const { headers, body } = await api.ask('ada');
    const etag = headers.get('etag') ?? '';
    const same = await api.call('ada', `/requests/${body.id}`, { headers: { 'if-none-match': etag } });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    await api.post('ada', `/requests/${body.id}/withdraw`);
    const changed = await api.call('ada', `/requests/${body.id}`, { headers: { 'if-none-match': etag } });
    expect([changed.status, changed.body.state]).toEqual([200, 'withdrawn']);
  });

  test('the events are shown with a chain that holds', async () => {
    const id = await api.asked('ada');
    await api.post('ada', `/requests/${id}/withdraw`);
    const { status, body } = await api.call('ada', `/requests/${id}/events`);
    expect([status, body.chain]).toEqual([200, 'intact']);
    expect(body.events.map(({ event }) => event.type)).toEqual(['access-requested', 'request-withdrawn']);
    expect(verifyChain(id as RequestId, body.events)).toBeUndefined();
  });

  test('a list is filtered by state, target and requester', async () => {
    const id = await api.asked('fionn', { role: 'writer' });
    await api.post('fionn', `/requests/${id}/withdraw`);
    const list = async (name: string, query: string) => {
      const { status, body } = await api.call(name, `/requests?${query}`);
      expect(status).toBe(200);
      return body.requests;
    };
    expect((await list('fionn', 'requester=me&state=withdrawn')).map((each) => each.id)).toEqual([id]);
    expect((await list('carla', 'state=withdrawn,denied&target=orders')).map((each) => each.id)).toContain(id);
    expect(await list('carla', 'target=elsewhere')).toEqual([]);
    expect(await list('carla', 'requester=me')).toEqual([]);
    const { principalId } = (await api.shown(id)).requester;
    const theirs = await list('carla', `requester=${principalId.toUpperCase()}`);
    expect(theirs.length).toBeGreaterThan(0);
    expect(new Set(theirs.map((each) => each.requester.principalId))).toEqual(new Set([principalId]));
  });

  test('paging shows each request once, newest first, while new ones arrive', async () => {
    for (let count = 0; count < 5; count++) await api.asked('ada');
    const before = (await api.call('ada', '/requests?requester=me&limit=100')).body.requests.map(({ id }) => id);
    const seen: string[] = [];
    for (let after: string | undefined, pages = 0; pages === 0 || after !== undefined; pages++) {
      const cursor = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
      const { body } = await api.call('ada', `/requests?requester=me&limit=3${cursor}`);
      expect(body.requests.length).toBeLessThanOrEqual(3);
      seen.push(...body.requests.map(({ id }) => id));
      after = body.next;
      await api.asked('ada');
    }
    expect(seen).toEqual(before);
  });
});
