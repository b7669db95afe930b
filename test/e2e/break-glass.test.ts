import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
// The last test has closed some of it already.
afterAll(() => api.close().catch(() => undefined));

const glass = { target: 'orders', role: 'writer', reason: 'Checkout is down', duration: '1h', breakGlass: true };
const break_ = (name: string, more: object = {}) => api.post(name, '/requests', { ...glass, ...more });

test('only who is named in the policy breaks the glass, and only for as long as it allows', async () => {
  expect((await break_('ada')).body).toMatchObject({ code: 'CURFEW_BREAK_GLASS_REFUSED' });
  expect((await break_('eve')).body).toMatchObject({ code: 'CURFEW_NO_SUCH_ROLE' });
  expect((await break_('carla', { role: 'reader' })).body).toMatchObject({ code: 'CURFEW_NO_SUCH_ROLE' });
  expect((await break_('carla', { duration: '61m' })).body).toMatchObject({ code: 'CURFEW_DURATION_TOO_LONG' });
  expect((await break_('carla', { reason: '' })).body).toMatchObject({ code: 'CURFEW_REASON_REQUIRED' });
});

test('a preview of it names the rule and breaks nothing', async () => {
  const { status, body } = await api.post('carla', '/requests?dryRun=true', glass);
  expect([status, body.dryRun, body.breakGlass]).toEqual([200, true, true]);
  expect((await api.call('carla', '/requests')).body.requests).toEqual([]);
});

test('it is granted at once, everybody named hears of it, and a review by another is owed and given', async () => {
  const { body } = await break_('carla', { duration: '3s' });
  await api.untilState(body.id, 'granted', 'expired');
  const { subject } = await api.mailTo('bob', body.id, (message) => message.subject.startsWith('BREAK-GLASS'));
  expect(subject).toContain('Carla Reyes');
  await api.untilState(body.id, 'expired');
  expect((await api.post('carla', `/requests/${body.id}/review`, { comment: 'All fine' })).body.code).toBe(
    'CURFEW_SELF_APPROVAL',
  );
  expect((await api.post('ada', `/requests/${body.id}/review`, { comment: 'x' })).body.code).toBe('CURFEW_FORBIDDEN');
  const link = await api.linkOf('bob', body.id);
  expect((await api.openLink(link)).text).toContain('Checkout is down');
  const reviewed = await api.decide(link, { decision: 'reviewed', comment: 'As reported in the incident' });
  expect(reviewed.status).toBe(200);
  expect(await api.shown(body.id)).toMatchObject({ state: 'expired', review: { by: { name: 'Bob Okafor' } } });
  expect((await api.decide(link, { decision: 'reviewed' })).status).toBe(409);
  expect((await api.post('bob', `/requests/${body.id}/review`, { comment: 'x' })).body.code).toBe(
    'CURFEW_REVIEW_NOT_OWED',
  );
});

test('it works while the directory and the mail server are down', async () => {
  await api.tokenOf('carla');
  await Promise.all([api.mail.close(), api.entra.close()]);
  const { status, body } = await break_('carla');
  expect([status, body.requester.principalId]).toEqual([202, 'a0000000-0000-4000-8000-000000000003']);
  const granted = await api.untilState(body.id, 'granted', 'failed');
  expect(granted).toMatchObject({ state: 'granted', review: 'owed' });
  expect((await api.post('carla', '/requests', { ...glass, breakGlass: false })).body.code).toBe(
    'CURFEW_DIRECTORY_UNAVAILABLE',
  );
  const ended = await api.post('carla', `/requests/${body.id}/revoke`);
  expect([ended.status, ended.body.state, ended.body.endedEarly?.as]).toEqual([200, 'revoked', 'requester']);
});
