import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FunctionsHost, startFunctionsHost } from '../../local/functions-host/index.ts';
import { startLaptop } from '../../local/laptop.ts';
import { type Api, reader, startApi, until } from './api-support.ts';

/** Curfew starts while everything that it needs is away, and finds it later. */
const said: string[] = [];
let api: Api;
let host: FunctionsHost;
let close = async () => {};
beforeAll(async () => {
  for (const level of ['log', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => said.push(words.map(String).join(' ')));
  }
  api = await startApi({ withoutCurfew: true });
  await api.tokenOf('ada');
  await Promise.all([api.cosmos.close(), api.sql.close(), api.entra.close(), api.mail.close(), api.arm.close()]);
  host = await startFunctionsHost({
    app: new URL('../../functions/index.ts', import.meta.url),
    port: api.ports.api,
    statePath: ':memory:',
  });
});
afterAll(async () => {
  await host.close();
  await close();
});

describe('without its surroundings', () => {
  // Each takes seconds, while the SDKs try again.
  test.concurrent('Curfew comes up, and health says what fails', async ({ expect }) => {
    const { status, body } = await api.call(undefined, '/health');
    expect(status).toBe(503);
    expect(body).toEqual({
      status: 'unhealthy',
      checks: {
        policy: 'works',
        eventStore: 'fails',
        directory: 'fails',
        reconciler: 'fails',
        'target orders': 'fails',
      },
    });
  });

  test.concurrent('a link gives a page that says so', async ({ expect }) => {
    const { status, headers, text } = await api.call(undefined, `/approvals/${'A'.repeat(43)}`);
    expect([status, headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    expect(text).toContain('CURFEW_STORE_UNAVAILABLE');
  });

  test('no token passes while its keys can’t be had, and what is no token at all is still refused', async () => {
    const real = await api.ask('ada');
    expect([real.status, real.body.code, real.headers.get('retry-after')]).toEqual([
      503,
      'CURFEW_ISSUER_UNAVAILABLE',
      '5',
    ]);
    const junk = await api.post(undefined, '/requests', reader, { authorization: 'Bearer junk' });
    expect([junk.status, junk.body.code]).toEqual([401, 'CURFEW_UNAUTHENTICATED']);
  });

  test('the log names each thing that fails, and no more than its code', async () => {
    const lines = await until(
      async () => said.filter((line) => line.includes('does not work; trying again')),
      (found) => found.length >= 3,
    );
    for (const name of ['eventStore', 'directory', 'target orders']) {
      expect(lines.some((line) => line.includes(`"${name} does not work`))).toBe(true);
    }
    expect(lines.join()).not.toContain(api.settings.AZURE_CLIENT_SECRET ?? '');
  });
});

test('when all is back everything works, without a restart', async () => {
  const laptop = await startLaptop({ folder: api.folder, ports: api.ports, withoutCurfew: true });
  close = () => laptop.close();
  const { body } = await until(
    () => api.call(undefined, '/health'),
    ({ status }) => status === 200,
  );
  expect(new Set(Object.values(body.checks))).toEqual(new Set(['works']));
  await until(
    async () => said.some((line) => line.includes('everything that Curfew needs can be reached')),
    (isSaid) => isSaid,
  );
  // The issuer's keys are asked for again after a pause.
  const { body: request } = await until(
    () => api.ask('ada'),
    ({ status }) => status !== 503,
  );
  expect(request.state).toBe('waiting-for-approval');
  const mail = await laptop.mail.waitFor(({ to }) => to.includes('bob@contoso.example'), 10_000);
  expect(mail.text).toContain(request.id);
});
