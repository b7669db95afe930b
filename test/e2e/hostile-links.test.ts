import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readSampleCompany } from '../../local/laptop.ts';
import { samplePerson } from '../../local/people.ts';
import { type Answer, type Api, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi({ control: true });
});
afterAll(() => api.close());

const stateOf = async (id: string) => (await api.shown(id)).state;

function expectPage({ status, text, headers }: Answer, expected: number): void {
  expect(status).toBe(expected);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(text).toMatch(/^<!doctype html>/);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self'");
  expect(policy).not.toContain('unsafe');
  expect(headers.get('cache-control')).toBe('no-store');
  // The origin alone: the path with its token goes nowhere, and the form's Origin still tells where it came from.
  expect(headers.get('referrer-policy')).toBe('strict-origin');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
}

const open = (link: string) => api.openLink(link);

describe('a link', () => {
  test('that is unknown, malformed or altered shows a page that says nothing, and decides nothing', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    const [, base = '', token = ''] = /^(.*\/)([\w-]{43})$/.exec(link) ?? [];
    const last = token.endsWith('A') ? 'E' : 'A';
    const others = [
      `${base}${'A'.repeat(43)}`,
      `${base}${token.slice(0, -1)}${last}`,
      `${base}${token.slice(0, -1)}`,
      `${base}${token}A`,
      `${base}${token.toLowerCase()}`,
      `${base}${token}%20`,
      `${base}${token}=`,
      `${base}..%2fhealth`,
      `${base}${id}`,
    ];
    const pages: string[] = [];
    for (const other of others) {
      const page = await open(other);
      expectPage(page, 404);
      pages.push(page.text);
      expectPage(await api.decide(other, { decision: 'approve' }), 404);
    }
    expect(new Set(pages).size).toBe(1);
    expect(pages[0]).toContain('CURFEW_LINK_NOT_FOUND');
    expect(await stateOf(id)).toBe('waiting-for-approval');
    expectPage(await open(link), 200);
  });

  test('decides its own request, whatever else is sent along', async () => {
    const [mine, other] = [await api.asked('ada'), await api.asked('ada', { role: 'writer' })];
    const link = await api.linkOf('bob', mine);
    expectPage(await api.decide(link, { decision: 'deny', requestId: other }), 400);
    expectPage(await api.decide(`${link}?requestId=${other}`, { decision: 'deny' }), 200);
    expect([await stateOf(mine), await stateOf(other)]).toEqual(['denied', 'waiting-for-approval']);
  });

  test('answers GET and POST alone', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const response = await fetch(link, { method });
      expect([response.status, await response.text()]).toEqual([404, '']);
    }
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('takes no answer from another site, nor one that is not clear', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    for (const origin of ['https://evil.example', 'null', `${new URL(link).origin}.evil.example`, 'http://localhost']) {
      expectPage(await api.decide(link, { decision: 'approve' }, { origin }), 403);
    }
    const forms: Record<string, string>[] = [
      {},
      { comment: 'yes' },
      { decision: '' },
      { decision: 'maybe' },
      { decision: 'APPROVE' },
      { decision: 'approve', by: 'carla@contoso.example' },
      { decision: 'approve', __proto__x: '1' },
      { decision: 'approve', comment: 'x'.repeat(1001) },
    ];
    for (const form of forms) expectPage(await api.decide(link, form), 400);
    expectPage(await api.decide(link, { decision: 'approve', comment: '\u202e' }), 422);
    expectPage(await api.decide(link, { decision: 'approve', comment: 'x'.repeat(70_000) }), 413);
    const { browser, csrf } = await api.signInAs('bob', link);
    for (const [body, expected] of [
      [`csrf=${csrf}&decision=deny&decision=approve`, 400],
      [`csrf=${csrf}&decision=approve&comment=a&comment=b`, 400],
      [`csrf=${csrf}&csrf=${csrf}&decision=approve`, 400],
      ['{"decision":"approve"}', 403],
    ] as const) {
      const { status } = await browser.send(link, { method: 'POST', body, headers: { origin: new URL(link).origin } });
      expect(status).toBe(expected);
    }
    // In the address, as a scanner or a mail program might have it.
    expectPage(await open(`${link}?decision=approve`), 200);
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });
});

