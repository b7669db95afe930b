import { describe, expect, test } from 'vitest';
import { withCircuitBreaker } from '../../shared/circuit-breaker.ts';
import { CurfewError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { Entitlement } from '../../shared/domain/policy.ts';
import { plus } from '../../shared/domain/time.ts';
import type { AccessProvider } from '../../shared/providers/provider.ts';
import { ada, entitlement, start } from '../support/samples.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const elsewhere = { ...entitlement, database: 'invoices' };
/** Until every call that can go on has. */
const rest = () => new Promise((resolve) => setImmediate(resolve));
const unavailable = expect.objectContaining({ code: 'CURFEW_TARGET_UNAVAILABLE' });

/** A provider that counts what reaches each database, and fails as it is told. */
function setUp() {
  const time = new VirtualClock(start);
  const asked: string[] = [];
  const state: { failure?: ErrorCode | undefined; gate?: Promise<void> } = { failure: 'CURFEW_TARGET_UNAVAILABLE' };
  const ask = async <T>(what: string, { database }: Entitlement, answer: T): Promise<T> => {
    asked.push(`${what} ${database}`);
    const { failure, gate } = state;
    await gate;
    if (failure && database === entitlement.database) throw new CurfewError(failure);
    return answer;
  };
  const provider: AccessProvider = {
    kind: 'sql-role',
    plan: () => '',
    isHeld: (target) => ask('isHeld', target, true),
    grant: (target) => ask('grant', target, 'granted'),
    revoke: (target) => ask('revoke', target, { outcome: 'revoked', droppedAt: start }),
    endSessions: (target) => ask('endSessions', target, 0),
    cleanUp: (target) => ask('cleanUp', target, undefined),
    residualAccess: (target) => ask('residualAccess', target, []),
    batchKey: ({ database }) => String(database),
    identityOf: ({ principalId }) => principalId,
    prepare: async () => [],
    revokeTogether: async () => [],
    holders: (target) => ask('holders', target, []),
    preflight: (target) => ask('preflight', target, { user: undefined }),
  };
  const guarded = withCircuitBreaker(provider, time.clock);
  const isHeld = () => guarded.isHeld(entitlement, ada);
  const revoke = (notBefore = time.now) => guarded.revoke(entitlement, ada, notBefore);
  return {
    asked,
    state,
    guarded,
    isHeld,
    revoke,
    wait: (milliseconds: number) => time.advanceTo(plus(time.now, milliseconds), async () => {}),
    async dies() {
      for (let attempt = 1; attempt <= 3; attempt++) await expect(isHeld()).rejects.toEqual(unavailable);
      asked.length = 0;
    },
  };
}

describe('a database that failed three times in a row', () => {
  test('is asked nothing more: grants and reads fail at once, and say when to come back', async () => {
    const { dies, guarded, asked, wait } = setUp();
    await dies();
    await wait(2_000);
    await expect(guarded.grant(entitlement, ada)).rejects.toMatchObject({
      code: 'CURFEW_TARGET_UNAVAILABLE',
      refusal: { retryAfter: 8 },
    });
    await expect(guarded.isHeld(entitlement, ada)).rejects.toEqual(unavailable);
    await expect(guarded.holders(entitlement)).rejects.toEqual(unavailable);
    await expect(guarded.cleanUp(entitlement, ada)).rejects.toEqual(unavailable);
    expect(asked).toEqual([]);
  });

  test('is no reason to leave another database of the same server alone', async () => {
    const { dies, guarded, asked } = setUp();
    await dies();
    expect(await guarded.grant(elsewhere, ada)).toBe('granted');
    expect(asked).toEqual(['grant invoices']);
  });

  test('is the same database whatever the case of its server’s name', async () => {
    const { dies, guarded, asked } = setUp();
    await dies();
    const server = entitlement.server.toUpperCase();
    await expect(guarded.isHeld({ ...entitlement, server }, ada)).rejects.toEqual(unavailable);
    expect(asked).toEqual([]);
  });

  test('is asked once after a pause, and by everybody when it has answered', async () => {
    const { dies, isHeld, asked, state, wait } = setUp();
    await dies();
    await wait(10_000);
    await expect(isHeld()).rejects.toEqual(unavailable);
    await expect(isHeld()).rejects.toEqual(unavailable);
    expect(asked).toHaveLength(1);
    await wait(10_000);
    state.failure = undefined;
    expect(await isHeld()).toBe(true);
    expect(await Promise.all([isHeld(), isHeld()])).toEqual([true, true]);
    expect(asked).toHaveLength(4);
  });

  test('is asked once when many come after the pause, who all get through if it answers', async () => {
    const { dies, isHeld, revoke, asked, state, wait } = setUp();
    await dies();
    await wait(10_000);
    state.failure = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    state.gate = promise;
    const calls = [isHeld(), revoke(), isHeld(), revoke()];
    await rest();
    expect(asked).toHaveLength(1);
    resolve();
    await Promise.all(calls);
    expect(asked).toHaveLength(4);
  });

  test('and not more than once if it doesn’t', async () => {
    const { dies, revoke, asked, wait } = setUp();
    await dies();
    await wait(10_000);
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => revoke()));
    expect(settled.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
    expect(asked).toHaveLength(1);
  });

  test('is alive where it answers, though it says no', async () => {
    const { dies, isHeld, asked, state, wait } = setUp();
    await dies();
    await wait(10_000);
    state.failure = 'CURFEW_TARGET_REFUSED';
    for (let n = 0; n < 2; n++) await expect(isHeld()).rejects.toMatchObject({ code: 'CURFEW_TARGET_REFUSED' });
    expect(asked).toHaveLength(2);
  });
});

