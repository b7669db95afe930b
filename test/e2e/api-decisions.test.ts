import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const typesOf = async (id: string) =>
  (await api.call('carla', `/requests/${id}/events`)).body.events.map(({ event }) => event.type);

describe('the approval page', () => {
  test('opening it, twice, changes nothing', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    for (const _ of ['once', 'twice']) {
      const page = await api.openLink(link);
      expect(page.status).toBe(200);
      expect(page.text).toContain('name="decision"');
    }
    expect(await typesOf(id)).toEqual(['access-requested']);
  });

  test('a denial ends the request, and the requester reads why', async () => {
    const id = await api.asked('ada');
    const { status, text } = await api.decide(await api.linkOf('bob', id), { decision: 'deny', comment: 'Ask Carla' });
    expect([status, text.includes('denied')]).toEqual([200, true]);
    expect(await api.shown(id, 'ada')).toMatchObject({ state: 'denied', decision: { comment: 'Ask Carla' } });
    expect(await api.mailTo('ada', id, ({ text }) => text.includes('Ask Carla'))).toBeDefined();
  });

  test('a second click, of the same or another approver, shows what was decided and by whom, and the link shows it too', async () => {
    const id = await api.asked('ada');
    const [bobs, carlas] = [await api.linkOf('bob', id), await api.linkOf('carla', id)];
    expect((await api.decide(bobs, { decision: 'deny', comment: 'Not this week' })).status).toBe(200);
    const before = await typesOf(id);
    for (const link of [bobs, carlas]) {
      const again = await api.decide(link, { decision: 'approve' });
      expect([again.status, again.text.includes('denied')]).toEqual([409, true]);
      const { text: page } = await api.openLink(link);
      expect(page).toContain('Bob Okafor');
      expect(page).toContain('Not this week');
      expect(page).not.toContain('name="decision"');
    }
    expect(await typesOf(id)).toEqual(before);
  });

  test('the answer to an approval says that the access is granted, or why it is not', async () => {
    const id = await api.asked('ada');
    expect((await api.approve('bob', id)).status).toBe(200);
    expect(await api.shown(id, 'ada')).toMatchObject({ state: 'granted' });
    expect(await api.reads('ada')).toBe('rows');
    expect((await api.post('ada', `/requests/${id}/revoke`)).body.state).toBe('revoked');
    expect(await api.reads('ada')).not.toBe('rows');
  });
});

describe('races', () => {
  test('of two approvers at the same instant one decides, and both are told the same', async () => {
    for (const answers of [
      ['approve', 'deny'],
      ['deny', 'approve'],
      ['approve', 'approve'],
    ]) {
      const id = await api.asked('ada', { role: 'writer' });
      const links = [await api.linkOf('bob', id), await api.linkOf('carla', id)];
      const told = await Promise.all(
        links.map((link, index) => api.decide(link, { decision: answers[index] ?? 'deny' })),
      );
      expect(told.map(({ status }) => status).sort()).toEqual([200, 409]);
      const { decision } = await api.shown(id);
      const winner = told.findIndex(({ status }) => status === 200);
      expect(decision?.by.name).toBe(['Bob Okafor', 'Carla Reyes'][winner]);
      expect(decision?.outcome).toBe(answers[winner] === 'approve' ? 'approved' : 'denied');
      expect(told[1 - winner]?.text).toContain(decision?.by.name);
      expect((await typesOf(id)).filter((type) => /approved|denied/.test(type))).toHaveLength(1);
    }
  });

  test('an approval and a withdrawal at the same instant have one outcome, and everyone is told that one', async () => {
    const round = async () => {
      const id = await api.asked('ada', { duration: '2h' });
      const link = await api.linkOf('bob', id);
      const [approval, withdrawal] = await Promise.all([
        api.decide(link, { decision: 'approve' }),
        api.post('ada', `/requests/${id}/withdraw`),
      ]);
      const { state } = await api.shown(id);
      const types = await typesOf(id);
      const outcomes = types.filter((type) => /approved|withdrawn/.test(type));
      // Withdrawing is possible until the intent to grant: an approval may come first, and be called off all the same.
      if (state === 'withdrawn') {
        expect(withdrawal.status).toBe(200);
        expect(approval.text).toContain('Withdrawn');
        expect(types).not.toContain('grant-intended');
      } else {
        expect([state, approval.status, withdrawal.status]).toEqual(['granted', 200, 409]);
        expect(outcomes).toEqual(['access-approved']);
        expect(withdrawal.body.request?.state).toMatch(/granting|granted/);
      }
      return state;
    };
    const seen: string[] = [];
    for (let batch = 0; batch < 3; batch++) {
      seen.push(...(await Promise.all(Array.from({ length: 10 }, round))));
    }
    expect(seen).toHaveLength(30);
    await Promise.all(
      (await api.call('ada', '/requests?state=granted&limit=100')).body.requests.map(({ id }) =>
        api.post('ada', `/requests/${id}/revoke`),
      ),
    );
    expect(await api.reads('ada')).not.toBe('rows');
  });
});

