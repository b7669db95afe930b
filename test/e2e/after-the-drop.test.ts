import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectAs } from '../../local/database.ts';
import { type Api, type Ask, startApi, until } from './api-support.ts';

/** What is found once the access is gone: something else that lets them in, or no database any more. */
const engineers = 'on-call@contoso.example';
let api: Api;
beforeAll(async () => {
  api = await startApi({ settings: { CURFEW_RETRY_PAUSE: '1', CURFEW_ALERT_ADDRESS: engineers } });
});
afterAll(() => api.close());

async function hold(name: string, more: Ask = {}) {
  const id = await api.asked(name, more);
  await api.approve('bob', id);
  await api.untilState(id, 'granted');
  return id;
}

test('a group that still lets them in is in the evidence, and the approvers and engineers are told', async () => {
  const id = await hold('ada');
  const carla = await connectAs(await api.tokenOf('carla', 'https://database.windows.net/.default'), api.ports.sql);
  const strangers = ['b0000000-0000-4000-8000-000000000004', 'order desk'] as const;
  const analysts = ['b0000000-0000-4000-8000-000000000001', 'analysts'] as const;
  for (const [groupId, name] of [strangers, analysts]) {
    const [a = '', b = '', c = '', ...rest] = groupId.split('-');
    const sid = [...[a, b, c].map((part) => Buffer.from(part, 'hex').reverse().toString('hex')), ...rest].join('');
    await carla.request().batch(`CREATE USER [${name}] WITH SID = 0x${sid}, TYPE = X`);
    await carla.request().batch(`ALTER ROLE orders_reader ADD MEMBER [${name}]`);
  }
  await api.post('ada', `/requests/${id}/revoke`, { reason: 'Done' });
  const ended = await api.untilState(id, 'revoked');
  expect(ended).toMatchObject({ stillBy: [{ kind: 'group', name: 'analysts', groupId: analysts[0] }] });
  expect(ended).not.toHaveProperty('stillUnknown');
  const isWord = ({ text }: { text: string }) => text.includes('is still let in') && text.includes('analysts');
  await api.mailTo('bob', id, isWord);
  await api.mailTo('ada', id, isWord);
  await api.mail.waitFor((message) => message.to.includes(engineers) && isWord(message), 10_000);
  for (const [, name] of [strangers, analysts]) await carla.request().batch(`DROP USER [${name}]`);
  await carla.close();
});

test('what was granted on a database ends with it, and not while Azure still has the database', async () => {
  const id = await hold('ada', { duration: '5s' });
  // Whoever logs in gets 4060, as for a database that they have no right to.
  api.sql.drop('orders');
  await api.untilState(id, 'overdue');
  const seen = api.arm.asked;
  await until(
    async () => api.arm.asked,
    (asked) => asked >= seen + 3,
  );
  expect((await api.shown(id)).state).toBe('overdue');
  api.arm.delete(api.databaseId);
  expect(await api.untilState(id, 'expired')).toMatchObject({ targetGone: true });
  const { events, chain } = (await api.call('carla', `/requests/${id}/events`)).body;
  expect(chain).toBe('intact');
  expect(events.at(-1)?.event).toMatchObject({ type: 'access-revoked', evidence: [{ outcome: 'target-gone' }] });
  await until(
    () => api.documents('holds'),
    (holds) => holds.length === 0,
  );
  expect((await api.mailTo('ada', id, ({ subject }) => subject.includes('Ended'))).text).toContain('deleted');
});