describe('a revocation on a dead database', () => {
  test('is tried at any moment, and finds out that the database is back', async () => {
    const { dies, revoke, isHeld, state, asked } = setUp();
    await dies();
    await expect(revoke()).rejects.toEqual(unavailable);
    state.failure = undefined;
    expect(await revoke()).toMatchObject({ outcome: 'revoked' });
    expect(await isHeld()).toBe(true);
    expect(asked).toEqual(['revoke orders', 'revoke orders', 'isHeld orders']);
  });

  test('of which many come together is tried once at a time: the others fail at once', async () => {
    const { dies, revoke, state, asked } = setUp();
    await dies();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.gate = promise;
    const tries = Array.from({ length: 20 }, () => revoke());
    const settled = Promise.allSettled(tries);
    await expect(tries[19]).rejects.toEqual(unavailable);
    resolve();
    await settled;
    expect(asked).toEqual(['revoke orders']);
  });

  test('is not held up by a try that hangs', async () => {
    const { dies, revoke, state, asked, wait } = setUp();
    await dies();
    state.gate = new Promise(() => {});
    void revoke();
    await wait(4_999);
    await expect(revoke()).rejects.toEqual(unavailable);
    await wait(1);
    void revoke();
    await rest();
    expect(asked).toHaveLength(2);
  });

  test('that is prepared ahead of its instant is neither held back nor in the way of one that is due', async () => {
    const { dies, revoke, state, asked } = setUp();
    await dies();
    state.gate = new Promise(() => {});
    void revoke(plus(start, 5_000));
    void revoke(plus(start, 5_000));
    void revoke();
    await rest();
    expect(asked).toHaveLength(3);
  });
});

test('failures between which the database answered count for nothing', async () => {
  const { isHeld, state, asked } = setUp();
  for (let n = 0; n < 6; n++) {
    state.failure = n % 2 === 0 ? 'CURFEW_TARGET_UNAVAILABLE' : undefined;
    await isHeld().catch(() => false);
  }
  expect(asked).toHaveLength(6);
});

test('calls that were stuck since before the database answered count for nothing when they fail', async () => {
  const { isHeld, state, asked, wait } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.gate = promise;
  const stuck = Array.from({ length: 10 }, () => isHeld());
  const settled = Promise.allSettled(stuck);
  Object.assign(state, { gate: undefined, failure: undefined });
  await wait(1);
  expect(await isHeld()).toBe(true);
  resolve();
  await settled;
  expect(await isHeld()).toBe(true);
  expect(asked).toHaveLength(12);
});