describe('ending it', () => {
  test.each([
    ['ada', 'requester'],
    ['bob', 'approver'],
    ['carla', 'administrator'],
  ])('%s ends the access as %s, and it is gone when the answer comes', async (name, capacity) => {
    const id = await api.asked('ada', { role: 'writer' });
    await api.approve('bob', id);
    const ended = await api.post(name, `/requests/${id}/revoke`, { reason: 'Enough' });
    expect([ended.status, ended.body.state]).toEqual([200, 'revoked']);
    expect(ended.body.endedEarly).toMatchObject({ as: capacity, reason: 'Enough' });
    expect(await api.reads('ada')).not.toBe('rows');
    const again = await api.post(name, `/requests/${id}/revoke`);
    expect([again.status, again.body.code]).toEqual([409, 'CURFEW_REQUEST_ENDED']);
  });

  test('what was not granted can be withdrawn by the requester alone, and not revoked', async () => {
    const id = await api.asked('ada');
    expect((await api.post('bob', `/requests/${id}/withdraw`)).body.code).toBe('CURFEW_FORBIDDEN');
    expect((await api.post('ada', `/requests/${id}/revoke`)).body.code).toBe('CURFEW_NOT_GRANTED');
    const { status, body } = await api.post('ada', `/requests/${id}/withdraw`);
    expect([status, body.state, body.calledOff?.as]).toEqual([200, 'withdrawn', 'requester']);
  });

  test('what was granted can’t be withdrawn, and the refusal says what to do and how it stands', async () => {
    const id = await api.asked('ada');
    await api.approve('bob', id);
    const { status, body } = await api.post('ada', `/requests/${id}/withdraw`);
    expect([status, body.code, body.request?.state]).toEqual([409, 'CURFEW_ALREADY_DECIDED', 'granted']);
    expect(body.remedyKind).toBe('end-the-access');
    await api.post('ada', `/requests/${id}/revoke`);
  });
});

describe('by the clock', () => {
  test.concurrent('the access ends at the deadline', async ({ expect }) => {
    const id = await api.asked('ada', { duration: '4s' });
    await api.approve('bob', id);
    expect(await api.reads('ada')).toBe('rows');
    const { deadline = '' } = await api.shown(id);
    const ended = await api.untilState(id, 'expired');
    expect(ended.deadline).toBe(deadline);
    expect(await api.reads('ada')).not.toBe('rows');
    const drop = api.sql
      .audit('orders')
      .findLast(({ action, succeeded }) => action.includes('DROP MEMBER') && succeeded);
    expect(drop?.at).toBeGreaterThanOrEqual(Date.parse(deadline));
  });

  test.concurrent('nothing is given before a booked start, and the window is as long as asked for', async ({
    expect,
  }) => {
    const startsAt = new Date(Date.now() + 2_500).toISOString();
    const id = await api.asked('fionn', { startsAt, duration: '1h' });
    expect((await api.approve('bob', id)).status).toBe(200);
    expect(await api.shown(id)).toMatchObject({ state: 'scheduled', startsAt });
    expect(await api.reads('fionn')).not.toBe('rows');
    const { deadline } = await api.untilState(id, 'granted');
    expect(Date.parse(deadline ?? '')).toBe(Date.parse(startsAt) + 3_600_000);
    const add = api.sql
      .audit('orders')
      .find(({ action, member }) => action.includes('ADD MEMBER') && member === 'fionn@contoso.example');
    expect(add?.at).toBeGreaterThanOrEqual(Date.parse(startsAt));
    expect(await api.reads('fionn')).toBe('rows');
  });

  test('an approver calls it off before a booked start', async () => {
    const id = await api.asked('ada', { startsAt: new Date(Date.now() + 3_600_000).toISOString() });
    await api.approve('bob', id);
    const { status, body } = await api.post('bob', `/requests/${id}/revoke`, { reason: 'The case is closed' });
    expect([status, body.state, body.calledOff?.as]).toEqual([200, 'revoked', 'approver']);
    expect(await typesOf(id)).not.toContain('grant-intended');
  });
});
