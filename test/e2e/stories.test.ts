import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenFor } from '../../local/people.ts';
import { type Api, reader, startApi } from './api-support.ts';

const sample = readFileSync('policy.sample.yaml', 'utf8');
/** The sample, with a role for which the link alone decides, and one whose approvers need an authentication context. */
const roles = `
      peeker:
        description: Look at the orders
        entitlements: [{ sql-role: orders_reader }]
        requesters: { groups: [analysts] }
        duration: { default: 1h, maximum: 1h, step: 30m }
        approval: { sign-in: not-needed, stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 1h }] }
      keeper:
        description: Look after the orders
        entitlements: [{ sql-role: orders_reader }]
        requesters: { groups: [analysts] }
        duration: { default: 1h, maximum: 1h }
        authentication: { deciding: [c1] }
        approval: { stages: [{ approvers: { people: [bob@contoso.example] }, time-out: 1h }] }
`;

let api: Api;
beforeAll(async () => {
  api = await startApi({ policy: sample.replace('\n      writer:', `${roles}\n      writer:`), control: true });
});
afterAll(() => api.close());

const strongly = async (name: string) => ({
  authorization: `Bearer ${await tokenFor(name, api.entra.authority, 'api://curfew/.default', { amr: ['pwd', 'mfa'], acrs: ['c1'] })}`,
});
const decision = (name: string, id: string, body: object, headers?: Record<string, string>) =>
  api.post(name, `/requests/${id}/decision`, body, headers);
const typesOf = async (id: string) =>
  (await api.call('carla', `/requests/${id}/events`)).body.events.map(({ event }) => event.type);

const owners = 'b0000000-0000-4000-8000-000000000002';
const [bob, carla] = ['a0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000003'];

describe('two stages', () => {
  const maintainer = {
    target: 'orders',
    role: 'maintainer',
    reason: 'Moving the archive',
    ticket: 'INC-004711',
    duration: '30m',
  };
  test('ask for a second factor, a ticket and a step, each with its own code', async () => {
    const headers = await strongly('ada');
    for (const [more, code, how] of [
      [{}, 'CURFEW_AUTHENTICATION_INSUFFICIENT', {}],
      [{ ticket: undefined }, 'CURFEW_TICKET_INVALID', headers],
      [{ ticket: 'INC-47' }, 'CURFEW_TICKET_INVALID', headers],
      [{ ticket: 'INC-004711\n' }, 'CURFEW_TICKET_INVALID', headers],
      [{ duration: '20m' }, 'CURFEW_DURATION_INVALID', headers],
      [{ reason: 'Archive' }, 'CURFEW_REASON_REQUIRED', headers],
    ] as const) {
      for (const query of ['', '?dryRun=true']) {
        const { body } = await api.post('ada', `/requests${query}`, { ...maintainer, ...more }, how);
        expect([more, body.code]).toEqual([more, code]);
      }
    }
  });
  test('are passed by two people, one by mail and one over the API, and both roles are granted and taken', async () => {
    const { status, body } = await api.post('ada', '/requests', maintainer, await strongly('ada'));
    expect([status, body.stage]).toEqual([202, { number: 1, of: 2, missing: 1 }]);
    const first = await api.decide(await api.linkOf('bob', body.id), { decision: 'approve' });
    expect([first.status, first.text.includes('You approved it')]).toEqual([200, true]);
    expect(await api.shown(body.id)).toMatchObject({ state: 'waiting-for-approval', stage: { number: 2, of: 2 } });
    for (const members of [[carla], [bob, carla]]) {
      await api.control('PUT', `groups/${owners}/members`, { members });
      expect((await decision('bob', body.id, { decision: 'approve' })).body.code).toBe('CURFEW_ALREADY_DECIDED');
    }
    const second = await decision('carla', body.id, { decision: 'approve', comment: 'Go', duration: '15m' });
    expect([second.status, second.body.duration]).toEqual([200, 'PT15M']);
    const granted = await api.untilState(body.id, 'granted');
    expect(granted.approvals?.map(({ by, through }) => [by.name, through])).toEqual([
      ['Bob Okafor', 'link-and-sign-in'],
      ['Carla Reyes', 'api'],
    ]);
    expect(await api.reads('ada')).toBe('rows');
    expect((await api.post('ada', `/requests/${body.id}/revoke`)).body.state).toBe('revoked');
    expect(await api.reads('ada')).not.toBe('rows');
  });
});