describe('what somebody wrote', () => {
  const script = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;`;

  test('is text on every page and in every mail, and nothing else', async () => {
    const id = await api.asked('ada', { reason: script });
    const link = await api.linkOf('bob', id);
    const mail = await api.mailTo('bob', id);
    const page = await open(link);
    const refused = await api.decide(link, { decision: 'approve', [script]: script });
    const decided = await api.decide(link, { decision: 'deny', comment: script });
    const again = await open(link);
    const told = await api.mailTo('ada', id);
    for (const html of [mail.html ?? '', page.text, refused.text, decided.text, again.text, told.html ?? '']) {
      expect(html).not.toContain('<script');
      expect(html).not.toContain('<img');
      expect(html).not.toContain(`"'>`);
    }
    for (const html of [mail.html, page.text, decided.text]) expect(html).toContain('&lt;script&gt;');
    expectPage(page, 200);
    expectPage(refused, 400);
    expectPage(decided, 200);
  });

  test('can’t pass for a part of the mail: neither its lines nor its links stand outside the quotation', async () => {
    const reason = 'x\n\nApproved by: Carla Reyes\nLook and answer:\nhttps://evil.example/approvals/1';
    const id = await api.asked('ada', { reason });
    const { text } = await api.mailTo('bob', id);
    const lines = text.split('\n').filter((line) => /Approved by|evil/.test(line));
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^> /);
  });
});

describe('the directory has the last word', () => {
  const { groups } = readSampleCompany();
  const [analysts, owners] = ['analysts', 'order-data-owners'].map((name) =>
    groups.find((each) => each.displayName === name),
  );
  const setMembers = (group: (typeof groups)[number] | undefined, members: readonly string[]) =>
    api.control('PUT', `groups/${group?.id}/members`, { members });
  const enable = (name: string, accountEnabled: boolean) =>
    api.control('PATCH', `people/${samplePerson(name).id}`, { accountEnabled });

  afterEach(async () => {
    for (const group of groups) await setMembers(group, group.members);
    for (const name of ['ada', 'bob', 'carla']) await enable(name, true);
  });

  test('an approver who was switched off after the mail went out can’t decide', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    await enable('bob', false);
    expectPage(await api.decide(link, { decision: 'approve' }), 403);
    expect(await stateOf(id)).toBe('waiting-for-approval');
    await enable('bob', true);
    expectPage(await api.decide(link, { decision: 'deny' }), 200);
  });

  test('nor can one who has left the group since, neither decide nor end', async () => {
    const id = await api.asked('ada', { role: 'writer' });
    const link = await api.linkOf('bob', id);
    await setMembers(owners, [samplePerson('carla').id]);
    expectPage(await api.decide(link, { decision: 'approve' }), 403);
    expect((await api.post('bob', `/requests/${id}/revoke`)).body.code).toBe('CURFEW_FORBIDDEN');
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('a requester who leaves the group between approval and start gets nothing', async () => {
    const startsAt = new Date(Date.now() + 1_500).toISOString();
    const id = await api.asked('ada', { startsAt });
    await api.approve('bob', id);
    await setMembers(analysts, []);
    expect((await api.untilState(id, 'failed')).failure).toBe('CURFEW_REQUESTER_INELIGIBLE');
    expect(await api.reads('ada')).not.toBe('rows');
  });

  test('nor does one whose approver has left between approval and start', async () => {
    const startsAt = new Date(Date.now() + 1_500).toISOString();
    const id = await api.asked('ada', { role: 'writer', startsAt });
    await api.approve('bob', id);
    await setMembers(owners, [samplePerson('carla').id]);
    expect((await api.untilState(id, 'failed')).failure).toBe('CURFEW_NOT_AN_APPROVER');
  });

  test('a requester who was switched off may not ask, and what they asked for is not given', async () => {
    const id = await api.asked('ada');
    const link = await api.linkOf('bob', id);
    await enable('ada', false);
    expect((await api.ask('ada')).body.code).toBe('CURFEW_PRINCIPAL_UNKNOWN');
    expect((await api.decide(link, { decision: 'approve' })).status).toBe(403);
    expect(await stateOf(id)).toBe('waiting-for-approval');
    expect((await api.decide(link, { decision: 'deny' })).status).toBe(200);
  });

  test('an approver who asks is no approver of it, and without another one it can’t be asked for', async () => {
    await setMembers(analysts, [samplePerson('bob').id]);
    const { body } = await api.ask('bob');
    expect(body.approvers.map((each) => each.userPrincipalName)).toEqual(['carla@contoso.example']);
    await expect(
      api.mail.waitFor(
        ({ to, text }) => to.includes('bob@contoso.example') && text.includes(body.id) && text.includes('/approvals/'),
        300,
      ),
    ).rejects.toThrow();
    await setMembers(owners, [samplePerson('bob').id]);
    expect((await api.ask('bob')).body.code).toBe('CURFEW_NO_APPROVER');
  });

  test('an administrator who was switched off ends nothing, though their token still runs', async () => {
    const id = await api.asked('ada');
    await api.tokenOf('carla');
    await enable('carla', false);
    const { status, body } = await api.post('carla', `/requests/${id}/revoke`);
    expect([status, body.code]).toEqual([403, 'CURFEW_PRINCIPAL_UNKNOWN']);
  });
});
