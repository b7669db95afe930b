import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { targets } from '../../cli/targets/check.ts';
import { connectAs } from '../../local/database.ts';
import { type Api, startApi } from './api-support.ts';

const said: string[] = [];
let api: Api;
beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation((...words: unknown[]) => said.push(words.map(String).join(' ')));
  api = await startApi();
});
afterAll(() => api.close());

/** As Carla, who administers the server. */
async function administer(statement: string) {
  const token = await api.tokenOf('carla', 'https://database.windows.net/.default');
  const pool = await connectAs(token, api.ports.sql);
  await pool.request().batch(statement);
  await pool.close();
}

async function command() {
  const out: string[] = [];
  const say = (text: string) => void out.push(text);
  const system = { out: say, error: say, read: () => '', now: () => '' as never };
  return { code: await targets(['check'], system, api.settings), text: out.join('\n') };
}

test('a database where sessions could not be ended gives nobody anything, and says what is missing', async () => {
  await administer('REVOKE KILL DATABASE CONNECTION FROM [curfew-service]');
  const half = await command();
  expect(half.code).toBe(1);
  expect(half.text).toContain('Asked as curfew-service (client id ');
  expect(half.text).toContain('were it deleted, Azure Resource Manager would say so');
  const statement = 'GRANT KILL DATABASE CONNECTION TO [curfew-service];';
  expect(half.text).toContain(`\n${statement}\nGO`);

  const id = await api.asked('ada');
  await api.approve('bob', id);
  const { failure } = await api.untilState(id, 'failed');
  expect(failure).toBe('CURFEW_TARGET_REFUSED');
  expect(await api.reads('ada')).toBe('ELOGIN');
  const { text } = await api.mailTo('ada', id, (mail) => mail.text.includes('The target refused'));
  expect(text).toContain('Ask the people who run Curfew what to do about it');
  expect(text).not.toContain('KILL');
  expect(said.filter((line) => line.includes(id) && line.includes(statement))).toHaveLength(1);

  await administer(statement);
  expect((await command()).code).toBe(0);
  const again = await api.asked('ada');
  await api.approve('bob', again);
  await api.untilState(again, 'granted');
  expect(await api.reads('ada')).toBe('rows');
});