describe('the answer by API', () => {
  test('is refused to who has no role for it, to the requester, and in the words of the page to who comes second', async () => {
    const id = await api.asked('ada');
    expect((await decision('ada', id, { decision: 'approve' })).body.code).toBe('CURFEW_FORBIDDEN');
    const own = await api.asked('carla', {}).catch(() => undefined);
    expect(own).toBeUndefined();
    expect((await decision('bob', id, { decision: 'deny', comment: 'No' })).body.state).toBe('denied');
    const second = await decision('carla', id, { decision: 'approve' });
    expect([second.status, second.body.code, second.body.request?.decision?.by.name]).toEqual([
      409,
      'CURFEW_ALREADY_DECIDED',
      'Bob Okafor',
    ]);
  });
  test('must not be for longer than was asked, nor anything but an answer', async () => {
    const id = await api.asked('ada');
    for (const [body, code] of [
      [{ decision: 'approve', duration: '2h' }, 'CURFEW_DURATION_TOO_LONG'],
      [{ decision: 'approve', duration: 'soon' }, 'CURFEW_DURATION_INVALID'],
      [{ decision: 'maybe' }, 'CURFEW_BODY_INVALID'],
      [{ decision: 'approve', stage: 0 }, 'CURFEW_BODY_INVALID'],
      [{}, 'CURFEW_BODY_INVALID'],
    ] as const) {
      expect([body, (await decision('bob', id, body)).body.code]).toEqual([body, code]);
    }
    expect(await typesOf(id)).toEqual(['access-requested']);
  });
});

describe('automatic approval', () => {
  test('grants to who is on call for up to half an hour, and the rule stands in the place of a person', async () => {
    const id = await api.asked('fionn', { duration: '30m' });
    const granted = await api.untilState(id, 'granted');
    expect(granted.decision).toMatchObject({ outcome: 'approved', rule: 'short reading by whoever is on call' });
    expect(granted.approvers).toEqual([]);
    expect((await api.ask('fionn', { duration: '31m' })).body.approvers).not.toEqual([]);
  });
});

describe('an extension', () => {
  const extension = (name: string, id: string, body: object) => api.post(name, `/requests/${id}/extension`, body);
  test('is a request of its own, and moves the deadline once it is approved', async () => {
    const id = await api.asked('ada', { duration: '1h' });
    await api.approve('bob', id);
    const { deadline = '' } = await api.untilState(id, 'granted');
    const { status, body } = await extension('ada', id, { duration: '30m', reason: 'The report takes longer' });
    expect([status, body.extends, body.state]).toEqual([202, id, 'waiting-for-approval']);
    expect((await api.shown(id)).deadline).toBe(deadline);
    expect((await decision('bob', body.id, { decision: 'approve' })).status).toBe(200);
    const done = await api.untilState(body.id, 'extended', 'failed');
    const moved = new Date(Date.parse(deadline) + 30 * 60_000).toISOString();
    expect([done.state, done.movedTo, (await api.shown(id)).deadline]).toEqual(['extended', moved, moved]);
    expect(await typesOf(id)).toContain('deadline-moved');
  });
  test('is refused to others, beyond what the policy allows, and for what is not granted', async () => {
    const id = await api.asked('ada', { duration: '1h' });
    expect((await extension('ada', id, { duration: '1h', reason: 'x' })).body.code).toBe('CURFEW_NOT_GRANTED');
    await api.approve('bob', id);
    await api.untilState(id, 'granted');
    for (const [name, body, code] of [
      ['bob', { duration: '1h', reason: 'x' }, 'CURFEW_FORBIDDEN'],
      ['fionn', { duration: '1h', reason: 'x' }, 'CURFEW_REQUEST_NOT_FOUND'],
      ['ada', { duration: '12h', reason: 'x' }, 'CURFEW_EXTENSION_REFUSED'],
      ['ada', { duration: '1h' }, 'CURFEW_REASON_REQUIRED'],
      ['ada', { reason: 'x' }, 'CURFEW_BODY_INVALID'],
    ] as const) {
      expect([body, (await extension(name, id, body)).body.code]).toEqual([body, code]);
    }
    await api.post('ada', `/requests/${id}/revoke`);
    expect((await extension('ada', id, { duration: '1h', reason: 'x' })).body.code).toBe('CURFEW_REQUEST_ENDED');
  });
  test('comes too late once the deadline is final, and the refusal says since when', async () => {
    const id = await api.asked('ada', { duration: '3s' });
    await api.approve('bob', id);
    await api.untilState(id, 'granted', 'expired');
    const { body } = await extension('ada', id, { duration: '1h', reason: 'x' });
    expect(['CURFEW_TOO_LATE', 'CURFEW_ALREADY_ENDING', 'CURFEW_REQUEST_ENDED']).toContain(body.code);
  });
});

