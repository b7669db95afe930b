import { describe, expect, test } from 'vitest';
import type { Entitlement } from '../../../../shared/domain/policy.ts';
import { plus } from '../../../../shared/domain/time.ts';
import { refused, type Subject } from '../subject.ts';

export function promisesOfFailures<E extends Entitlement>(on: Subject<E>): void {
  const { newcomer, now } = on;

  describe('a target that is down', () => {
    test('cannot be reached, whatever is asked of it', async () => {
      const person = newcomer();
      const calls = [
        on.fixture.provider.isHeld(on.fixture.down, person),
        on.fixture.provider.grant(on.fixture.down, person),
        on.fixture.provider.revoke(on.fixture.down, person, now()),
        on.fixture.provider.endSessions(on.fixture.down, person),
        on.fixture.provider.cleanUp(on.fixture.down, person),
        on.fixture.provider.holders(on.fixture.down),
        on.fixture.provider.preflight(on.fixture.down),
      ];
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toEqual({ status: 'rejected', reason: refused('CURFEW_TARGET_UNAVAILABLE') });
      }
    });

    test('is still waited for until the instant of a revocation', async () => {
      const deadline = plus(now(), 60_000);
      on.fixture.clock.stop();
      const revocation = on.fixture.provider.revoke(on.fixture.down, newcomer(), deadline);
      const first = [on.fixture.clock.asleep().then(() => 'asleep'), revocation.then(String, () => 'failed')];
      expect(await Promise.race(first)).toBe('asleep');
      on.fixture.clock.moveTo(deadline);
      await expect(revocation).rejects.toEqual(refused('CURFEW_TARGET_UNAVAILABLE'));
    });
  });

  test('no error holds a foreign text', async () => {
    const taken = newcomer();
    await on.fixture.administrator.addUser(on.fixture.entitlement, newcomer(), taken.userPrincipalName);
    const calls = [
      on.fixture.provider.grant(on.fixture.absent, newcomer()),
      on.fixture.provider.grant(on.fixture.entitlement, taken),
      on.fixture.provider.grant(on.fixture.down, newcomer()),
    ];
    for (const call of await Promise.allSettled(calls)) {
      const error: unknown = call.status === 'rejected' ? call.reason : undefined;
      if (!(error instanceof Error)) throw new Error('it should have failed');
      expect(error.cause).toBeUndefined();
      // What is to be done about it is Curfew's own text, and may name roles.
      const said = JSON.stringify({ ...error, message: error.message, refusal: undefined });
      expect(said).not.toMatch(/ROLE|USER |MEMBER|contoso|permission|ECONN|login/i);
    }
  });
}
