import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, reader, startApi } from './api-support.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi({ settings: { CURFEW_CALLS_PER_MINUTE: '30' } });
});
afterAll(() => api.close());

/** Calls until one is refused for its number, and gives that one. */
async function tooMany(call: () => Promise<{ status: number; headers: Headers; text: string }>, least: number) {
  for (let calls = 1; calls <= least + 20; calls++) {
    const answer = await call();
    if (answer.status === 429) {
      expect(calls).toBeGreaterThan(least);
      return answer;
    }
  }
  throw new Error(`${least + 20} calls were let through.`);
}

describe('a caller who calls too often', () => {
  test('is told so, with the time to wait, on every route, and no other caller is', async () => {
    const id = await api.asked('ada');
    const { headers, text } = await tooMany(() => api.call('ada', `/requests/${id}`), 29);
    expect(headers.get('content-type')).toBe('application/problem+json');
    const { retryAfter, ...problem } = { retryAfter: Number(headers.get('retry-after')), ...JSON.parse(text) };
    expect(problem).toMatchObject({
      code: 'CURFEW_RATE_LIMITED',
      status: 429,
      remedy: `Try again in ${retryAfter} s.`,
    });
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(2);
    for (const action of ['withdraw', 'revoke', 'decision']) {
      expect((await api.post('ada', `/requests/${id}/${action}`)).body.code).toBe('CURFEW_RATE_LIMITED');
    }
    expect((await api.post('ada', '/requests', reader)).status).toBe(429);
    expect((await api.call('bob', `/requests/${id}`)).status).toBe(200);
    expect((await api.call('ada', '/health')).status).toBe(200);
  });

  test('can’t be somebody else who has no token of theirs', async () => {
    const token = await api.tokenOf('fionn');
    const headers = { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` };
    for (let calls = 0; calls < 40; calls++) {
      expect((await api.call(undefined, '/requests', { headers })).status).toBe(401);
    }
    expect((await api.call('fionn', '/requests')).status).toBe(200);
  });
});

describe('a link that is opened too often', () => {
  test('answers with a page that says when to try again, and other links go on', async () => {
    const id = await api.asked('fionn');
    const [link, other] = [await api.linkOf('bob', id), await api.linkOf('carla', id)];
    const open = async (address: string, method = 'GET') => {
      const answer = await fetch(address, { method, redirect: 'manual' });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    const { headers, text } = await tooMany(() => open(link), 60);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('retry-after')).toBe('1');
    expect(text).toContain('CURFEW_RATE_LIMITED');
    expect(text).toContain('Try again in 1 s.');
    expect((await tooMany(() => open(link, 'POST'), 0)).text).toContain('CURFEW_RATE_LIMITED');
    expect((await open(other)).status).toBe(302);
  });

  test('is so too where there is no such link', async () => {
    const unknown = `${api.base}/approvals/${'A'.repeat(43)}`;
    const call = async () => {
      const answer = await fetch(unknown);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    await tooMany(call, 60);
  });
});
