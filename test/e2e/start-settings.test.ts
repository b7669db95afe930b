import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createService } from '../../functions/composition.ts';
import { type FunctionsHost, startFunctionsHost } from '../../local/functions-host/index.ts';
import { settings } from '../../shared/configuration.ts';
import { CurfewError } from '../../shared/domain/errors.ts';
import { type Api, reader, startApi } from './api-support.ts';

const said: string[] = [];
let api: Api;
let host: FunctionsHost;
beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation((...words: unknown[]) => said.push(words.map(String).join(' ')));
  api = await startApi({ withoutCurfew: true });
  writeFileSync(api.settings.CURFEW_POLICY_FILE ?? '', 'version: 1\ntargets:\n  orders: everything to everybody\n');
  host = await startFunctionsHost({
    app: new URL('../../functions/index.ts', import.meta.url),
    port: api.ports.api,
    statePath: ':memory:',
  });
});
afterAll(async () => {
  await host.close();
  await api.close();
});

describe('with a policy file that can’t be read', () => {
  test('nobody may ask for anything, and nothing of the file is told', async () => {
    for (const answer of [
      await api.ask('ada'),
      await api.post('ada', '/requests?dryRun=true', reader),
      await api.call('ada', '/targets'),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([503, 'CURFEW_POLICY_INVALID']);
      expect(answer.body.remedyKind).toBe('read-log');
      expect(answer.text).not.toMatch(/everybody|yaml|orders/);
    }
    expect(await api.documents('events')).toEqual([]);
  });

  test('what was asked for before can still be seen', async () => {
    expect((await api.call('ada', '/requests')).status).toBe(200);
  });

  test('health says so, and the log says where', async () => {
    const { status, body } = await api.call(undefined, '/health');
    const works = { eventStore: 'works', directory: 'works', reconciler: 'works' };
    expect([status, body.checks]).toEqual([503, { policy: 'fails', ...works }]);
    expect(said.join()).toMatch(/CURFEW_POLICY_INVALID.*policy\.yaml:3:\d+: targets\.orders/);
  });
});

describe('with settings that are missing or wrong', () => {
  const refusalOf = (env: Record<string, string>): CurfewError => {
    try {
      createService(env);
    } catch (error) {
      if (error instanceof CurfewError) return error;
    }
    throw new Error('it was not refused');
  };

  test('all that are missing are named at once', () => {
    const { code, refusal } = refusalOf({});
    expect(code).toBe('CURFEW_CONFIGURATION_INVALID');
    const required = settings.filter((setting) => setting.required).map(({ name }) => name);
    expect(required.length).toBeGreaterThan(5);
    for (const name of required) expect(refusal.detail).toContain(`${name} is missing`);
  });

  test('no value is repeated: it may be a secret in the wrong place', () => {
    for (const { name } of settings) {
      const secret = 'hunter2-in-the-wrong-place ://';
      const { CURFEW_COSMOS_ENDPOINT: _, ...rest } = api.settings;
      const { code, message, refusal } = refusalOf({ ...rest, [name]: secret, CURFEW_MAIL_FROM: secret });
      expect(code).toBe('CURFEW_CONFIGURATION_INVALID');
      expect(message + JSON.stringify(refusal)).not.toContain('hunter2');
    }
  });
});
