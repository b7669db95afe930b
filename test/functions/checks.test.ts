import { expect, test } from 'vitest';
import { createChecks } from '../../functions/checks.ts';
import { plus } from '../../shared/domain/time.ts';
import type { Lack } from '../../shared/providers/provider.ts';
import { policy } from '../support/samples.ts';
import { createWorld } from '../support/world.ts';

const kill: Lack = {
  missing: 'KILL DATABASE CONNECTION, to end sessions',
  statement: 'GRANT KILL DATABASE CONNECTION TO [curfew-service];',
};

function checked() {
  const world = createWorld();
  const logged: { level: string; message: string; failure?: unknown; remedy?: unknown }[] = [];
  const checks = createChecks({
    ...world,
    clock: world.time.clock,
    log: (level, message, properties) => void logged.push({ level, message, ...properties }),
    heartbeat: { check: async () => undefined, last: async () => world.time.now, beat: async () => undefined },
    policy: () => policy,
  });
  return { world, checks, logged };
}

const named = {
  level: 'error',
  failure: `CURFEW_TARGET_REFUSED: Curfew lacks ${kill.missing}`,
  remedy: `An administrator of the database runs: ${kill.statement}`,
};

test('the log at start names what a target lacks, and what mends it, until it has it', async () => {
  const { world, checks, logged } = checked();
  world.target.lacks = [kill];
  const watching = checks.watch();
  await world.time.advanceTo(plus(world.time.now, 2_500), world.settle);
  world.target.lacks = [];
  await world.time.advanceTo(plus(world.time.now, 60_000), world.settle);
  await watching;
  expect(logged).toMatchObject([
    { ...named, message: 'target orders does not work; trying again', seconds: 1 },
    { ...named, message: 'target orders does not work; trying again', seconds: 2 },
    { level: 'info', message: 'everything that Curfew needs can be reached' },
  ]);
});

test('whoever asks for the health makes the log say it once, and once more when it comes back', async () => {
  const { world, checks, logged } = checked();
  const ask = async () => {
    await world.time.advanceTo(plus(world.time.now, 3_000), world.settle);
    return (await checks.check())['target orders'];
  };
  expect(await ask()).toBe(true);
  for (const round of [1, 2]) {
    world.target.lacks = [kill];
    expect([await ask(), await ask()]).toEqual([false, false]);
    expect(logged).toHaveLength(round);
    world.target.lacks = [];
    expect(await ask()).toBe(true);
  }
  expect(logged[0]).toMatchObject({ ...named, message: 'target orders does not work' });
});

test('a target that does not let Curfew in does not work', async () => {
  const { world, checks, logged } = checked();
  world.target.preflight = async () => ({ user: undefined });
  expect((await checks.check())['target orders']).toBe(false);
  expect(logged).toMatchObject([{ remedy: expect.stringContaining('docs/onboarding.md') }]);
});