describe('what an approver has to prove', () => {
  test('is nothing but the link where the policy says so, and the event says it', async () => {
    const { body } = await api.post('ada', '/requests', { ...reader, role: 'peeker' });
    const link = await api.linkOf('bob', body.id);
    const page = await fetch(link, { redirect: 'manual' });
    expect(page.status).toBe(200);
    const csrf = /name="csrf" value="([\w-]+)"/.exec(await page.text())?.[1] ?? '';
    const form = (fields: Record<string, string>, origin = new URL(link).origin) =>
      fetch(link, { method: 'POST', headers: { origin }, body: new URLSearchParams(fields) });
    expect((await form({ decision: 'approve' })).status).toBe(403);
    expect((await form({ decision: 'approve', csrf }, 'https://evil.example')).status).toBe(403);
    expect((await form({ decision: 'approve', csrf, duration: '' })).status).toBe(200);
    expect((await api.shown(body.id)).approvals?.[0]?.through).toBe('link');
  });
  test('is an authentication context where the policy asks for it, by API and by page', async () => {
    const { body } = await api.post('ada', '/requests', { ...reader, role: 'keeper' });
    expect((await decision('bob', body.id, { decision: 'approve' })).body.code).toBe(
      'CURFEW_AUTHENTICATION_INSUFFICIENT',
    );
    const link = await api.linkOf('bob', body.id);
    const weak = await api.openLink(link);
    expect(weak.text).not.toContain('name="decision"');
    expect((await decision('bob', body.id, { decision: 'approve' }, await strongly('bob'))).status).toBe(200);
  });
});

describe('a portal and a job', () => {
  test('a portal asks for a person, and both names stand in the event', async () => {
    const headers = { authorization: `Bearer ${await api.applicationTokenOf('ticket-portal')}` };
    const asked = await api.post(undefined, '/requests', { ...reader, for: 'ada@contoso.example' }, headers);
    expect([asked.status, asked.body.requester.principalId, asked.body.submittedBy?.name]).toEqual([
      202,
      'a0000000-0000-4000-8000-000000000001',
      'ticket-portal',
    ]);
    const seen = await api.call(undefined, `/requests/${asked.body.id}`, { headers });
    expect(seen.status).toBe(200);
    expect((await api.post('ada', `/requests/${asked.body.id}/withdraw`)).body.state).toBe('withdrawn');
    const own = await api.post(undefined, '/requests', reader, headers);
    expect([own.status, own.body.code, own.body.path]).toEqual([403, 'CURFEW_FORBIDDEN', '/for']);
    expect((await api.post('ada', '/requests', { ...reader, for: 'bob@contoso.example' })).body.code).toBe(
      'CURFEW_FORBIDDEN',
    );
  });
  test('a job asks for itself, gets the role by its client id, and loses it', async () => {
    const headers = { authorization: `Bearer ${await api.applicationTokenOf('nightly-export')}` };
    const { status, body } = await api.post(undefined, '/requests', reader, headers);
    expect(status).toBe(202);
    expect((await api.approve('bob', body.id)).status).toBe(200);
    await api.untilState(body.id, 'granted');
    const ended = await api.post(undefined, `/requests/${body.id}/revoke`, { reason: 'Done' }, headers);
    expect([ended.status, ended.body.state]).toEqual([200, 'revoked']);
  });
});

test('the requester’s leaving the group, and the approver’s, stop it between the mail and the decision', async () => {
  const analysts = 'b0000000-0000-4000-8000-000000000001';
  const [ada, support] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000003'];
  const id = await api.asked('ada');
  const link = await api.linkOf('carla', id);
  await api.control('PUT', `groups/${owners}/members`, { members: [bob] });
  expect((await api.decide(link, { decision: 'approve' })).status).toBe(403);
  expect((await decision('carla', id, { decision: 'approve' })).body.code).toBe('CURFEW_NOT_AN_APPROVER');
  await api.control('PUT', `groups/${analysts}/members`, { members: [support] });
  expect((await decision('bob', id, { decision: 'approve' })).body.code).toBe('CURFEW_REQUESTER_INELIGIBLE');
  await api.control('PUT', `groups/${analysts}/members`, { members: [ada, support] });
  await api.control('PUT', `groups/${owners}/members`, { members: [bob, carla] });
  expect((await decision('bob', id, { decision: 'approve' })).status).toBe(200);
});
