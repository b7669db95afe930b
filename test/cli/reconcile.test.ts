import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { reconcile, tell } from '../../cli/reconcile.ts';
import type { CurfewEvent } from '../../shared/domain/events.ts';
import { plus } from '../../shared/domain/time.ts';
import { MemoryDrifts } from '../support/memory.ts';
import { ada, eve, policy, requested, start } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

function terminalIn(world = createWorld()) {
  const out: string[] = [];
  const say = (text: string) => out.push(text);
  const system = { out: say, error: say, read: () => '', now: () => world.time.now };
  const from = { ...world, clock: world.time.clock, drifts: new MemoryDrifts(), policy: () => policy };
  return {
    world,
    system,
    from,
    look: async () => ({ code: await tell(from, system), text: out.splice(0).join('\n') }),
  };
}

test('nothing found is exit code 0, and it says what it did not look at', async () => {
  const { look } = terminalIn();
  const { code, text } = await look();
  expect(code).toBe(0);
  expect(text).toContain('Not looked at: which requests have a living orchestration');
  expect(text).toContain('0 found. Nothing was changed.');
});

test('each finding is a sentence, the exit code is 1, and nothing is changed', async () => {
  const { world, from, look } = terminalIn();
  // Of which no scheduler knows.
  const id = await world.submit({
    ...requested(),
    revocation: { isScheduled: false, longestPause: 60_000 },
  } as CurfewEvent);
  await world.approve(id);
  await world.engine.purge(id);
  world.target.members.add(eve.principalId);
  await world.advanceTo(plus(start, 9 * 3_600_000));
  const { code, text } = await look();
  expect(code).toBe(1);
  expect(text).toContain(
    `reader on orders of Ada Lindqvist (ada@contoso.example), ${id}, should have ended, and orders_reader in orders on localhost shows it still.`,
  );
  expect(text).toContain(`holds orders_reader in orders on localhost, of orders, and Curfew never granted it.`);
  expect(world.target.members).toEqual(new Set([ada.principalId, eve.principalId]));
  expect(world.request(id).state).toBe('granted');
  expect(from.drifts.chains.size).toBe(0);
});

test.each([['target'], ['requests'], ['holds']] as const)(
  'what cannot be looked at is exit code 2: the %s',
  async (system) => {
    const { world, look } = terminalIn();
    world[system].failure = 'CURFEW_STORE_UNAVAILABLE';
    const { code, text } = await look();
    expect(code).toBe(2);
    expect(text).toContain('(CURFEW_STORE_UNAVAILABLE)');
  },
);

test.each([[[]], [['--dry-runs']], [['--dry-run', 'now']]])('%j is answered with the usage', async (args) => {
  const { system } = terminalIn();
  expect(await reconcile(args, system, {})).toBe(2);
});

test('wrong settings are said, and nothing is looked at', () => {
  const { status, stderr } = spawnSync(process.execPath, ['cli/curfew.ts', 'reconcile', '--dry-run'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(status).toBe(2);
  expect(stderr).toContain('CURFEW_PUBLIC_URL');
});
