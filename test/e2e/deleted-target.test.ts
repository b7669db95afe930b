import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi, until } from './api-support.ts';

/** A database that is no more, and one that only doesn't answer. */
let api: Api;
beforeAll(async () => {
  api = await startApi({ settings: { CURFEW_RETRY_PAUSE: '1' } });
});
afterAll(() => api.close());

async function hold(name: string) {
  const id = await api.asked(name);
  await api.approve('bob', id);
  await api.untilState(id, 'granted');
  return id;
}

test('what was granted on a database ends with it, and not while Azure still has the database', async () => {
  const id = await hold('ada');
  // To whoever logs in, both look alike: 4060.
  api.sql.drop('orders');
  await api.post('ada', `/requests/${id}/revoke`, { reason: 'Done' });
  const attempts = async () => (await api.shown(id)).delay?.attempt ?? 0;
  await api.untilState(id, 'overdue');
  const seen = api.arm.asked;
  await until(
    async () => api.arm.asked,
    (asked) => asked >= seen + 3,
  );
  expect([(await api.shown(id)).state, (await attempts()) > 0]).toEqual(['overdue', true]);
  expect(await api.reads('ada')).not.toBe('rows');
  api.arm.delete(api.databaseId);
  const ended = await api.untilState(id, 'revoked');
  expect(ended).toMatchObject({ targetGone: true });
  const { events, chain } = (await api.call('carla', `/requests/${id}/events`)).body;
  expect(chain).toBe('intact');
  expect(events.at(-1)?.event).toMatchObject({ type: 'access-revoked', evidence: [{ outcome: 'target-gone' }] });
  await until(
    () => api.documents('holds'),
    (holds) => holds.length === 0,
  );
  const { text } = await api.mailTo('ada', id, ({ subject }) => subject.includes('Ended early'));
  expect(text).toContain('deleted');
});
